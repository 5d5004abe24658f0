//! An opened batch: its columns, held to fit together before any row is read.

use std::cell::RefCell;

use crate::column::{Column, OfCases, OfIdentities};
use crate::fault::Fault;
use crate::time::Time;
use crate::view::Identity;
use crate::wire;

/// Each column by its field in the contract, with what it holds, those of
/// identities and those of cases, and whether every batch has it.
macro_rules! columns {
    (
        identities { $($icore:ident: $ikind:ty,)* } optional { $($iopt:ident: $ioptkind:ty,)* }
        cases { $($core:ident: $kind:ty,)* } optional { $($opt:ident: $optkind:ty,)* }
    ) => {
        /// An opened batch. Every column of cases has as many rows as there are
        /// cases, every one of identities as many as there are identities; an
        /// optional one that was not asked for is none.
        pub(crate) struct Batch<'a> {
            $(pub(crate) $icore: Column<'a, OfIdentities, $ikind>,)*
            $(pub(crate) $core: Column<'a, OfCases, $kind>,)*
            $(pub(crate) $iopt: Option<Column<'a, OfIdentities, $ioptkind>>,)*
            $(pub(crate) $opt: Option<Column<'a, OfCases, $optkind>>,)*
            pub(crate) wire: &'a wire::Batch,
            /// What is wrong with the first optional column that could not be read.
            misread: RefCell<Option<String>>,
        }

        impl<'a> Batch<'a> {
            /// Opens a batch whose columns fit together.
            pub(crate) fn open(batch: &'a wire::Batch) -> Result<Self, Fault> {
                let (identities, cases) = (batch.identity.len(), batch.subject.len());
                let fits = batch.identity_ends.len() == identities
                    $(&& batch.$icore.len() == identities)*
                    $(&& batch.$core.len() == cases)*
                    $(&& (batch.$iopt.len() == identities || batch.$iopt.is_empty()))*
                    $(&& (batch.$opt.len() == cases || batch.$opt.is_empty()))*;
                if !fits {
                    return Err(Self::misfit(batch));
                }
                let last = batch.identity_ends.last().map_or(0, |end| *end as usize);
                if !batch.identity_ends.is_sorted() || last != cases {
                    return Err(Fault::new("data", "the column `identity-ends` does not divide the cases"));
                }
                Ok(Batch {
                    $($icore: Column::new(&batch.$icore),)*
                    $($core: Column::new(&batch.$core),)*
                    $($iopt: (!batch.$iopt.is_empty()).then(|| Column::new(&batch.$iopt)),)*
                    $($opt: (!batch.$opt.is_empty()).then(|| Column::new(&batch.$opt)),)*
                    wire: batch,
                    misread: RefCell::new(None),
                })
            }

            /// Names the first column that does not fit.
            #[cold]
            fn misfit(batch: &wire::Batch) -> Fault {
                let (identities, cases) = (batch.identity.len(), batch.subject.len());
                let rows = [
                    ("identity_ends", batch.identity_ends.len(), identities, false),
                    $((stringify!($icore), batch.$icore.len(), identities, false),)*
                    $((stringify!($core), batch.$core.len(), cases, false),)*
                    $((stringify!($iopt), batch.$iopt.len(), identities, true),)*
                    $((stringify!($opt), batch.$opt.len(), cases, true),)*
                ];
                let wrong = rows.into_iter().find(|&(_, length, rows, optional)| length != rows && !(optional && length == 0));
                let (name, length, rows, _) = wrong.unwrap_or_default();
                Fault::new("data", format!("the column `{}` has {length} rows, not {rows}", name.replace('_', "-")))
            }
        }
    };
}

columns! {
    identities {
        identity: u32,
        identity_kind: u8,
        identity_status: u8,
        identity_moved_at: i64,
        identity_ends_at: i64,
    }
    optional {
        identity_owner: u32,
        identity_unit: u32,
    }
    cases {
        subject: u8,
        target: u32,
        holder: u32,
        object: u32,
        desired: u8,
        observed: u8,
        recorded: u8,
        unknown_why: u8,
        differs: u32,
        traits: u32,
        desired_expires_at: i64,
        observed_expires_at: i64,
    }
    optional {
        not_before: i64,
        last_used: i64,
        undesired_since: i64,
        disabled_since: i64,
        desired_level: u32,
        observed_level: u32,
        owner: u32,
        purpose: u32,
        observed_purpose: u32,
        record: u32,
        approver: u32,
        via: u32,
        replaces: u32,
        tier: u8,
        exclusion: u32,
    }
}

impl<'a> Batch<'a> {
    /// How many cases there are.
    pub(crate) fn cases(&self) -> usize {
        self.wire.subject.len()
    }

    /// The identities of the batch, in its order.
    pub(crate) fn identities(&'a self) -> impl Iterator<Item = Identity<'a>> {
        let mut first = 0;
        self.wire.identity_ends.iter().zip(0..).map(move |(end, index)| {
            // Ends are sorted and the last one is the number of cases: whatever
            // lies between two of them is a case.
            let identity = Identity::new(self, index, first, *end);
            first = *end;
            identity
        })
    }

    /// Reports a read of an optional column that was not asked for.
    pub(crate) fn finish(&self) -> Result<(), Fault> {
        match self.misread.take() {
            None => Ok(()),
            Some(message) => Err(Fault::new("columns", message)),
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn miss(&self, name: &str) {
        self.misread.borrow_mut().get_or_insert_with(|| {
            format!("the rule reads the column `{name}` without asking for it; name it in the rule's `columns(...)`")
        });
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn mistake(&self, name: &str, kind: &str) {
        self.misread
            .borrow_mut()
            .get_or_insert_with(|| format!("the rule reads {kind} from the column `{name}`, which holds something else"));
    }

    /// The text of a number, which may be any: texts are not a column, and who
    /// reads one pays for the look at its place.
    #[inline]
    pub(crate) fn text(&self, id: u32) -> &'a str {
        let ends = &self.wire.text_ends;
        let place = id.checked_sub(1).and_then(|before| ends.get(before as usize).zip(ends.get(id as usize)));
        place.and_then(|(start, end)| self.wire.heap.get(*start as usize..*end as usize)).unwrap_or("")
    }

    #[inline]
    pub(crate) fn some_text(&self, id: u32) -> Option<&'a str> {
        if id == 0 { None } else { Some(self.text(id)) }
    }

    #[inline]
    pub(crate) fn some_time(&self, seconds: i64) -> Option<Time> {
        Time::recorded(seconds)
    }
}
