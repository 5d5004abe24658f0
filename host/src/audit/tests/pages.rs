//! A log read page by page on several threads: what is found, and where, is what one thread finds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::audit::{Verifier, verify_pages};

/// Why reading or looking stopped, in a test.
#[derive(Debug, PartialEq, Eq)]
struct Stopped(u64);

/// Several changes one after another, with a takeover, a redaction and a rotation between them.
fn long() -> (Vec<StoredLeaf>, LogHead) {
    let mut leaves = every_kind();
    for number in 0..8 {
        let one = change(&format!("user-{number}"), None, holding("read"));
        leaves.extend([intent(&one), acked(&one), confirmed(&one)]);
    }
    log_of(&leaves)
}

/// The log in pages of so many leaves.
fn pages(log: &[StoredLeaf], each: usize) -> impl FnMut() -> Result<Vec<StoredLeaf>, Stopped> + Send {
    let mut pages = log.chunks(each).map(<[StoredLeaf]>::to_vec).collect::<Vec<_>>().into_iter();
    move || Ok(pages.next().unwrap_or_default())
}

/// Verifies with many threads and pages of several sizes; all find the same.
fn found(log: &[StoredLeaf], head: LogHead) -> Result<Verified, VerifyError> {
    let one = verify_log(log, head);
    for (threads, each) in [(1, 4), (2, 1), (3, 5), (8, 2), (64, 1_000)] {
        let mut seen = Vec::new();
        let see = |entry: &LogEntry, leaf: &StoredLeaf| {
            seen.push((entry.index, leaf.index));
            Ok(())
        };
        let verifier = verify_pages(Verifier::default().seen(head), threads, pages(log, each), see).unwrap();
        let many = verifier.and_then(|verifier| verifier.finish(head));
        assert_eq!(many, one, "{threads} threads, pages of {each}");
        assert!(seen.iter().enumerate().all(|(at, seen)| *seen == (at as u64, at as u64)), "{threads} threads: {seen:?}");
    }
    one
}

#[test]
fn threads_and_pages_change_no_finding() {
    let (log, head) = long();
    assert!(found(&log, head).is_ok());
    let mut kinds = std::collections::BTreeSet::new();
    let mut damaged = |alter: &dyn Fn(&mut Vec<StoredLeaf>)| {
        let mut altered = log.clone();
        alter(&mut altered);
        let error = found(&altered, head).expect_err("it was damaged");
        kinds.insert(format!("{error:?}").split([' ', '{']).next().unwrap_or_default().to_owned());
    };
    for at in (0..log.len()).step_by(3) {
        damaged(&|log| log[at].bytes[20] ^= 1);
        damaged(&|log| {
            log[at].bytes[20] ^= 1;
            log[at].hash = leaf_hash(&log[at].bytes);
        });
        damaged(&|log| drop(log.remove(at)));
        damaged(&|log| log.insert(at, log[at].clone()));
        // Of two faults the first is told, also where it is found later.
        damaged(&|log| {
            log[at].bytes[3] ^= 1;
            log.last_mut().unwrap().bytes.clear();
        });
        if !log[at].bodies.is_empty() {
            damaged(&|log| log[at].bodies[0].state = Some("null ".to_owned()));
            damaged(&|log| drop(log[at].bodies.pop()));
        }
    }
    damaged(&|log| (log[3].bodies[0].state, log[3].bodies[0].salt) = (None, "00".repeat(32)));
    let swapped = |log: &mut Vec<StoredLeaf>| {
        log.swap(17, 18);
        (log[17].index, log[18].index) = (17, 18);
    };
    damaged(&swapped);
    damaged(&|log| drop(log.pop()));
    for name in ["Altered", "Body", "Gap", "Leaf", "Misplaced", "Removed", "Size"] {
        assert!(kinds.contains(name), "no {name} in {kinds:?}");
    }
    assert!(matches!(found(&log, LogHead { root: Digest::of(b"another"), ..head }), Err(VerifyError::Root { .. })));
    let (unordered, head) = log_of(&[acked(&change("ada", None, None))]);
    assert!(matches!(found(&unordered, head), Err(VerifyError::Order { index: 0, .. })));
}

#[test]
fn whoever_fails_to_read_or_to_look_stops_where_it_is() {
    let (log, _) = long();
    for threads in [1, 2, 5] {
        let mut whole = pages(&log, 4);
        let mut page = 0;
        let next = || {
            page += 1;
            if page > 6 { Err(Stopped(page)) } else { whole() }
        };
        let mut seen = 0;
        let result = verify_pages(Verifier::default(), threads, next, |_, _| {
            seen += 1;
            Ok(())
        });
        assert_eq!((result.map(drop), seen), (Err(Stopped(7)), 24), "{threads} threads");
        let result = verify_pages(Verifier::default(), threads, pages(&log, 4), |entry, _| match entry.index {
            17 => Err(Stopped(17)),
            _ => Ok(()),
        });
        assert_eq!(result.map(drop), Err(Stopped(17)), "{threads} threads");
        // A damaged leaf before that is told first.
        let mut altered = log.clone();
        altered[9].bytes[3] ^= 1;
        let result = verify_pages(Verifier::default(), threads, pages(&altered, 4), |entry, _| match entry.index {
            17 => Err(Stopped(17)),
            _ => Ok(()),
        });
        assert_eq!(result.map(|verifier| verifier.map(drop)), Ok(Err(VerifyError::Altered { index: 9 })));
    }
}

#[test]
fn no_more_pages_are_in_memory_than_there_are_threads() {
    let (log, _) = long();
    for threads in [1, 3] {
        let read = AtomicU64::new(0);
        let mut whole = pages(&log, 2);
        let next = || {
            read.fetch_add(1, Ordering::SeqCst);
            whole()
        };
        let result = verify_pages(Verifier::default(), threads, next, |_, leaf| {
            std::thread::sleep(std::time::Duration::from_micros(200));
            let judged = leaf.index / 2;
            let ahead = read.load(Ordering::SeqCst) - judged;
            if ahead <= threads as u64 { Ok(()) } else { Err(Stopped(ahead)) }
        });
        assert!(result.is_ok_and(|verifier| verifier.is_ok()), "{threads} threads");
    }
}

#[test]
fn a_panic_is_passed_on_and_holds_up_nobody() {
    let (log, _) = long();
    for threads in [1, 4] {
        let look = |entry: &LogEntry, _: &StoredLeaf| -> Result<(), Stopped> {
            assert!(entry.index < 11, "in a test");
            Ok(())
        };
        let panicked =
            catch_unwind(AssertUnwindSafe(|| verify_pages(Verifier::default(), threads, pages(&log, 2), look).map(drop)));
        assert!(panicked.is_err(), "{threads} threads");
    }
}
