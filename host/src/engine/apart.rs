//! Identities that cannot be decided in the part that they are judged in: the catalogue counts holders of something they have, or
//! a key of theirs has a successor, which may be another's. They are paired once more when all parts were judged, and decided
//! together. Owns who they are, and how the rule's answers follow them from their batches into new ones.

use std::collections::HashSet;
use std::ops::Range;

use crate::correlate::{Batch, Cases, Identity};
use crate::discover::{Names, Survey};
use crate::link::{Links, Numbers};
use crate::model::{Digest, Subject, Sym};
use crate::rule::{BatchVerdict, VerdictColumns};

/// What is decided apart.
#[derive(Default)]
pub(super) struct Apart {
    /// Whether the catalogue counts holders.
    posts: bool,
    /// Objects whose place others take, in the form in which they are compared, as the whole estate names them.
    replaced: HashSet<Sym>,
    batches: Vec<Kept>,
}

/// What remains of a batch.
struct Kept {
    /// With how many cases each has.
    identities: Vec<(Digest, u32)>,
    too_large: bool,
    verdict: BatchVerdict,
    beside: Option<BatchVerdict>,
}

impl Apart {
    /// Nobody yet.
    pub(super) fn begin(survey: &Survey) -> Self {
        let posts = survey.snapshot.entitlements.iter().any(|row| row.min_holders > 0 || row.break_glass);
        let replaced = match survey.names.replaces {
            true => survey.names.used_as(Names::REPLACED).collect(),
            false => HashSet::new(),
        };
        Apart { posts, replaced, batches: Vec::new() }
    }

    /// Now that it is known how objects are compared.
    pub(super) fn linked(self, links: &Links) -> Self {
        Apart { replaced: self.replaced.into_iter().map(|object| links.object(object)).collect(), ..self }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The identities of a part that are concerned.
    pub(super) fn concerned(&self, cases: &Cases, survey: &Survey, links: &Links) -> Vec<u32> {
        if !self.posts && self.replaced.is_empty() {
            return Vec::new();
        }
        let mut numbers = Numbers::new(&survey.snapshot.symbols);
        let rows = &cases.snapshot.entitlements;
        let mut concerns = |index: u32| {
            let Some(case) = cases.cases.get(index as usize) else { return false };
            let row = case.entitlement.and_then(|i| rows.get(i as usize));
            let counted = row.is_some_and(|row| row.min_holders > 0 || row.break_glass);
            let key = cases.native(case).filter(|fact| fact.subject == Subject::Credential && !self.replaced.is_empty());
            let replaces = || case.desired.and_then(|i| cases.snapshot.desired.get(i as usize)).map(|fact| fact.replaces);
            let mut is_replaced =
                |fact| self.replaced.contains(&links.object(numbers.named(&cases.snapshot.symbols, fact).object));
            counted || key.is_some_and(|fact| replaces().is_some_and(|sym| !sym.is_empty()) || is_replaced(fact))
        };
        let of = |identity: &Identity| identity.cases.clone();
        (0u32..)
            .zip(&cases.identities)
            .filter(|(_, identity)| of(identity).any(&mut concerns))
            .map(|(number, _)| number)
            .collect()
    }

    /// Keeps what was answered of the identities that are apart in a part.
    pub(super) fn keep(&mut self, cases: &Cases, verdicts: &[BatchVerdict], beside: Option<&[BatchVerdict]>) {
        if cases.apart.is_empty() {
            return;
        }
        for (at, (batch, verdict)) in cases.batches.iter().zip(verdicts).enumerate() {
            let numbers = batch.identities.clone().filter(|number| cases.is_apart(*number));
            let own: Vec<&Identity> = numbers.filter_map(|number| cases.identities.get(number as usize)).collect();
            if own.is_empty() {
                continue;
            }
            let ranges: Vec<Range<u32>> = own.iter().map(|identity| in_batch(identity, batch)).collect();
            self.batches.push(Kept {
                identities: own.iter().map(|identity| (identity.digest, identity.cases.end - identity.cases.start)).collect(),
                too_large: batch.too_large,
                verdict: of_these(verdict, &ranges),
                beside: beside.and_then(|beside| beside.get(at)).map(|verdict| of_these(verdict, &ranges)),
            });
        }
    }

    /// Cuts the cases of those who are apart, paired together, as their parts had them, and gives the answers of each batch: the
    /// rule's, and those of a module beside. None if the cases are not those that were judged.
    pub(super) fn answers(self, cases: &mut Cases) -> Option<(Vec<BatchVerdict>, Option<Vec<BatchVerdict>>)> {
        let mut batches = Vec::with_capacity(self.batches.len());
        let (mut verdicts, mut beside) = (Vec::new(), Vec::new());
        let (mut identity, mut case) = (0u32, 0u32);
        for kept in self.batches {
            let (first, start) = (identity, case);
            for (digest, count) in kept.identities {
                let found = cases.identities.get(identity as usize)?;
                if found.digest != digest || found.cases != (case..case + count) {
                    return None;
                }
                (identity, case) = (identity + 1, case + count);
            }
            batches.push(Batch { identities: first..identity, cases: start..case, too_large: kept.too_large });
            verdicts.push(kept.verdict);
            beside.extend(kept.beside);
        }
        if identity as usize != cases.identities.len() {
            return None;
        }
        cases.batches = batches;
        let beside = (beside.len() == verdicts.len()).then_some(beside);
        Some((verdicts, beside))
    }
}

/// The cases of an identity, counted from the first of its batch.
fn in_batch(identity: &Identity, batch: &Batch) -> Range<u32> {
    let of = |index: u32| index.saturating_sub(batch.cases.start);
    of(identity.cases.start)..of(identity.cases.end)
}

/// A verdict as it is when only the cases of these ranges are left of its batch, one range after the other. What it cost and
/// logged is told of the batch as a whole.
fn of_these(verdict: &BatchVerdict, ranges: &[Range<u32>]) -> BatchVerdict {
    let result = verdict.result.as_ref().map_err(Clone::clone).map(|columns| rows_of(columns, ranges));
    BatchVerdict { result, fuel: 0, log: Vec::new() }
}

fn rows_of(columns: &VerdictColumns, ranges: &[Range<u32>]) -> VerdictColumns {
    let mut left = VerdictColumns { valid_until: columns.valid_until, ..VerdictColumns::default() };
    let mut before = 0;
    for range in ranges {
        let rows =
            columns.case.partition_point(|case| *case < range.start)..columns.case.partition_point(|case| *case < range.end);
        // An answer that names no case of its identity is nonsense; of itself it stays so.
        let moved =
            |case: u32, at: u32| if range.contains(&at) { at - range.start + before } else { case - range.start + before };
        for i in rows {
            let Some(&case) = columns.case.get(i) else { continue };
            left.case.push(case - range.start + before);
            left.after.extend(columns.after.get(i).map(|&after| if after == u32::MAX { after } else { moved(case, after) }));
            left.effect.extend(columns.effect.get(i));
            left.reason.extend(columns.reason.get(i));
            left.mask.extend(columns.mask.get(i));
            left.tier.extend(columns.tier.get(i));
            left.rank.extend(columns.rank.get(i));
            left.flags.extend(columns.flags.get(i));
            left.until.extend(columns.until.get(i));
        }
        before += range.end - range.start;
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_their_identities_and_edges_that_lead_out_stay_nonsense() {
        let columns = VerdictColumns {
            case: vec![0, 2, 3, 5, 6],
            effect: vec![1, 2, 3, 4, 5],
            reason: vec![10, 11, 12, 13, 14],
            // To the first of its own identity, to a case of another one, to none, to the one after it.
            after: vec![1, 2, 0, u32::MAX, 7],
            valid_until: crate::model::Time::from_seconds(9),
            ..VerdictColumns::default()
        };
        // Identities of the cases 0..2, 2..5 and 5..8, of which the first is decided in its part.
        let left = rows_of(&columns, &[2..5, 5..8]);
        assert_eq!((left.case, left.effect, left.reason), (vec![0, 1, 3, 4], vec![2, 3, 4, 5], vec![11, 12, 13, 14]));
        assert_eq!(left.after, [0, 1, u32::MAX, 5], "an edge to itself is nonsense, as one to another identity's case was");
        assert!(left.tier.is_empty() && left.until.is_empty() && left.valid_until == columns.valid_until);
        let left = rows_of(&columns, &[0..2, 5..8]);
        assert_eq!((left.case, left.after), (vec![0, 2, 3], vec![1, u32::MAX, 4]));
    }
}
