//! Collecting verdicts into the contract's columns.

use std::marker::PhantomData;

use crate::fault::Fault;
use crate::reasons::Reasons;
use crate::verdict::{NONE, Verdict};
use crate::view::{Case, Identity};
use crate::wire;

/// Where a rule over whole identities gives its verdicts, in any order, each
/// case at most once. Verdicts in the order of cases, which is how nearly every
/// rule gives them, go straight into the columns.
pub struct Answers<W> {
    first: u32,
    end: u32,
    /// The lowest case that comes after all that were given.
    next: u32,
    /// Where the identity's rows begin.
    begun: usize,
    columns: Columns,
    /// Verdicts that came after one of a later case.
    late: Vec<Row>,
    stranger: Option<u32>,
    reasons: PhantomData<fn(W)>,
}

impl<W: Reasons> Answers<W> {
    pub(crate) fn with_capacity(cases: usize) -> Self {
        let columns = Columns::with_capacity(cases);
        Answers { first: 0, end: 0, next: 0, begun: 0, columns, late: Vec::new(), stranger: None, reasons: PhantomData }
    }

    /// Gives a verdict for a case of the identity; `None` gives nothing.
    #[inline]
    pub fn give(&mut self, case: Case<'_>, verdict: impl Into<Option<Verdict<W>>>) {
        let Some(verdict) = verdict.into() else { return };
        let row = Row::new(case.index(), verdict);
        if row.case < self.first || row.case >= self.end {
            self.stranger = Some(row.case);
        }
        if row.case >= self.next {
            self.next = row.case.saturating_add(1);
            self.columns.push(row);
        } else {
            self.late.push(row);
        }
    }

    #[inline]
    pub(crate) fn begin(&mut self, identity: Identity<'_>) {
        (self.first, self.end) = (identity.first, identity.end);
        self.begun = self.columns.0.case.len();
    }

    /// Says whether the identity's verdicts are what they may be.
    #[inline]
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        match (self.stranger, self.late.is_empty()) {
            (None, true) => Ok(()),
            (None, false) => self.sort(),
            (case, _) => Err(fault("the rule answers a case of another identity than the one it was shown", case)),
        }
    }

    /// Puts the identity's rows in the order of its cases.
    #[cold]
    fn sort(&mut self) -> Result<(), Fault> {
        let Answers { columns, late, begun, .. } = self;
        columns.take_back(*begun, late);
        late.sort_unstable_by_key(|row| row.case);
        if let Some((row, _)) = late.iter().zip(late.iter().skip(1)).find(|(a, b)| a.case == b.case) {
            return Err(fault("the rule answers this case twice", Some(row.case)));
        }
        late.drain(..).for_each(|row| columns.push(row));
        Ok(())
    }

    pub(crate) fn finish(self, valid_until: i64) -> wire::Verdicts {
        self.columns.finish(valid_until)
    }
}

fn fault(message: &str, case: Option<u32>) -> Fault {
    Fault { code: "answers".into(), message: message.into(), case }
}

/// A verdict in the contract's numbers.
#[derive(Clone, Copy)]
struct Row {
    case: u32,
    effect: u8,
    reason: u16,
    mask: u32,
    tier: u8,
    rank: i16,
    after: u32,
    flags: u8,
    until: i64,
}

impl Row {
    #[inline]
    fn new<W: Reasons>(case: u32, verdict: Verdict<W>) -> Self {
        let Verdict { effect, reason, mask, tier, rank, after, exclusive, until } = verdict;
        let (effect, reason, flags) = (effect as u8, reason.index(), u8::from(exclusive));
        Row { case, effect, reason, mask, tier, rank, after, flags, until }
    }
}

/// The verdict columns while they grow. A column that only ever held its
/// default stays empty, as the contract allows.
struct Columns(wire::Verdicts);

impl Columns {
    fn with_capacity(cases: usize) -> Self {
        Columns(wire::Verdicts {
            case: Vec::with_capacity(cases),
            effect: Vec::with_capacity(cases),
            reason: Vec::with_capacity(cases),
            mask: Vec::new(),
            tier: Vec::new(),
            rank: Vec::new(),
            after: Vec::new(),
            flags: Vec::new(),
            until: Vec::new(),
            valid_until: 0,
        })
    }

    #[inline]
    fn push(&mut self, row: Row) {
        let columns = &mut self.0;
        let at = columns.case.len();
        columns.case.push(row.case);
        columns.effect.push(row.effect);
        columns.reason.push(row.reason);
        set(&mut columns.mask, at, row.mask, 0);
        set(&mut columns.tier, at, row.tier, 0);
        set(&mut columns.rank, at, row.rank, 0);
        set(&mut columns.after, at, row.after, NONE);
        set(&mut columns.flags, at, row.flags, 0);
        set(&mut columns.until, at, row.until, 0);
    }

    /// Moves the rows from this one on behind those that came late.
    fn take_back(&mut self, from: usize, late: &mut Vec<Row>) {
        let columns = &mut self.0;
        let known = columns.case.iter().zip(&columns.effect).zip(&columns.reason).enumerate().skip(from);
        late.extend(known.map(|(at, ((case, effect), reason))| Row {
            case: *case,
            effect: *effect,
            reason: *reason,
            mask: get(&columns.mask, at, 0),
            tier: get(&columns.tier, at, 0),
            rank: get(&columns.rank, at, 0),
            after: get(&columns.after, at, NONE),
            flags: get(&columns.flags, at, 0),
            until: get(&columns.until, at, 0),
        }));
        columns.case.truncate(from);
        columns.effect.truncate(from);
        columns.reason.truncate(from);
        columns.mask.truncate(from);
        columns.tier.truncate(from);
        columns.rank.truncate(from);
        columns.after.truncate(from);
        columns.flags.truncate(from);
        columns.until.truncate(from);
    }

    fn finish(mut self, valid_until: i64) -> wire::Verdicts {
        let columns = &mut self.0;
        let rows = columns.case.len();
        fill(&mut columns.mask, rows, 0);
        fill(&mut columns.tier, rows, 0);
        fill(&mut columns.rank, rows, 0);
        fill(&mut columns.after, rows, NONE);
        fill(&mut columns.flags, rows, 0);
        fill(&mut columns.until, rows, 0);
        columns.valid_until = valid_until;
        self.0
    }
}

/// Sets a row; rows before it that were not set have the default.
#[inline]
fn set<T: Copy + PartialEq>(column: &mut Vec<T>, row: usize, value: T, default: T) {
    if value != default {
        column.resize(row, default);
        column.push(value);
    }
}

fn get<T: Copy>(column: &[T], row: usize, default: T) -> T {
    column.get(row).copied().unwrap_or(default)
}

fn fill<T: Copy>(column: &mut Vec<T>, rows: usize, default: T) {
    if !column.is_empty() {
        column.resize(rows, default);
    }
}
