//! Every way in which an answer can be malformed, and that nothing malformed gets through.

use crate::rule::Fault;
use crate::rule::bindings::trueup::rules::types::Verdicts;
use crate::rule::validate::{Asked, check};

/// Five cases of three identities, two reasons.
const ASKED: Asked<'_> = Asked { cases: 5, identity_ends: &[2, 2, 5], reasons: 2 };
const NONE: u32 = u32::MAX;

fn answer(case: &[u32]) -> Verdicts {
    Verdicts {
        case: case.to_vec(),
        effect: vec![0; case.len()],
        reason: vec![0; case.len()],
        mask: Vec::new(),
        tier: Vec::new(),
        rank: Vec::new(),
        after: Vec::new(),
        flags: Vec::new(),
        until: Vec::new(),
        valid_until: 0,
    }
}

fn refused(case: &[u32], change: impl FnOnce(&mut Verdicts), expected: &str) {
    let mut answer = answer(case);
    change(&mut answer);
    assert_eq!(check(&ASKED, answer).err(), Some(Fault::Malformed { problem: expected.to_owned() }));
}

#[test]
fn malformed_answers_name_column_and_row() {
    refused(&[0, 1, 2, 3, 4, 5], |_| {}, "column `case` has 6 rows for 5 cases");
    refused(&[0, 5], |_| {}, "column `case`, row 1: there is no case 5 among 5");
    refused(&[0, NONE], |_| {}, "column `case`, row 1: there is no case 4294967295 among 5");
    refused(&[1, 1], |_| {}, "column `case`, row 1: case 1 does not come after case 1");
    refused(&[3, 1], |_| {}, "column `case`, row 1: case 1 does not come after case 3");
    let short = "column `effect` has 1 rows where `case` has 2; it must have as many";
    refused(&[0, 1], |a| a.effect.truncate(1), short);
    refused(&[0, 1], |a| a.reason.clear(), "column `reason` has 0 rows where `case` has 2; it must have as many");
    let tier = "column `tier` has 3 rows where `case` has 2; it must have as many or none";
    refused(&[0, 1], |a| a.tier = vec![0; 3], tier);
    refused(&[0, 1], |a| a.effect[1] = 7, "column `effect`, row 1: 7 is no effect");
    refused(&[0, 1], |a| a.reason[0] = 2, "column `reason`, row 0: 2 is not in the table of reasons");
    refused(&[0, 1], |a| a.mask = vec![31, 32], "column `mask`, row 1: 32 has bits of no attribute");
    refused(&[0, 1], |a| a.tier = vec![3, 4], "column `tier`, row 1: 4 is no tier");
    refused(&[0, 1], |a| a.flags = vec![1, 2], "column `flags`, row 1: 2 has unknown bits");
    refused(&[0, 1], |a| a.until = vec![0, -1], "column `until`, row 1: -1 is no instant");
    refused(&[0], |a| a.valid_until = -5, "`valid-until`: -5 is no instant");
    let itself = "column `after`, row 1 (case 3): 3 is the case itself";
    refused(&[0, 3], |a| a.after = vec![NONE, 3], itself);
    let other = "column `after`, row 1 (case 3): 1 is no case of the same identity";
    refused(&[0, 3], |a| a.after = vec![1, 1], other);
    refused(&[1], |a| a.after = vec![2], "column `after`, row 0 (case 1): 2 is no case of the same identity");
    refused(&[4], |a| a.after = vec![5], "column `after`, row 0 (case 4): 5 is no case of the same identity");
}

#[test]
fn well_formed_answers_are_taken_as_they_are() {
    let mut full = answer(&[0, 1, 4]);
    (full.effect, full.reason, full.mask) = (vec![6, 4, 0], vec![1, 0, 1], vec![0, 31, 1]);
    (full.tier, full.rank, full.flags) = (vec![3, 0, 1], vec![i16::MIN, 0, i16::MAX], vec![1, 0, 1]);
    (full.after, full.until, full.valid_until) = (vec![1, 0, 2], vec![i64::MAX, 0, 1], 9);
    let taken = check(&ASKED, full.clone()).expect("well formed");
    assert_eq!((taken.case, taken.after, taken.rank), (full.case, full.after, full.rank));
    assert_eq!(taken.valid_until.seconds(), 9);
    for case in [&[][..], &[4], &[0, 1, 2, 3, 4]] {
        assert!(check(&ASKED, answer(case)).is_ok(), "{case:?}");
    }
    let nothing = Asked { cases: 0, identity_ends: &[], reasons: 0 };
    assert!(check(&nothing, answer(&[])).is_ok());
}

/// V4: whatever comes back, it is either refused or in range.
#[test]
fn v04_nothing_malformed_gets_through() {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let mut taken = 0;
    for _ in 0..50_000 {
        let rows = next(7) as usize;
        let mut case: Vec<u32> = (0..rows).map(|_| next(6) as u32).collect();
        if next(2) == 0 {
            case.sort_unstable();
            case.dedup();
        }
        let mut random = answer(&case);
        random.effect.iter_mut().for_each(|effect| *effect = next(8) as u8);
        random.reason.iter_mut().for_each(|reason| *reason = next(3) as u16);
        if next(2) == 0 {
            random.after = case.iter().map(|_| [next(7) as u32, NONE][next(2) as usize]).collect();
        }
        if next(4) == 0 {
            random.tier = vec![next(5) as u8; next(7) as usize];
        }
        let Ok(columns) = check(&ASKED, random) else { continue };
        taken += 1;
        assert!(columns.case.iter().zip(columns.case.iter().skip(1)).all(|(a, b)| a < b));
        assert!(columns.case.iter().all(|&case| case < 5) && columns.effect.iter().all(|&effect| effect <= 6));
        assert!(columns.reason.iter().all(|&reason| reason < 2) && columns.tier.iter().all(|&tier| tier <= 3));
        for (&case, &after) in columns.case.iter().zip(&columns.after) {
            assert!(after == NONE || (after != case && (after < 2) == (case < 2) && after < 5));
        }
    }
    assert!(taken > 1_000, "only {taken} of the random answers were well formed");
}
