//! Collecting verdicts into the contract's columns.

use std::marker::PhantomData;

use crate::fault::Fault;
use crate::reasons::Reasons;
use crate::verdict::{NONE, Verdict};
use crate::view::{Case, Identity};
use crate::wire;

/// Stands for the effect of a case that has no answer.
const UNANSWERED: u8 = u8::MAX;

/// Where a rule over whole identities gives its verdicts, in any order, each
/// case at most once.
pub struct Answers<W> {
    /// Cases of the identity that is judged.
    first: u32,
    end: u32,
    given: usize,
    /// One row for each case of the batch, answered or not.
    effect: Vec<u8>,
    reason: Vec<u16>,
    rare: Rare,
    stranger: Option<u32>,
    twice: Option<u32>,
    reasons: PhantomData<fn(W)>,
}

impl<W: Reasons> Answers<W> {
    /// For a batch of so many cases.
    pub(crate) fn new(cases: usize) -> Self {
        Answers {
            first: 0,
            end: 0,
            given: 0,
            effect: vec![UNANSWERED; cases],
            reason: vec![0; cases],
            rare: Rare::default(),
            stranger: None,
            twice: None,
            reasons: PhantomData,
        }
    }

    /// Gives a verdict for a case of the identity; `None` gives nothing.
    #[inline]
    pub fn give(&mut self, case: Case<'_>, verdict: impl Into<Option<Verdict<W>>>) {
        let Some(verdict) = verdict.into() else { return };
        let index = case.index();
        if index < self.first || index >= self.end {
            self.stranger = Some(index);
        } else if self.effect.get(index as usize).is_some_and(|effect| *effect != UNANSWERED) {
            self.twice = Some(self.twice.map_or(index, |known| known.min(index)));
        } else {
            self.give_first(index, verdict);
        }
    }

    /// Gives the first verdict for a case, which is one of the identity.
    #[inline]
    pub(crate) fn give_first(&mut self, index: u32, verdict: Verdict<W>) {
        let Verdict { effect, reason, mask, tier, rank, after, exclusive, until } = verdict;
        let row = index as usize;
        if let (Some(to_effect), Some(to_reason)) = (self.effect.get_mut(row), self.reason.get_mut(row)) {
            (*to_effect, *to_reason) = (effect as u8, reason.index());
            self.given += 1;
        }
        if (mask, tier, rank, after, exclusive, until) != (0, 0, 0, NONE, false, 0) {
            self.rare.set(row, self.effect.len(), (mask, tier, rank, after, exclusive, until));
        }
    }

    #[inline]
    pub(crate) fn begin(&mut self, identity: Identity<'_>) {
        (self.first, self.end) = (identity.first, identity.end);
    }

    /// Says whether the identity's verdicts are what they may be.
    #[inline]
    pub(crate) fn end(&self) -> Result<(), Fault> {
        match (self.stranger, self.twice) {
            (None, None) => Ok(()),
            (None, case) => Err(fault("the rule answers this case twice", case)),
            (case, _) => Err(fault("the rule answers a case of another identity than the one it was shown", case)),
        }
    }

    /// The columns: a row for each answered case, in their order.
    pub(crate) fn finish(self, valid_until: i64) -> wire::Verdicts {
        let Answers { given, effect, reason, rare, .. } = self;
        let (rows, all) = (effect.len(), given == effect.len());
        let answered = effect.iter().zip(0..).filter(|(effect, _)| **effect != UNANSWERED).map(|(_, case)| case);
        let case: Vec<u32> = if all { (0..rows as u32).collect() } else { answered.collect() };
        let Rare { mask, tier, rank, after, flags, until } = rare;
        wire::Verdicts {
            effect: picked(effect, &case),
            reason: picked(reason, &case),
            mask: picked(mask, &case),
            tier: picked(tier, &case),
            rank: picked(rank, &case),
            after: picked(after, &case),
            flags: picked(flags, &case),
            until: picked(until, &case),
            case,
            valid_until,
        }
    }
}

#[cold]
fn fault(message: &str, case: Option<u32>) -> Fault {
    Fault { code: "answers".into(), message: message.into(), case }
}

/// The rows of these cases; they are the column itself where they are all of it.
fn picked<T: Copy>(column: Vec<T>, cases: &[u32]) -> Vec<T> {
    if column.len() <= cases.len() {
        return column;
    }
    cases.iter().filter_map(|case| column.get(*case as usize).copied()).collect()
}

/// What most verdicts leave as it is, a row for each case of the batch. A column
/// that only ever held its default stays empty, as the contract allows.
#[derive(Default)]
struct Rare {
    mask: Vec<u32>,
    tier: Vec<u8>,
    rank: Vec<i16>,
    after: Vec<u32>,
    flags: Vec<u8>,
    until: Vec<i64>,
}

impl Rare {
    /// Out of line: seldom, and the same for all rules.
    #[inline(never)]
    fn set(&mut self, row: usize, rows: usize, (mask, tier, rank, after, exclusive, until): (u32, u8, i16, u32, bool, i64)) {
        set(&mut self.mask, row, rows, mask, 0);
        set(&mut self.tier, row, rows, tier, 0);
        set(&mut self.rank, row, rows, rank, 0);
        set(&mut self.after, row, rows, after, NONE);
        set(&mut self.flags, row, rows, u8::from(exclusive), 0);
        set(&mut self.until, row, rows, until, 0);
    }
}

/// Sets a row; all others have the default until they are set.
fn set<T: Copy + PartialEq>(column: &mut Vec<T>, row: usize, rows: usize, value: T, default: T) {
    if value == default {
        return;
    }
    if column.is_empty() {
        column.resize(rows, default);
    }
    if let Some(at) = column.get_mut(row) {
        *at = value;
    }
}
