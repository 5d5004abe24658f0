//! Cycles of edges: what the facts order one way and the rule the other way is refused.

use super::super::decision::{Decision, Edge, Refusal};
use super::Findings;

/// Refuses every decision on a cycle of the host's edges and the rule's `after`. The rule's alone have none.
pub(super) fn refuse(decisions: &[Decision], findings: &mut Findings) {
    if findings.edges.is_empty() {
        return;
    }
    let place = |case: u32| decisions.binary_search_by_key(&case, |decision| decision.case).ok();
    let own = decisions.iter().filter_map(|d| Some(Edge { later: d.case, earlier: d.after? }));
    let edges: Vec<(usize, usize)> =
        findings.edges.iter().copied().chain(own).filter_map(|e| Some((place(e.later)?, place(e.earlier)?))).collect();
    // What waits for nothing, and then what nothing waits for, is on no cycle.
    let mut left = vec![true; decisions.len()];
    peel(&edges, &mut left);
    let back: Vec<(usize, usize)> = edges.iter().map(|(later, earlier)| (*earlier, *later)).collect();
    peel(&back, &mut left);
    for (decision, _) in decisions.iter().zip(left).filter(|(_, left)| *left) {
        findings.refuse(decision.case, Refusal::Cycle);
    }
}

/// Takes away whatever waits for nothing that is left, again and again.
fn peel(edges: &[(usize, usize)], left: &mut [bool]) {
    let mut waits = vec![0_usize; left.len()];
    let mut then: Vec<Vec<usize>> = vec![Vec::new(); left.len()];
    let is_left = |left: &[bool], i: usize| left.get(i).copied().unwrap_or_default();
    for &(later, earlier) in edges.iter().filter(|(later, earlier)| is_left(left, *later) && is_left(left, *earlier)) {
        if let (Some(waits), Some(then)) = (waits.get_mut(later), then.get_mut(earlier)) {
            *waits += 1;
            then.push(later);
        }
    }
    let mut free: Vec<usize> = (0..left.len()).filter(|i| waits.get(*i) == Some(&0) && is_left(left, *i)).collect();
    while let Some(i) = free.pop() {
        if let Some(slot) = left.get_mut(i) {
            *slot = false;
        }
        for &later in then.get(i).into_iter().flatten() {
            if let Some(waits) = waits.get_mut(later) {
                *waits -= 1;
                if *waits == 0 {
                    free.push(later);
                }
            }
        }
    }
}
