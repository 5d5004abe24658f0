//! Collecting verdicts into the contract's columns.

use crate::fault::Fault;
use crate::reasons::Reasons;
use crate::verdict::{NONE, Verdict};
use crate::view::{Case, Identity};
use crate::wire;

/// Where a rule over whole identities gives its verdicts, in any order, each
/// case at most once.
pub struct Answers<W> {
    first: u32,
    end: u32,
    rows: Vec<(u32, Verdict<W>)>,
    ascending: bool,
    stranger: Option<u32>,
}

impl<W: Reasons> Answers<W> {
    pub(crate) fn new() -> Self {
        Answers { first: 0, end: 0, rows: Vec::new(), ascending: true, stranger: None }
    }

    /// Gives a verdict for a case of the identity; `None` gives nothing.
    #[inline]
    pub fn give(&mut self, case: Case<'_>, verdict: impl Into<Option<Verdict<W>>>) {
        let Some(verdict) = verdict.into() else { return };
        let index = case.index();
        if index < self.first || index >= self.end {
            self.stranger = Some(index);
        }
        self.ascending &= self.rows.last().is_none_or(|(last, _)| *last < index);
        self.rows.push((index, verdict));
    }

    pub(crate) fn begin(&mut self, identity: Identity<'_>) {
        (self.first, self.end) = (identity.first, identity.end);
        self.rows.clear();
        self.ascending = true;
    }

    /// Moves the identity's verdicts into the columns.
    pub(crate) fn end(&mut self, columns: &mut Columns) -> Result<(), Fault> {
        if let Some(case) = self.stranger {
            let message = "the rule answers a case of another identity than the one it was shown";
            return Err(Fault { code: "answers".into(), message: message.into(), case: Some(case) });
        }
        if !self.ascending {
            self.rows.sort_unstable_by_key(|(case, _)| *case);
            let twice = self.rows.iter().zip(self.rows.iter().skip(1)).find(|(a, b)| a.0 == b.0);
            if let Some(((case, _), _)) = twice {
                let message = "the rule answers this case twice";
                return Err(Fault { code: "answers".into(), message: message.into(), case: Some(*case) });
            }
        }
        for (case, verdict) in self.rows.drain(..) {
            columns.push(case, verdict);
        }
        Ok(())
    }
}

/// The verdict columns while they grow. A column that only ever held its
/// default stays empty, as the contract allows.
pub(crate) struct Columns(wire::Verdicts);

impl Columns {
    pub(crate) fn with_capacity(cases: usize) -> Self {
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
    pub(crate) fn push<W: Reasons>(&mut self, case: u32, verdict: Verdict<W>) {
        let columns = &mut self.0;
        let row = columns.case.len();
        columns.case.push(case);
        columns.effect.push(verdict.effect as u8);
        columns.reason.push(verdict.reason.index());
        set(&mut columns.mask, row, verdict.mask, 0);
        set(&mut columns.tier, row, verdict.tier, 0);
        set(&mut columns.rank, row, verdict.rank, 0);
        set(&mut columns.after, row, verdict.after, NONE);
        set(&mut columns.flags, row, u8::from(verdict.exclusive), 0);
        set(&mut columns.until, row, verdict.until, 0);
    }

    pub(crate) fn finish(mut self, valid_until: i64) -> wire::Verdicts {
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

fn fill<T: Copy>(column: &mut Vec<T>, rows: usize, default: T) {
    if !column.is_empty() {
        column.resize(rows, default);
    }
}
