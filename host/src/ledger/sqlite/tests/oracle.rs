//! What a ledger must hold after any fault: a plain list of the batches that were sent and of what was answered, folded by
//! itself. Shares no code with the store: what it expects comes from the batches alone.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::SqliteLedger;
use super::scenario::{Content, PLAN, T, batch};
use crate::audit::{LogEntry, LogHead, Statement, Verifier};
use crate::ledger::{AuditBody, Batch, Entry, Ledger, Query, Rows, Settled, StoredLeaf};
use crate::model::Digest;

/// What a client was told of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing yet, or that nobody knows.
    Open,
    Committed(LogHead),
    /// Nothing of it was written.
    Refused,
    /// Its fate was unknown, and then found to be that it is durable, or not.
    Found(bool),
}

/// One batch on its way. Its number, from zero, stands in its last leaf.
struct Sent {
    /// Batches of one burst were sent without waiting for each other.
    burst: usize,
    batch: Batch,
    fate: Fate,
    /// Since when the client knows.
    since: usize,
}

/// What a client did and learnt.
#[derive(Default)]
pub(super) struct Oracle {
    sent: Vec<Sent>,
    /// Epochs that were given to it, and since when.
    epochs: Vec<(u64, usize)>,
    bursts: usize,
}

impl Oracle {
    /// A burst begins: gives its number.
    pub(super) fn burst(&mut self) -> usize {
        self.bursts += 1;
        self.bursts
    }

    /// A batch is about to be sent: gives its number.
    pub(super) fn send(&mut self, burst: usize, content: Content) -> (usize, Batch) {
        let number = self.sent.len();
        let batch = batch(number as u64, content);
        self.sent.push(Sent { burst, batch: batch.clone(), fate: Fate::Open, since: usize::MAX });
        (number, batch)
    }

    /// The client learns what became of a batch.
    pub(super) fn learn(&mut self, number: usize, fate: Fate, now: usize) {
        let sent = &mut self.sent[number];
        (sent.fate, sent.since) = (fate, now);
    }

    /// The client is the tenant's writer.
    pub(super) fn acquired(&mut self, epoch: u64, now: usize) {
        self.epochs.push((epoch, now));
    }

    /// The last head that the client was told.
    pub(super) fn acknowledged(&self, now: usize) -> impl Iterator<Item = LogHead> {
        self.sent.iter().filter(move |sent| sent.since <= now).filter_map(|sent| match sent.fate {
            Fate::Committed(head) => Some(head),
            _ => None,
        })
    }

    /// How much the client knew at an instant.
    pub(super) fn known(&self, now: usize) -> usize {
        let epochs = self.epochs.iter().filter(|(_, since)| *since <= now).count();
        epochs + self.sent.iter().filter(|sent| sent.since <= now).count()
    }

    /// How many batches were sent, and how many of them were answered to be durable.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.sent.len(), self.acknowledged(usize::MAX).count())
    }

    /// Opens the ledger in a directory as the next process would, and holds it against what was known at an instant.
    /// `Err` says what is wrong.
    pub(super) fn check(&self, dir: &Path, now: usize) -> Result<(), String> {
        let ledger = SqliteLedger::open(dir).map_err(|e| format!("it does not open: {e}"))?;
        let owned = ledger.acquire(T).map_err(|e| format!("it cannot be acquired: {e}"))?;
        let before = self.epochs.iter().filter(|(_, since)| *since <= now).map(|(epoch, _)| *epoch).max().unwrap_or(0);
        if owned.epoch() <= before {
            return Err(format!("the epoch {} does not fence {before}", owned.epoch()));
        }
        let recovered = ledger.recover(&owned).map_err(|e| format!("it cannot be recovered: {e}"))?;
        let present = self.check_store(&ledger, now)?;
        let open = present.iter().filter_map(|sent| run_of(&sent.batch)).next_back().filter(|run| !run.1);
        if recovered.run.map(|run| run.slice) != open.map(|(slice, _)| slice) {
            return Err("another run is open".to_owned());
        }
        ledger.compact(&owned).map_err(|e| format!("it cannot be merged: {e}"))?;
        let again = self.check_store(&ledger, now)?.len();
        let next = ledger.submit(&owned, batch(u64::MAX, Content::Mark)).and_then(|ticket| ledger.wait(ticket));
        match next {
            Ok(Settled::Committed(head)) if head.size == recovered.head.size + 1 && again == present.len() => Ok(()),
            other => Err(format!("it does not go on: {other:?}")),
        }
    }

    /// Holds what can be read against what was known at an instant.
    fn check_store(&self, ledger: &SqliteLedger, now: usize) -> Result<Vec<&Sent>, String> {
        let leaves = match read(ledger, &Query::Leaves(0, u32::MAX))? {
            Rows::Leaves(leaves) => leaves,
            other => return Err(format!("{other:?}")),
        };
        let present = self.present(&leaves, now)?;
        self.verify(ledger, &leaves, now)?;
        let mut expected = Expected::default();
        present.iter().for_each(|sent| expected.add(&sent.batch));
        compare(&all(ledger, &leaves)?, &expected.all())?;
        Ok(present)
    }

    /// The batches whose mark is in the log: whole bursts or their beginnings, in order, with all that was acknowledged
    /// and nothing that was refused.
    fn present(&self, leaves: &[StoredLeaf], now: usize) -> Result<Vec<&Sent>, String> {
        let mut marks = Vec::new();
        for leaf in leaves {
            let entry = LogEntry::parse(&leaf.bytes).map_err(|e| format!("a leaf cannot be parsed: {e}"))?;
            if let Statement::SliceCheckpoint { slice, .. } = entry.says {
                marks.push(slice.0 as usize);
            }
        }
        if !marks.is_sorted_by(|a, b| a < b) || marks.last().is_some_and(|last| *last >= self.sent.len()) {
            return Err(format!("batches are out of order: {marks:?}"));
        }
        let mut absent = None;
        for (number, sent) in self.sent.iter().enumerate() {
            let is = marks.contains(&number);
            let known = match sent.fate {
                Fate::Refused => Some(false),
                _ if sent.since > now => None,
                Fate::Open => None,
                Fate::Committed(_) => Some(true),
                Fate::Found(found) => Some(found),
            };
            match (known, is) {
                (Some(true), false) => return Err(format!("batch {number} was acknowledged and is missing: {:?}", sent.fate)),
                (Some(false), true) => return Err(format!("batch {number} is there after all: {:?}", sent.fate)),
                _ if is && absent == Some(sent.burst) => return Err(format!("batch {number} stands after a gap")),
                _ => {}
            }
            if !is {
                absent = Some(sent.burst);
            }
        }
        Ok(marks.iter().map(|number| &self.sent[*number]).collect())
    }

    /// The log verifies, and every head that was acknowledged is a prefix of it.
    fn verify(&self, ledger: &SqliteLedger, leaves: &[StoredLeaf], now: usize) -> Result<(), String> {
        let mut verifier = Verifier::default();
        for head in self.acknowledged(now) {
            verifier = verifier.seen(head);
        }
        leaves.iter().try_for_each(|leaf| verifier.push(leaf)).map_err(|e| format!("the log does not verify: {e}"))?;
        let head = match read(ledger, &Query::LogHead)? {
            Rows::LogHead(head) => head,
            other => return Err(format!("{other:?}")),
        };
        verifier.finish(head).map(|_| ()).map_err(|e| format!("the log does not verify: {e}"))
    }
}

fn read(ledger: &SqliteLedger, query: &Query) -> Result<Rows, String> {
    ledger.read(T, query).map_err(|e| format!("it cannot be read: {e}"))
}

/// Slice of the run that a batch writes, and whether the run is over.
fn run_of(batch: &Batch) -> Option<(u64, bool)> {
    batch.entries.iter().find_map(|entry| match entry {
        Entry::Run(run) => Some((run.slice, run.stage.is_over())),
        _ => None,
    })
}

/// What a leaf says, as text, with its states.
fn says(bytes: &[u8], bodies: &[AuditBody]) -> String {
    match LogEntry::parse(bytes) {
        Ok(entry) => format!("{:?} {bodies:?}", entry.says),
        Err(e) => e.to_string(),
    }
}

/// What batches come to, as text.
#[derive(Default)]
struct Expected {
    leaves: Vec<String>,
    events: Vec<String>,
    run: Option<String>,
    recorded: BTreeMap<[u8; 16], String>,
    openings: BTreeMap<Digest, String>,
}

impl Expected {
    fn add(&mut self, batch: &Batch) {
        for leaf in &batch.leaves {
            self.leaves.push(format!("{:?} {:?}", leaf.says, leaf.bodies));
        }
        for entry in &batch.entries {
            match entry {
                Entry::Run(run) => self.run = Some(format!("{run:?}")),
                Entry::Change { change, event, .. } => self.events.push(format!("{change:?} {event:?}")),
                Entry::Head(row) => _ = self.recorded.insert(row.key.0, format!("{row:?}")),
                Entry::Opened(opening) => _ = self.openings.insert(opening.change.0, format!("{opening:?}")),
                other => panic!("the scenario has no {other:?}"),
            }
        }
    }

    fn all(self) -> Vec<String> {
        let Expected { mut leaves, events, run, recorded, openings } = self;
        leaves.extend(events.into_iter().chain(run).chain(openings.into_values()).chain(recorded.into_values()));
        leaves
    }
}

/// All that can be read, as text.
fn all(ledger: &SqliteLedger, leaves: &[StoredLeaf]) -> Result<Vec<String>, String> {
    let mut all: Vec<String> = leaves.iter().map(|leaf| says(&leaf.bytes, &leaf.bodies)).collect();
    for query in [Query::Events(PLAN), Query::Runs(9), Query::Openings] {
        match read(ledger, &query)? {
            Rows::Events(events) => all.extend(events.iter().map(|(change, event)| format!("{change:?} {event:?}"))),
            Rows::Runs(runs) => all.extend(runs.iter().map(|run| format!("{run:?}"))),
            Rows::Openings(openings) => all.extend(openings.iter().map(|opening| format!("{opening:?}"))),
            other => return Err(format!("{other:?}")),
        }
    }
    let recorded = ledger.recorded(T).and_then(|rows| rows.map(|row| Ok(format!("{:?}", row?))).collect::<Result<Vec<_>, _>>());
    all.extend(recorded.map_err(|e| format!("recorded state cannot be read: {e}"))?);
    Ok(all)
}

fn compare(found: &[String], expected: &[String]) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let at = found.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(found.len().min(expected.len()));
    let (found_at, expected_at) = (found.get(at), expected.get(at));
    Err(format!("{} rows, not {}; row {at} is {found_at:?}, not {expected_at:?}", found.len(), expected.len()))
}
