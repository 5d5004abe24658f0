//! Whether a rule's answer is well formed: every length, index and code. What it may propose is for `decide`. Pure, and
//! safe on any answer.

use super::bindings::trueup::rules::types as wire;
use super::{Fault, VerdictColumns};
use crate::model::{AttributeMask, Time};

/// The largest effect code: hold.
const EFFECTS: u8 = 6;
/// The largest risk tier.
const TIERS: u8 = 3;
/// Bit 0: exclusive.
const FLAGS: u8 = 1;
/// `after` of a case that waits for none.
const NONE: u32 = u32::MAX;

/// What was asked: the batch's shape, and the rule's table.
pub(crate) struct Asked<'a> {
    /// How many cases.
    pub(crate) cases: usize,
    /// One past each identity's last case.
    pub(crate) identity_ends: &'a [u32],
    /// How many reasons the rule has.
    pub(crate) reasons: usize,
}

/// Takes an answer in, or says which column and row is wrong.
pub(crate) fn check(asked: &Asked<'_>, answer: wire::Verdicts) -> Result<VerdictColumns, Fault> {
    lengths(asked, &answer)
        .and_then(|()| rows(asked, &answer))
        .and_then(|()| codes(asked, &answer))
        .and_then(|()| after(asked, &answer))
        .map_err(|problem| Fault::Malformed { problem })?;
    Ok(VerdictColumns {
        case: answer.case,
        effect: answer.effect,
        reason: answer.reason,
        mask: answer.mask,
        tier: answer.tier,
        rank: answer.rank,
        after: answer.after,
        flags: answer.flags,
        until: answer.until,
        valid_until: Time::from_seconds(answer.valid_until),
    })
}

fn lengths(asked: &Asked<'_>, answer: &wire::Verdicts) -> Result<(), String> {
    let rows = answer.case.len();
    if rows > asked.cases {
        return Err(format!("column `case` has {rows} rows for {} cases", asked.cases));
    }
    let columns = [
        ("effect", answer.effect.len(), false),
        ("reason", answer.reason.len(), false),
        ("mask", answer.mask.len(), true),
        ("tier", answer.tier.len(), true),
        ("rank", answer.rank.len(), true),
        ("after", answer.after.len(), true),
        ("flags", answer.flags.len(), true),
        ("until", answer.until.len(), true),
    ];
    match columns.into_iter().find(|&(_, len, optional)| len != rows && !(optional && len == 0)) {
        None => Ok(()),
        Some((name, len, optional)) => {
            let or = if optional { " or none" } else { "" };
            Err(format!("column `{name}` has {len} rows where `case` has {rows}; it must have as many{or}"))
        }
    }
}

fn rows(asked: &Asked<'_>, answer: &wire::Verdicts) -> Result<(), String> {
    let mut next = 0;
    for (row, &case) in answer.case.iter().enumerate() {
        if case as usize >= asked.cases {
            return Err(format!("column `case`, row {row}: there is no case {case} among {}", asked.cases));
        }
        if case < next {
            return Err(format!("column `case`, row {row}: case {case} does not come after case {}", next - 1));
        }
        next = case + 1;
    }
    Ok(())
}

fn codes(asked: &Asked<'_>, answer: &wire::Verdicts) -> Result<(), String> {
    check_column("effect", &answer.effect, |effect| effect <= EFFECTS, "is no effect")?;
    check_column("reason", &answer.reason, |reason| usize::from(reason) < asked.reasons, "is not in the table of reasons")?;
    check_column("mask", &answer.mask, |mask| mask & !AttributeMask::ALL.0 == 0, "has bits of no attribute")?;
    check_column("tier", &answer.tier, |tier| tier <= TIERS, "is no tier")?;
    check_column("flags", &answer.flags, |flags| flags & !FLAGS == 0, "has unknown bits")?;
    check_column("until", &answer.until, |until| until >= 0, "is no instant")?;
    match answer.valid_until {
        0.. => Ok(()),
        other => Err(format!("`valid-until`: {other} is no instant")),
    }
}

fn check_column<T: Copy + std::fmt::Display>(
    name: &str,
    column: &[T],
    good: impl Fn(T) -> bool,
    problem: &str,
) -> Result<(), String> {
    match column.iter().enumerate().find(|&(_, &value)| !good(value)) {
        None => Ok(()),
        Some((row, value)) => Err(format!("column `{name}`, row {row}: {value} {problem}")),
    }
}

/// Rows ascend, so identities are walked along with them.
fn after(asked: &Asked<'_>, answer: &wire::Verdicts) -> Result<(), String> {
    let mut ends = asked.identity_ends.iter().copied();
    let (mut first, mut end) = (0, ends.next().unwrap_or(0));
    for (row, (&case, &after)) in answer.case.iter().zip(&answer.after).enumerate() {
        while case >= end {
            let Some(next) = ends.next() else { break };
            (first, end) = (end, next);
        }
        let problem = match after {
            NONE => continue,
            after if after == case => "is the case itself",
            after if !(first..end).contains(&after) => "is no case of the same identity",
            _ => continue,
        };
        return Err(format!("column `after`, row {row} (case {case}): {after} {problem}"));
    }
    Ok(())
}
