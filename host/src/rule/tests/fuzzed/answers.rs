//! Answers that are almost well formed: columns of verdicts, their packed form, canonical keys.

use arbitrary::Unstructured;
use lz4_flex::block::compress;

use super::{each, one, reached, text};
use crate::limits::FIELD_BYTES;
use crate::model::Time;
use crate::rule::bindings::trueup::rules::types::Verdicts;
use crate::rule::validate::{Asked, check};
use crate::rule::{Fault, VerdictColumns, canon, pack, unpack};

const NONE: u32 = u32::MAX;

/// Ends of a few identities' cases, some of which have none.
fn ends(u: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u32>> {
    let mut end = 0;
    (0..u.int_in_range(0..=5)?)
        .map(|_| {
            end += u.int_in_range(0..=4)?;
            Ok(end)
        })
        .collect()
}

/// A column of so many values, or none.
fn column<T: Clone>(u: &mut Unstructured<'_>, rows: usize, values: &[T]) -> arbitrary::Result<Vec<T>> {
    if u.ratio(1, 2)? { Ok(Vec::new()) } else { (0..rows).map(|_| one(u, values)).collect() }
}

/// An answer to these cases in which nothing is wrong.
fn right(u: &mut Unstructured<'_>, ends: &[u32], reasons: u16) -> arbitrary::Result<Verdicts> {
    let cases = ends.last().copied().unwrap_or(0);
    let mut case = Vec::new();
    for index in 0..cases {
        // Without a reason no case can be answered.
        if reasons > 0 && u.ratio(3, 4)? {
            case.push(index);
        }
    }
    let rows = case.len();
    let mut after = Vec::new();
    if u.ratio(1, 2)? {
        for own in &case {
            let first = ends.iter().rev().find(|end| **end <= *own).copied().unwrap_or(0);
            let end = ends.iter().find(|end| **end > *own).copied().unwrap_or(0);
            let other = u.int_in_range(first..=end - 1)?;
            after.push(if other == *own { NONE } else { other });
        }
    }
    Ok(Verdicts {
        effect: (0..rows).map(|_| u.int_in_range(0..=6)).collect::<Result<_, _>>()?,
        reason: (0..rows).map(|_| u.int_in_range(0..=reasons.saturating_sub(1))).collect::<Result<_, _>>()?,
        mask: column(u, rows, &[0, 1, 16, 31])?,
        tier: column(u, rows, &[0, 1, 2, 3])?,
        rank: column(u, rows, &[i16::MIN, 0, 1, i16::MAX])?,
        flags: column(u, rows, &[0, 1])?,
        until: column(u, rows, &[0, 1, i64::MAX])?,
        valid_until: one(u, &[0, 0, 1, i64::MAX])?,
        case,
        after,
    })
}

/// One thing wrong with it, perhaps.
fn spoil(u: &mut Unstructured<'_>, answer: &mut Verdicts) -> arbitrary::Result<()> {
    fn set<T>(u: &mut Unstructured<'_>, column: &mut [T], value: T) -> arbitrary::Result<()> {
        if !column.is_empty() {
            let at = u.choose_index(column.len())?;
            column[at] = value;
        }
        Ok(())
    }
    fn resize<T: Default>(u: &mut Unstructured<'_>, column: &mut Vec<T>) -> arbitrary::Result<()> {
        let rows = u.int_in_range(0..=column.len() + 1)?;
        column.resize_with(rows, T::default);
        Ok(())
    }
    let rows = answer.case.len() as u32;
    match u.int_in_range(0..=20)? {
        0 => resize(u, &mut answer.case)?,
        1 => resize(u, &mut answer.effect)?,
        2 => resize(u, &mut answer.reason)?,
        3 => resize(u, &mut answer.mask)?,
        4 => resize(u, &mut answer.tier)?,
        5 => resize(u, &mut answer.rank)?,
        6 => resize(u, &mut answer.after)?,
        7 => resize(u, &mut answer.flags)?,
        8 => resize(u, &mut answer.until)?,
        9 => {
            let case = one(u, &[0, 1, rows, rows + 1, NONE - 1, NONE])?;
            set(u, &mut answer.case, case)?;
        }
        10 => answer.case.reverse(),
        11 => {
            let value = u.arbitrary()?;
            set(u, &mut answer.effect, value)?;
        }
        12 => {
            let value = u.int_in_range(0..=6)?;
            set(u, &mut answer.reason, value)?;
        }
        13 => {
            let value = 1 << u.int_in_range(0..=31_u32)?;
            set(u, &mut answer.mask, value)?;
        }
        14 => {
            let value = u.int_in_range(0..=5)?;
            set(u, &mut answer.tier, value)?;
        }
        15 => {
            let value = u.int_in_range(0..=3)?;
            set(u, &mut answer.flags, value)?;
        }
        16 => {
            let value = u.arbitrary()?;
            set(u, &mut answer.until, value)?;
        }
        17 => answer.valid_until = u.arbitrary()?,
        _ => {
            let after = one(u, &[0, 1, 2, 3, rows, NONE - 1, NONE])?;
            set(u, &mut answer.after, after)?;
        }
    }
    Ok(())
}

/// The same check, row by row and without hurry.
fn is_right(asked: &Asked<'_>, answer: &Verdicts) -> bool {
    let rows = answer.case.len();
    let fits = |length: usize| length == 0 || length == rows;
    let holder = |case: u32| asked.identity_ends.iter().filter(|end| **end <= case).count();
    let inside = |case: u32| (case as usize) < asked.cases;
    let optional = [answer.mask.len(), answer.tier.len(), answer.rank.len(), answer.after.len()];
    answer.effect.len() == rows
        && answer.reason.len() == rows
        && optional.into_iter().chain([answer.flags.len(), answer.until.len()]).all(fits)
        && answer.case.iter().all(|case| inside(*case))
        && answer.case.is_sorted_by(|one, next| one < next)
        && answer.effect.iter().all(|effect| *effect < 7)
        && answer.reason.iter().all(|reason| usize::from(*reason) < asked.reasons)
        && answer.mask.iter().all(|mask| *mask < 32)
        && answer.tier.iter().all(|tier| *tier < 4)
        && answer.flags.iter().all(|flags| *flags < 2)
        && answer.until.iter().chain([&answer.valid_until]).all(|instant| *instant >= 0)
        && answer
            .case
            .iter()
            .zip(&answer.after)
            .all(|(case, after)| *after == NONE || (after != case && inside(*after) && holder(*after) == holder(*case)))
}

#[test]
fn v04_answers_are_taken_exactly_when_they_are_well_formed() {
    let found = each("answers", |u| {
        let (ends, reasons) = (ends(u)?, u.int_in_range(0..=4)?);
        let cases = ends.last().copied().unwrap_or(0) as usize;
        let asked = Asked { cases, identity_ends: &ends, reasons: usize::from(reasons) };
        let mut answer = right(u, &ends, reasons)?;
        for _ in 0..one(u, &[0, 1, 1, 1, 2, 3])? {
            spoil(u, &mut answer)?;
        }
        let (right, told) = (is_right(&asked, &answer), format!("{ends:?} {reasons} {answer:?}"));
        Ok(match check(&asked, answer) {
            Ok(_) => {
                assert!(right, "taken: {told}");
                "taken"
            }
            Err(Fault::Malformed { problem }) => {
                assert!(!right && problem.len() < 200, "{problem}: {told}");
                stage(&problem)
            }
            Err(fault) => panic!("{fault}"),
        })
    });
    reached(&found, &["taken", "1 lengths", "2 rows", "3 codes", "4 order"]);
}

/// Which of the checks, which come one after the other, refused.
fn stage(problem: &str) -> &'static str {
    match problem {
        _ if problem.starts_with("column `after`, ") => "4 order",
        _ if problem.starts_with("column `case`, ") => "2 rows",
        _ if problem.contains(", row ") || problem.starts_with("`valid-until`") => "3 codes",
        _ => "1 lengths",
    }
}

#[test]
fn packed_answers_come_back_or_are_none() {
    let found = each("packed answers", |u| {
        let (ends, reasons) = (ends(u)?, 4);
        let answer = right(u, &ends, reasons)?;
        let columns = VerdictColumns {
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
        };
        let mut packed = pack(&columns);
        let whole = u.ratio(1, 4)?;
        if !whole && u.ratio(1, 2)? {
            // Lengths and counts of another's making.
            let mut bytes = one(u, &[0, 1, 7, columns.case.len() as u32, 65_536, NONE])?.to_le_bytes().to_vec();
            bytes.extend_from_slice(u.arbitrary::<&[u8]>()?);
            let length = if u.ratio(1, 2)? { bytes.len() as u32 } else { u.arbitrary()? };
            packed = [&length.to_le_bytes()[..], &compress(&bytes)].concat();
        } else if !whole {
            let at = u.choose_index(packed.len())?;
            packed[at] ^= u.int_in_range(1..=255)?;
        }
        Ok(match unpack(&packed) {
            None if whole => panic!("{columns:?} is lost"),
            None => "none",
            Some(found) if found == columns => "as it was",
            Some(found) => {
                assert!(!whole, "{columns:?} became {found:?}");
                assert_eq!(unpack(&pack(&found)), Some(found), "what is read can be kept");
                "another answer"
            }
        })
    });
    reached(&found, &["as it was", "another answer", "none"]);
}

#[test]
fn canonical_keys_are_taken_exactly_when_each_is_one() {
    let found = each("canonical keys", |u| {
        let count = u.int_in_range(0..=4)?;
        let texts = |u: &mut Unstructured<'_>| (0..count).map(|_| text(u)).collect::<arbitrary::Result<Vec<String>>>();
        let (keys, answers) = (texts(u)?, texts(u)?);
        let right = keys.iter().zip(&answers).all(|(key, answer)| match answer.len() {
            0 => key.is_empty(),
            length => length <= FIELD_BYTES,
        });
        Ok(match canon::check(&keys, &answers) {
            Ok(()) => {
                assert!(right, "{keys:?} {answers:?}");
                "taken"
            }
            Err(fault) => {
                let told = fault.to_string();
                assert!(!right && crate::rule::text::is_plain(&told) && told.len() < 400, "{told:?}");
                if told.contains(" is empty; ") { "empty" } else { "too long" }
            }
        })
    });
    reached(&found, &["taken", "empty", "too long"]);
}
