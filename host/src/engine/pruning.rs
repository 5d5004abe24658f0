//! Retention of the audit log: how far old leaves may go, the leaf that says so, and emptying them. First the leaf is signed, then
//! leaves are emptied, some at a time; a crash in between leaves a store that the next pruning goes on with. What a leaf is, and that
//! all proofs stand, is for `audit`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::redacting::remove;
use super::{Engine, EngineError, verifying};
use crate::audit::{LogEntry, Statement, TILE_WIDTH};
use crate::export::Cursor;
use crate::ledger::{Batch, Entry, Leaf, StoredLeaf};
use crate::limits::{MESSAGE_BYTES, PRUNED_AT_ONCE};
use crate::model::{ChangeId, Digest, RunId, Time};
use crate::notary::NotaryError;

/// Seconds of a day.
const DAY_SECONDS: i64 = 86_400;

/// What is to be removed, who asks for it and why.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Pruning {
    /// Leaves that are older.
    pub before: Time,
    /// Who asks for it.
    pub by: String,
    /// Why.
    pub why: String,
}

/// How far the log may be pruned now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Prunable {
    /// Leaves before this one may go: a multiple of 256, so that whole tiles and bundles of records do.
    pub before: u64,
    /// Leaves that go.
    pub leaves: u64,
    /// States beside them, with their salts.
    pub states: u64,
    /// Bytes of both.
    pub bytes: u64,
    /// Attached files that no later leaf names.
    pub files: u64,
    /// Leaves before that one which stay: keys that took over, and denials that stand.
    pub kept: u64,
    /// What else is still needed as it is, and keeps the log from being pruned as far as was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed: Option<Needed>,
}

/// What keeps leaves from going.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Needed {
    /// A run that is not over.
    Run {
        /// Which.
        run: RunId,
    },
    /// A change that was to be sent, and of which no leaf tells the end.
    Change {
        /// Which.
        change: ChangeId,
    },
    /// A sink that was not given them yet.
    Sink {
        /// Which.
        sink: String,
        /// The file that says how far it has come.
        cursor: PathBuf,
    },
    /// No checkpoint covers them yet.
    Checkpoint,
}

/// What was pruned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Pruned {
    /// What went, and why not more.
    #[serde(flatten)]
    pub went: Prunable,
    /// The leaf that says so; none when an earlier one did, or nothing was to go.
    pub leaf: Option<u64>,
}

/// One pass over the log.
struct Looked {
    prunable: Prunable,
    /// The newest leaf that says that others are removed says it of those before this.
    said: u64,
    /// Leaves to empty: ranges between those that stay.
    ranges: Vec<(u64, u64)>,
    files: Vec<PathBuf>,
}

impl Engine {
    /// So many days before now, on this engine's clock.
    #[must_use]
    pub fn days_ago(&self, days: u32) -> Time {
        Time::from_seconds(self.clock.now().seconds() - i64::from(days) * DAY_SECONDS)
    }

    /// How far leaves that are older than this may go, and what would. Changes nothing.
    ///
    /// # Errors
    /// When nothing signs, the time is still to come, the log is not sound, or the store cannot be read.
    pub fn prunable(&self, before: Time) -> Result<Prunable, EngineError> {
        Ok(self.look_for_old(before)?.prunable)
    }

    /// Removes old leaves from the log, durably, with the states beside them and the files that they alone attach. Their hashes stay:
    /// the log has the same root, and every proof stands. A leaf says so first, and a checkpoint covers it before anything goes. Ends
    /// what an earlier call began and did not end. Sealed plans, recordings and the rows of gates, denials and events are not touched.
    ///
    /// # Errors
    /// When nothing signs, the time is still to come, the log is not sound, or the store cannot be written. Whatever is still needed stops it earlier, which is
    /// no error: see [`Prunable::needed`].
    pub fn prune(&self, asked: &Pruning) -> Result<Pruned, EngineError> {
        self.notary()?;
        let turn = self.acquire()?;
        let looked = self.look_for_old(asked.before)?;
        let mut done = Pruned { went: looked.prunable, leaf: None };
        if done.went.before > looked.said && done.went.leaves > 0 {
            let bounded = |text: &str| text.chars().take(MESSAGE_BYTES / 4).collect::<String>();
            let run = self.runs(1)?.first().map_or(RunId(0), |run| run.run);
            let leaf = Leaf::pruning(run, self.clock.now(), done.went.before, &bounded(&asked.by), &bounded(&asked.why));
            let head = self.submit(&turn, Batch { entries: Vec::new(), leaves: vec![leaf] })?;
            self.checkpoint()?;
            done.leaf = Some(head.size - 1);
        }
        for file in &looked.files {
            remove(file)?;
        }
        for (from, to) in pieces(&looked.ranges) {
            self.submit(&turn, Batch { entries: vec![Entry::Pruned { from, to }], leaves: Vec::new() })?;
        }
        self.ledger.shrink(&turn)?;
        self.checkpoint()?;
        Ok(done)
    }

    /// Goes through the log, which must be sound, and finds what is older and not needed.
    fn look_for_old(&self, before: Time) -> Result<Looked, EngineError> {
        let now = self.clock.now();
        if before > now {
            return Err(EngineError::NotYet { at: before, now });
        }
        let (_, signed) = match self.notary()?.newest() {
            Err(NotaryError::Unsigned) => return Ok(Looked::nothing()),
            newest => newest?,
        };
        let runs = self.runs(u32::MAX)?.into_iter().filter(|run| !run.stage.is_over()).map(|run| run.run).collect();
        let denials = self.denials()?.into_iter().filter(|denial| denial.stands()).map(|denial| denial.key()).collect();
        let mut old = Old { before, open_runs: runs, denials, ..Old::default() };
        let verified = self.walk(&[], |entry, leaf| {
            old.see(entry, leaf);
            Ok(())
        })??;
        let needs = self.unsent()?.into_iter().chain([(Needed::Checkpoint, signed.head.size)]);
        let said = verified.cut.map_or(0, |cut| cut.before);
        Ok(old.looked(needs, said, verified.head.size, &self.store.evidence()))
    }

    /// How far each sink has come that is configured, or was.
    fn unsent(&self) -> Result<Vec<(Needed, u64)>, EngineError> {
        let folder = self.store.exports();
        let mut cursors: BTreeMap<String, PathBuf> = BTreeMap::new();
        for path in verifying::files(&folder, "cursor")? {
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            cursors.insert(name, path);
        }
        for sink in self.exporter.iter().flat_map(|exporter| exporter.sinks()) {
            cursors.insert(sink.clone(), Cursor::path(&folder, sink));
        }
        let reached = cursors.into_iter().map(|(sink, cursor)| {
            let next = match Cursor::read(&cursor) {
                Some(found) if found.fits(&*self.ledger, &self.parts.tenant)? => found.next,
                // It will begin anew: it has been given nothing.
                _ => 0,
            };
            Ok((Needed::Sink { sink, cursor }, next))
        });
        reached.collect()
    }
}

/// What is found in the log.
#[derive(Default)]
struct Old {
    before: Time,
    open_runs: BTreeSet<RunId>,
    denials: BTreeSet<(String, String, String)>,
    /// The first leaf that is not older.
    young: Option<u64>,
    /// The first leaf of each run that is open.
    runs: BTreeMap<RunId, u64>,
    /// The first leaf of each change that is under way.
    changes: BTreeMap<ChangeId, u64>,
    kept: BTreeSet<u64>,
    /// Leaves, states and bytes that still stand, by tile.
    tiles: Vec<(u64, u64, u64)>,
    /// What leaves attach.
    files: Vec<(u64, Digest)>,
}

impl Old {
    fn see(&mut self, entry: &LogEntry, leaf: &StoredLeaf) {
        let index = leaf.index;
        if self.young.is_none() && entry.time >= self.before {
            self.young = Some(index);
        }
        if self.open_runs.contains(&entry.run) {
            self.runs.entry(entry.run).or_insert(index);
        }
        match &entry.says {
            Statement::Intent { change, .. } => _ = self.changes.entry(*change).or_insert(index),
            Statement::Confirmed { change, .. } | Statement::Ended { change, .. } | Statement::Superseded { change, .. } => {
                self.changes.remove(change);
            }
            Statement::Attachment { digest, .. } => self.files.push((index, *digest)),
            _ => {}
        }
        let stays = match &entry.says {
            // Whoever trusts the first key follows these to the newest.
            Statement::KeyRotation { .. } => true,
            Statement::Emergency { holder, object, target, .. } => {
                self.denials.contains(&(target.clone(), holder.clone(), object.clone()))
            }
            _ => false,
        };
        if stays {
            self.kept.insert(index);
            return;
        }
        let states = leaf.bodies.iter().filter_map(|body| body.state.as_ref());
        let (count, bytes) = states.fold((0, leaf.bytes.len() as u64), |(n, bytes), state| (n + 1, bytes + state.len() as u64));
        let tile = usize::try_from(index / TILE_WIDTH).unwrap_or(usize::MAX);
        self.tiles.resize(self.tiles.len().max(tile + 1), (0, 0, 0));
        if let Some(sum) = self.tiles.get_mut(tile) {
            *sum = (sum.0 + 1, sum.1 + count, sum.2 + bytes);
        }
    }

    fn looked(self, needs: impl Iterator<Item = (Needed, u64)>, said: u64, size: u64, evidence: &Path) -> Looked {
        let young = self.young.unwrap_or(size);
        let runs = self.runs.iter().map(|(run, first)| (Needed::Run { run: *run }, *first));
        let changes = self.changes.iter().map(|(change, first)| (Needed::Change { change: *change }, *first));
        let stop = runs.chain(changes).chain(needs).filter(|(_, first)| *first < young).min_by_key(|(_, first)| *first);
        let (needed, stop) = stop.map_or((None, young), |(needed, first)| (Some(needed), first));
        // What a leaf said before is not taken back.
        let before = (stop - stop % TILE_WIDTH).max(said);
        let kept: Vec<u64> = self.kept.range(..before).copied().collect();
        let mut found = Prunable { before, kept: kept.len() as u64, needed, ..Prunable::default() };
        let mut ranges = Vec::new();
        for (tile, (leaves, states, bytes)) in (0..before / TILE_WIDTH).zip(&self.tiles).filter(|(_, sum)| sum.0 > 0) {
            found.leaves += leaves;
            found.states += states;
            found.bytes += bytes;
            let mut from = tile * TILE_WIDTH;
            let end = from + TILE_WIDTH;
            for stays in self.kept.range(from..end) {
                ranges.push((from, *stays));
                from = stays + 1;
            }
            ranges.push((from, end));
        }
        let later: BTreeSet<Digest> = self.files.iter().filter(|(leaf, _)| *leaf >= before).map(|(_, digest)| *digest).collect();
        let gone: BTreeSet<Digest> =
            self.files.into_iter().map(|(_, digest)| digest).filter(|digest| !later.contains(digest)).collect();
        let paths = gone.into_iter().map(|digest| evidence.join(digest.to_string())).filter(|path| path.exists());
        let files: Vec<PathBuf> = paths.collect();
        found.files = files.len() as u64;
        Looked { prunable: found, said, ranges, files }
    }
}

impl Looked {
    fn nothing() -> Self {
        let prunable = Prunable { needed: Some(Needed::Checkpoint), ..Prunable::default() };
        Looked { prunable, said: 0, ranges: Vec::new(), files: Vec::new() }
    }
}

/// Joins ranges that touch, and cuts what is larger than one batch takes.
fn pieces(ranges: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (from, to) in ranges.iter().copied().filter(|(from, to)| from < to) {
        match joined.last_mut() {
            Some((begin, end)) if *end == from && to - *begin <= PRUNED_AT_ONCE => *end = to,
            _ => joined.push((from, to)),
        }
    }
    joined
}
