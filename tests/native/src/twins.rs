//! Both forms of the same cases, their answers held against each other, and the time that each takes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use trueup_against_decision::{Now, Row, Verdict, judge};
use trueup_guest::wire::{Batch, Context, SettingValue, Verdicts};
use trueup_least_access::RULE;

use crate::rows;

/// Batches as columns and as structs.
pub struct Twins<'a> {
    context: &'a Context,
    now: Now,
    batches: &'a [Batch],
    rows: Vec<Vec<Row<'a>>>,
    cases: usize,
}

/// What a case takes, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    /// The rule, native.
    pub rule: f64,
    /// The loop over structs.
    pub plain: f64,
}

impl Ratio {
    /// How many times the loop's time the rule takes.
    #[must_use]
    pub fn times(&self) -> f64 {
        self.rule / self.plain
    }
}

impl<'a> Twins<'a> {
    /// Makes the structs, and holds all answers against each other.
    ///
    /// # Errors
    /// When the rule refuses, or the two give another answer to a case.
    pub fn new(context: &'a Context, batches: &'a [Batch]) -> Result<Self> {
        let rows: Vec<_> = batches.iter().map(rows).collect();
        let cases = rows.iter().map(Vec::len).sum();
        let twins = Twins { context, now: now(context)?, batches, rows, cases };
        for (batch, rows) in twins.batches.iter().zip(&twins.rows) {
            same(&twins.rule(batch)?, judge(&twins.now, rows))?;
        }
        Ok(twins)
    }

    fn rule(&self, batch: &Batch) -> Result<Verdicts> {
        RULE.judge(self.context, batch).map_err(|error| anyhow!(error.message))
    }

    /// Lets both judge all batches in turn, batch after batch, and so many times over. A batch counts with the shortest time that
    /// each form took for it: whatever else the machine does in between is left out of both.
    ///
    /// # Errors
    /// When the rule refuses, or there are no rounds.
    pub fn best(&self, rounds: usize) -> Result<Ratio> {
        ensure!(rounds > 0 && self.cases > 0, "there is nothing to measure");
        let mut best = vec![(Duration::MAX, Duration::MAX); self.batches.len()];
        for _ in 0..rounds {
            for ((batch, rows), (rule, plain)) in self.batches.iter().zip(&self.rows).zip(&mut best) {
                let begun = instant();
                let answer = self.rule(black_box(batch))?;
                let between = instant();
                let same = judge(black_box(&self.now), black_box(rows));
                let ended = instant();
                black_box((answer, same));
                *rule = (*rule).min(between - begun);
                *plain = (*plain).min(ended - between);
            }
        }
        let each = |time: Duration| time.as_secs_f64() * 1e9 / self.cases as f64;
        Ok(Ratio {
            rule: each(best.iter().map(|(rule, _)| *rule).sum()),
            plain: each(best.iter().map(|(_, plain)| *plain).sum()),
        })
    }

    /// Each form once over all batches, for whoever counts instructions.
    ///
    /// # Errors
    /// When the rule refuses.
    pub fn rule_once(&self) -> Result<()> {
        self.batches.iter().try_for_each(|batch| self.rule(batch).map(|answer| drop(black_box(answer))))
    }

    /// As [`Self::rule_once`], of the loop.
    pub fn plain_once(&self) {
        self.rows.iter().for_each(|rows| drop(black_box(judge(&self.now, rows))));
    }
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
fn instant() -> Instant {
    Instant::now()
}

fn now(context: &Context) -> Result<Now> {
    let value = |name: &str| context.settings.iter().find(|setting| setting.name == name).map(|setting| &setting.value);
    let number = |name: &str| match value(name) {
        Some(SettingValue::Integer(number)) => Ok(*number),
        other => Err(anyhow!("`{name}` is {other:?}")),
    };
    Ok(Now {
        as_of: context.as_of,
        unused_days: number("unused-days")?,
        justify_from_tier: number("justify-from-tier")?,
        require_record: value("require-record") == Some(&SettingValue::Boolean(true)),
        disable_orphans_from_tier: number("disable-orphans-from-tier")?,
    })
}

fn same(rule: &Verdicts, (plain, valid_until): (Vec<Verdict>, i64)) -> Result<()> {
    ensure!(rule.valid_until == valid_until, "the rule's answers hold until {}, not {valid_until}", rule.valid_until);
    ensure!(rule.case.len() == plain.len(), "the rule answers {} cases, not {}", rule.case.len(), plain.len());
    for (row, expected) in plain.iter().enumerate() {
        let mask = rule.mask.get(row).copied().unwrap_or(0) as u8;
        let found = rule.effect.get(row).zip(rule.reason.get(row));
        let found = found.map(|(effect, reason)| Verdict { effect: *effect, reason: *reason as u8, mask });
        ensure!(found == Some(*expected), "case {row}: the rule says {found:?}, not {expected:?}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made;

    #[test]
    fn both_forms_give_the_same_answers() -> Result<()> {
        let context = made::context();
        for size in [1, 7, 64, 4_096] {
            let batches = made::batches(8_192, size);
            let twins = Twins::new(&context, &batches)?;
            let verdicts = batches.iter().map(|batch| twins.rule(batch)).collect::<Result<Vec<_>>>()?;
            let reasons: std::collections::BTreeSet<u16> = verdicts.iter().flat_map(|told| told.reason.clone()).collect();
            assert!(reasons.len() >= 12, "{reasons:?}");
            assert!(twins.best(1)?.times() > 0.0);
        }
        Ok(())
    }
}
