//! `after` edges within one identity: what waits for a held case is held too, and a cycle is refused. Each case has at
//! most one edge.

use super::decision::{Decision, Held, Refusal};
use super::derive::Effect;

/// What became of one case.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// As it is, for this reason.
    Kept(Option<u16>),
    /// The rule holds what nobody could change here anyway, for this reason.
    Unmanaged(u16),
    /// Not followed, or held by the rule.
    Held(Held),
    /// To be planned; the effect is told if an edge undoes it.
    Planned(Decision, Effect),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    OnPath,
    Settled,
}

/// Settles the edges of one identity, whose cases begin at `first`. Afterwards every edge that is left names a planned
/// case, and there is no cycle.
pub(super) fn settle(outcomes: &mut [Outcome], first: u32) {
    let mut marks = vec![Mark::New; outcomes.len()];
    let mut path = Vec::new();
    for start in 0..outcomes.len() {
        let mut at = start;
        loop {
            match marks.get(at) {
                Some(Mark::New) => {}
                Some(Mark::OnPath) => {
                    while let Some(i) = path.pop() {
                        refuse(outcomes, i, Refusal::Cycle);
                        set(&mut marks, i, Mark::Settled);
                        if i == at {
                            break;
                        }
                    }
                    break;
                }
                Some(Mark::Settled) | None => break,
            }
            set(&mut marks, at, Mark::OnPath);
            path.push(at);
            match outcomes.get(at) {
                Some(Outcome::Planned(Decision { after: Some(after), .. }, _)) => at = after.wrapping_sub(first) as usize,
                _ => break,
            }
        }
        while let Some(i) = path.pop() {
            settle_one(outcomes, i, first);
            set(&mut marks, i, Mark::Settled);
        }
    }
}

/// Settles one case whose edge, if any, leads to a settled one.
fn settle_one(outcomes: &mut [Outcome], i: usize, first: u32) {
    let Some(Outcome::Planned(Decision { after: Some(after), .. }, _)) = outcomes.get(i) else { return };
    match outcomes.get(after.wrapping_sub(first) as usize) {
        Some(Outcome::Planned(..)) => {}
        Some(Outcome::Kept(_)) => {
            if let Some(Outcome::Planned(decision, _)) = outcomes.get_mut(i) {
                decision.after = None;
            }
        }
        Some(Outcome::Held(_) | Outcome::Unmanaged(_)) => refuse(outcomes, i, Refusal::Blocked),
        None => refuse(outcomes, i, Refusal::Nonsense),
    }
}

fn refuse(outcomes: &mut [Outcome], i: usize, refusal: Refusal) {
    if let Some(slot) = outcomes.get_mut(i)
        && let Outcome::Planned(decision, effect) = slot
    {
        let held = Held { case: decision.case, effect: Some(*effect), reason: decision.reason, refusal: Some(refusal) };
        *slot = Outcome::Held(held);
    }
}

fn set(marks: &mut [Mark], i: usize, mark: Mark) {
    if let Some(slot) = marks.get_mut(i) {
        *slot = mark;
    }
}
