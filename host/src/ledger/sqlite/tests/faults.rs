//! Every call to the disk fails once, and from then on, in every way that it can; then the power is lost, at every point
//! of the run and after every failed flush.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::disk::{Call, Disk, Journal, Kind, Op, Planted, Trouble};
use super::image::{Dice, Loss, image, place};
use super::oracle::Oracle;
use super::private_in;
use super::scenario::Client;

/// Images per point of the journal for each kind of loss that is drawn.
const DRAWS: usize = 3;
/// Operations after a failed flush at each of which the power is lost.
const NEAR: usize = 45;

/// Memory where there is some: what matters here is what was flushed, and the journal knows that.
pub(super) fn ground() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// One run on a disk: what happened there, what the client knows, and what is wrong with it.
struct Ran {
    calls: Vec<Call>,
    met: usize,
    finished: bool,
    journal: Journal,
    oracle: Oracle,
    errors: BTreeSet<String>,
    wrong: Vec<String>,
}

/// `journal`: whether the power will be lost.
fn run(trouble: Option<Trouble>, planted: Option<Planted>, journal: bool) -> Ran {
    let dir = private_in(&ground());
    let path = dir.path().canonicalize().expect("it is there");
    let disk = Disk::under(&path);
    disk.trouble(trouble);
    planted.into_iter().for_each(|planted| disk.plant(planted));
    if !journal {
        disk.forget();
    }
    let mut client = Client::new(&path, Some(disk.clone()), Box::new(|_| {}));
    let finished = client.run().is_ok();
    disk.remove();
    let Client { oracle, errors, mut wrong, .. } = client;
    let (calls, met, journal) = (disk.calls(), disk.met(), disk.journal());
    if let Err(problem) = oracle.check(&path, usize::MAX) {
        wrong.push(problem);
    }
    Ran { calls, met, finished, journal, oracle, errors, wrong }
}

/// Loses the power at each of these points of a run; gives how many images were tried, and what is wrong.
fn lose_power(ran: &Ran, points: impl Iterator<Item = usize>, draws: usize) -> (usize, Vec<String>) {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for now in points {
        for loss in Loss::ALL {
            let drawn = matches!(loss, Loss::Tail | Loss::Sectors);
            for draw in 0..if drawn { draws } else { 1 } {
                let mut dice = Dice((now * 64 + draw) as u64);
                let image = image(&ran.journal, now, loss, &mut dice);
                // What the client knew then is part of what is tried.
                if !seen.insert((ran.oracle.known(now), image.clone())) {
                    continue;
                }
                let dir = private_in(&ground());
                place(&image, dir.path());
                if let Err(problem) = ran.oracle.check(dir.path(), now) {
                    wrong.push(format!("power lost after {now} of {}, {loss:?} {draw}: {problem}", ran.journal.entries.len()));
                }
            }
        }
    }
    (seen.len(), wrong)
}

/// What a layer tried, and what it found.
#[derive(Default)]
struct Tally {
    faults: BTreeMap<(Kind, bool), usize>,
    images: usize,
    gave_up: usize,
    errors: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        for (fault, times) in other.faults {
            *self.faults.entry(fault).or_default() += times;
        }
        self.images += other.images;
        self.gave_up += other.gave_up;
        self.errors.extend(other.errors);
        self.wrong.extend(other.wrong);
    }

    /// One fault; when it is a flush that fails, the power is lost later.
    fn try_one(&mut self, trouble: Trouble, call: Call, planted: Option<Planted>) {
        let flush = matches!(call, Call::Sync | Call::Own) && !trouble.lasts;
        let ran = run(Some(trouble), planted, flush);
        let mut wrong = ran.wrong.clone();
        if ran.met == 0 {
            wrong.push("the call was not made again".to_owned());
        }
        if flush {
            let end = ran.journal.entries.len();
            let failed = ran.journal.entries.iter().position(|entry| matches!(entry.op, Op::Sync(_, false))).unwrap_or(0);
            // Closely while the ledger recovers, then here and there.
            let near = (failed + 1..=end).take(NEAR);
            let (images, lost) = lose_power(&ran, near.chain((failed + NEAR..=end).step_by(41)), 1);
            self.images += images;
            wrong.extend(lost);
        }
        *self.faults.entry((trouble.kind, trouble.lasts)).or_default() += 1;
        self.gave_up += usize::from(!ran.finished);
        self.errors.extend(ran.errors);
        self.wrong.extend(wrong.into_iter().map(|problem| format!("{trouble:?} {call:?}: {problem}")));
    }
}

/// Does something with each item, on as many threads as there are cores.
pub(super) fn each<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync) {
    let queue = Mutex::new(items.into_iter());
    let next = || queue.lock().expect("nobody panics with it").next();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| std::iter::from_fn(next).for_each(&work));
        }
    });
}

pub(super) fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.iter().take(40).cloned().collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_failing_call_leaves_all_that_was_acknowledged() {
    let clean = run(None, None, false);
    assert!(clean.finished && clean.wrong.is_empty(), "{:?} {:?}", clean.wrong, clean.errors);
    let mut faults = Vec::new();
    for (at, call) in clean.calls.iter().enumerate() {
        for kind in Kind::ALL.into_iter().filter(|kind| kind.fits(*call)) {
            faults.extend([false, true].map(|lasts| Trouble { at, kind, lasts }));
        }
    }
    let all = Mutex::new(Tally::default());
    each(faults, |trouble| {
        let mut tally = Tally::default();
        tally.try_one(trouble, clean.calls[trouble.at], None);
        all.lock().expect("nobody panics with it").add(tally);
    });
    let all = all.into_inner().expect("nobody panics with it");
    println!("{} calls; faults by kind and whether they last: {:?}", clean.calls.len(), all.faults);
    println!("{} clients gave up; {} images of power lost after a failed flush", all.gave_up, all.images);
    println!("errors met:\n  {}", all.errors.into_iter().collect::<Vec<_>>().join("\n  "));
    report(&all.wrong);
}

#[test]
fn a_loss_of_power_at_any_point_leaves_all_that_was_acknowledged() {
    let ran = run(None, None, true);
    let (images, wrong) = lose_power(&ran, 0..=ran.journal.entries.len(), DRAWS);
    let (sent, acknowledged) = ran.oracle.counts();
    println!("{} operations, {images} images; {sent} batches sent, {acknowledged} acknowledged", ran.journal.entries.len());
    assert!(images > 500, "{images}");
    report(&wrong);
}

#[test]
fn commits_that_are_not_flushed_are_found_by_the_loss_of_power_alone() {
    let ran = run(None, Some(Planted::SynchronousNormal), true);
    assert_eq!(ran.wrong, [""; 0], "while the power is there, all seems well");
    let (_, wrong) = lose_power(&ran, 0..=ran.journal.entries.len(), 1);
    assert!(wrong.iter().any(|problem| problem.contains("was acknowledged and is missing")), "{wrong:?}");
}

#[test]
fn what_is_believed_after_a_failed_flush_is_found() {
    for planted in [Planted::TrustedLog, Planted::UnconfirmedEnd] {
        let clean = run(None, Some(planted), false);
        let flushes = clean.calls.iter().enumerate().filter(|(_, call)| **call == Call::Sync);
        let found = flushes.into_iter().find_map(|(at, call)| {
            let mut tally = Tally::default();
            tally.try_one(Trouble { at, kind: Kind::Io, lasts: false }, *call, Some(planted));
            tally.wrong.pop()
        });
        println!("{planted:?}: {found:?}");
        assert!(found.is_some(), "{planted:?} was not found");
    }
}
