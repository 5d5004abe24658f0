//! Walks batches in parallel and cases in order, and puts each case's verdict through `derive`, `guard` and `weigh`.

use super::decision::{Decided, Decision, Held, Refusal};
use super::derive::{Ask, Derived, Effect, End, derive};
use super::edges::{Outcome, settle};
use super::ground::{Ground, View};
use super::guard::{Proposal, guard};
use super::{Ends, Policy, across, gate, own, weigh};
use crate::correlate::{Batch, Cases, Identity};
use crate::model::{Attribute, ChangeKind, Subject, Time};
use crate::rule::{BatchVerdict, Fault, VerdictColumns};

/// No edge, in the contract's `after` column.
const NOTHING: u32 = u32::MAX;
/// Bit of the contract's `flags` column.
const EXCLUSIVE: u8 = 1;

/// Decides every case of a plan. `verdicts` are those of `cases.batches`, in their order; a batch without one counts as
/// failed. The result does not depend on `threads`.
#[must_use]
pub fn decide(cases: &Cases, verdicts: &[BatchVerdict], policy: &Policy<'_>, threads: usize) -> Decided {
    let mut all = decide_part(cases, verdicts, policy, threads);
    let mut ends = Ends::default();
    ends.count(cases, &all.decisions);
    gate(cases, &ends.too_many(policy.spent), &mut all.decisions);
    all
}

/// Decides every case of one part of a plan, as [`decide`] does, but for the budget of ends: that is for the whole plan to
/// know, see [`super::Ends`]. What must hold of many cases at once holds within the part alone: identities that such a thing
/// concerns are apart in their own parts ([`Cases::apart`]), and together in one.
#[must_use]
pub fn decide_part(cases: &Cases, verdicts: &[BatchVerdict], policy: &Policy<'_>, threads: usize) -> Decided {
    let ground = Ground::new(cases, policy);
    let share = cases.batches.len().div_ceil(threads.max(1)).max(1);
    let run = |first: usize, batches: &[Batch]| {
        let mut decided = Decided::default();
        for (i, batch) in batches.iter().enumerate() {
            decide_batch(&ground, batch, verdicts.get(first + i), &mut decided);
        }
        decided
    };
    std::thread::scope(|scope| {
        let mut workers = Vec::new();
        for (i, batches) in cases.batches.chunks(share).enumerate() {
            let run = &run;
            workers.push(scope.spawn(move || run(i * share, batches)));
        }
        let mut all = Decided::default();
        for worker in workers {
            match worker.join() {
                Ok(decided) => all.append(decided),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        across::settle(&ground, &mut all);
        all
    })
}

fn decide_batch(ground: &Ground<'_>, batch: &Batch, verdict: Option<&BatchVerdict>, decided: &mut Decided) {
    let columns = match verdict.map(|v| &v.result) {
        _ if batch.too_large => Err(Refusal::IdentityTooLarge),
        Some(Ok(columns)) => Ok(columns),
        Some(Err(Fault::IdentityTooLarge { .. })) => Err(Refusal::IdentityTooLarge),
        Some(Err(Fault::Absent)) => Err(Refusal::RuleAbsent),
        Some(Err(_)) | None => Err(Refusal::RuleFailed),
    };
    let identities = ground.cases.identities.get(batch.identities.start as usize..batch.identities.end as usize);
    let mut rows = Rows { at: 0, first: batch.cases.start };
    let mut outcomes = Vec::new();
    let numbered = (batch.identities.start..).zip(identities.unwrap_or_default());
    for (number, identity) in numbered.filter(|(number, _)| !ground.cases.is_apart(*number)) {
        let disputed = ground.is_disputed(identity);
        for index in identity.cases.clone() {
            let Some(case) = ground.cases.cases.get(index as usize) else { continue };
            let view = ground.view(case, identity);
            let at = At { case: index, identity: number, disputed: disputed || view.is_disputed() };
            let answer = columns.map(|columns| rows.find(columns, index, identity));
            outcomes.push(own::before_the_rule(ground, &view, at).unwrap_or_else(|| match answer {
                Err(refusal) => own::without_rule(ground, &view, at, refusal),
                Ok(Some(answer)) => follow(ground, &view, at, &answer),
                Ok(None) => Outcome::Kept(None),
            }));
        }
        settle(&mut outcomes, identity.cases.start);
        for outcome in outcomes.drain(..) {
            match outcome {
                Outcome::Kept(reason) => *decided.kept.entry(reason).or_default() += 1,
                Outcome::Unmanaged(reason) => *decided.unmanaged.entry(Some(reason)).or_default() += 1,
                Outcome::Held(held) => decided.held.push(held),
                Outcome::Planned(decision, _) => decided.decisions.push(decision),
            }
        }
    }
}

/// Which case is decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub case: u32,
    pub identity: u32,
    /// Whether it or its identity is in dispute.
    pub disputed: bool,
}

/// One row of the verdict columns.
#[derive(Clone, Copy, Debug)]
struct Answer {
    effect: Option<Effect>,
    reason: u16,
    mask: u32,
    tier: u8,
    rank: i16,
    /// As an index into all cases; `Err` when it names none of this identity's other cases.
    after: Result<Option<u32>, Refusal>,
    exclusive: bool,
    until: Time,
}

/// A cursor over the rows of one batch, which ascend by case.
struct Rows {
    at: usize,
    first: u32,
}

impl Rows {
    /// The answer for this case, if there is one.
    fn find(&mut self, columns: &VerdictColumns, index: u32, identity: &Identity) -> Option<Answer> {
        let row = index.checked_sub(self.first)?;
        while columns.case.get(self.at).is_some_and(|&case| case < row) {
            self.at += 1;
        }
        let i = self.at;
        if columns.case.get(i) != Some(&row) {
            return None;
        }
        let after = match columns.after.get(i).copied().unwrap_or(NOTHING) {
            NOTHING => Ok(None),
            other => match self.first.checked_add(other) {
                Some(other) if other != index && identity.cases.contains(&other) => Ok(Some(other)),
                _ => Err(Refusal::Nonsense),
            },
        };
        Some(Answer {
            effect: columns.effect.get(i).copied().and_then(Effect::from_code),
            reason: columns.reason.get(i).copied().unwrap_or_default(),
            mask: columns.mask.get(i).copied().unwrap_or_default(),
            tier: columns.tier.get(i).copied().unwrap_or_default(),
            rank: columns.rank.get(i).copied().unwrap_or_default(),
            after,
            exclusive: columns.flags.get(i).copied().unwrap_or_default() & EXCLUSIVE != 0,
            until: Time::from_seconds(columns.until.get(i).copied().unwrap_or_default()),
        })
    }
}

/// What becomes of a case that the rule answered.
fn follow(ground: &Ground<'_>, view: &View<'_>, at: At, answer: &Answer) -> Outcome {
    let held = |refusal| Outcome::Held(Held { case: at.case, effect: answer.effect, reason: Some(answer.reason), refusal });
    let Some(effect) = answer.effect else { return held(Some(Refusal::Nonsense)) };
    let until = if matches!(effect, Effect::Present | Effect::TrueUp) { answer.until } else { Time::NONE };
    let (kind, mask) = match derive(&ask(view, effect, answer.mask, until)) {
        Derived::Keep | Derived::NoOp => return Outcome::Kept(Some(answer.reason)),
        Derived::Hold if view.is_unmanaged() => return Outcome::Unmanaged(answer.reason),
        Derived::Hold => return held(None),
        _ if at.disputed => return held(Some(Refusal::Disputed)),
        Derived::Refuse(refusal) => return held(Some(refusal)),
        Derived::Change { kind, mask } => (kind, mask),
    };
    if until.seconds() < 0 {
        return held(Some(Refusal::Nonsense));
    }
    let proposal = Proposal { kind, mask, until, ends_at: ends_at(view, kind, mask, until) };
    let checked = guard(view, &proposal, ground).and(answer.after);
    let after = match checked {
        Ok(after) => after,
        Err(refusal) => return held(Some(refusal)),
    };
    let decision = Decision {
        case: at.case,
        identity: at.identity,
        kind,
        mask,
        ends_at: proposal.ends_at,
        cause: weigh::cause(view, kind, answer.exclusive, ground.as_of),
        tier: weigh::tier(view, kind, answer.tier),
        rank: answer.rank,
        after,
        reason: Some(answer.reason),
        gates: weigh::gates(view, kind, false),
    };
    Outcome::Planned(decision, effect)
}

pub(super) fn ask(view: &View<'_>, effect: Effect, mask: u32, until: Time) -> Ask {
    const EXPIRES_AT: u32 = Attribute::ExpiresAt as u32;
    let bounded = until.is_some();
    let mut bits = view.case.differs & mask;
    if bounded {
        bits |= EXPIRES_AT;
    }
    let wanted = if bounded { until } else { view.desired_end() };
    Ask {
        effect,
        subject: subject(view),
        desired: view.case.desired_side,
        observed: view.case.observed_side,
        bits,
        bounded,
        end: end(wanted, view.observed_end()),
    }
}

pub(super) fn subject(view: &View<'_>) -> Subject {
    view.observed.or(view.desired).map_or(Subject::Grant, |fact| fact.subject)
}

/// Where `wanted` lies against `observed`; no instant means that it never ends.
fn end(wanted: Time, observed: Time) -> End {
    let order = |t: Time| (t.is_none(), t);
    match order(wanted).cmp(&order(observed)) {
        std::cmp::Ordering::Less => End::Earlier,
        std::cmp::Ordering::Equal => End::Same,
        std::cmp::Ordering::Greater => End::Later,
    }
}

pub(super) fn ends_at(view: &View<'_>, kind: ChangeKind, mask: u32, until: Time) -> Time {
    match kind {
        ChangeKind::Revoke | ChangeKind::Delete => Time::NONE,
        _ if mask & Attribute::ExpiresAt as u32 == 0 => view.observed_end(),
        _ if until.is_some() => until,
        _ => view.desired_end(),
    }
}
