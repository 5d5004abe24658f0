//! One fixed run of a client against a ledger, that goes on after faults as a client should: it resolves what is unknown,
//! sends again what was refused, opens anew what is stuck, and gives up after some tries. Tells the oracle all it learns.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{channel, sync_channel};

use super::super::SqliteLedger;
use super::disk::Disk;
use super::oracle::{Fate, Oracle};
use crate::audit::Salts;
use crate::commit::{Event, Outcome};
use crate::correlate::Recorded;
use crate::ledger::{
    self, Batch, BatchId, Entry, Leaf, Ledger, LedgerError, Opening, Owned, Query, Rows, RunRow, Settled, Stage,
};
use crate::limits::LEDGER_CHECKPOINT_ROWS;
use crate::model::{
    CaseKey, Change, ChangeId, ChangeKind, Digest, GateKind, Holding, KeyHash, PlanId, Reason, RunId, StateHash, Subject, Time,
};
use crate::target::Grade;

pub(super) const T: &str = "acme";
pub(super) const PLAN: PlanId = PlanId(Digest([1; 32]));
const AT: Time = Time::from_seconds(1_767_225_600);
const RUN: RunId = RunId(1);
/// How often a client tries to get a batch through before it gives up.
const TRIES: usize = 3;

/// What a batch of the scenario holds, besides its mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Mark,
    Begin,
    Intent(u8),
    Outcome(u8),
    /// Several pages: heads, and texts that fill some.
    Large(u8),
    End,
}

/// The content that is called so.
pub(super) fn content(name: &str) -> Content {
    let kinds = [Content::Mark, Content::Begin, Content::End];
    let numbered = (0..10).flat_map(|n| [Content::Intent(n), Content::Outcome(n), Content::Large(n)]);
    kinds.into_iter().chain(numbered).find(|content| format!("{content:?}") == name).expect("a content")
}

/// The batch with this number.
pub(super) fn batch(number: u64, content: Content) -> Batch {
    let at = AT.plus(i64::try_from(number.min(1 << 20)).expect("it is small"));
    let run = |stage| {
        let (basis, plan) = (PLAN.0, Some(PLAN));
        RunRow { run: RUN, stage, as_of: AT, began: AT, basis, plan, slice: number, commits: true, amends: None }
    };
    let mut batch = Batch::default();
    match content {
        Content::Mark => {}
        Content::Begin => {
            batch.entries.push(Entry::Run(run(Stage::Committing)));
            batch.leaves.push(Leaf::run_start(&run(Stage::Committing), "joiner@1.0.0", PLAN.0));
        }
        Content::Intent(n) => tell(&mut batch, n, [Event::Intent { epoch: 1, attempt: 1 + number as u32, at }]),
        Content::Outcome(n) => {
            tell(&mut batch, n, [Event::Outcome { outcome: Outcome::Acked, at }, Event::Confirmed { grade: Grade::E3, at }]);
            batch.entries.push(Entry::Head(recorded(n, number)));
        }
        Content::Large(n) => {
            batch.entries.extend((0..40).map(|key| Entry::Head(recorded(key, number))));
            for part in 0..3 {
                let change = ChangeId(Digest::of(&[n, part]));
                let (by, why) = ("ada".to_owned(), format!("{number} ").repeat(1_500));
                batch.entries.push(Entry::Opened(Opening { change, gate: GateKind::Shrink, by, why, at }));
            }
        }
        Content::End => batch.entries.push(Entry::Run(run(Stage::Done))),
    }
    batch.leaves.push(Leaf::slice_checkpoint(RUN, at, PLAN, number));
    batch
}

fn tell(batch: &mut Batch, n: u8, events: impl IntoIterator<Item = Event>) {
    let change = change(n);
    let mut salts = Salts::from_seed([n; 32]);
    for event in events {
        let leaf = Leaf::event(RUN, PLAN, &change, &event, false, None, &mut || salts.salt());
        batch.leaves.push(leaf.expect("it is canonical"));
        batch.entries.push(Entry::Change { plan: PLAN, change: change.id, event });
    }
}

fn recorded(key: u8, state: u64) -> Recorded {
    Recorded { key: KeyHash([key; 16]), state: StateHash(state), incarnation: 1, flags: 0, since: AT, disabled_since: AT }
}

fn change(n: u8) -> Change {
    let key = CaseKey {
        target: "github".to_owned(),
        holder: format!("user{n}"),
        subject: Subject::Grant,
        object: "repo:core".to_owned(),
    };
    let after = Some(Holding::default());
    Change {
        component: format!("user{n}"),
        reason: Reason { code: "joiner".to_owned(), text: "joined".to_owned() },
        record: "hr-1".to_owned(),
        ..Change::routine(T, key, ChangeKind::Grant, 1, None, after)
    }
}

/// The client cannot go on.
#[derive(Debug)]
pub(super) struct GaveUp;

/// Who hears what the client learns, besides the oracle.
pub(super) type Listener<'a> = Box<dyn FnMut(&str) + 'a>;

/// A client of the ledger in a directory.
pub(super) struct Client<'a> {
    dir: PathBuf,
    disk: Option<Arc<Disk>>,
    pub(super) oracle: Oracle,
    listener: Listener<'a>,
    ledger: Option<(SqliteLedger, Owned)>,
    /// Reads as another process would, and keeps its connection.
    watcher: Option<SqliteLedger>,
    /// Errors that no fault of a disk explains, and answers that contradict each other.
    pub(super) wrong: Vec<String>,
    /// Different errors that it met.
    pub(super) errors: BTreeSet<String>,
}

impl<'a> Client<'a> {
    pub(super) fn new(dir: &Path, disk: Option<Arc<Disk>>, listener: Listener<'a>) -> Self {
        let (oracle, wrong, errors) = Default::default();
        Client { dir: dir.to_owned(), disk, oracle, listener, ledger: None, watcher: None, wrong, errors }
    }

    /// The whole scenario. The ledger is closed at the end.
    pub(super) fn run(&mut self) -> Result<(), GaveUp> {
        let done = self.steps();
        (self.ledger, self.watcher) = (None, None);
        done
    }

    fn steps(&mut self) -> Result<(), GaveUp> {
        use Content::{Begin, End, Intent, Large, Mark, Outcome};
        self.burst(&[Begin])?;
        self.burst(&[Intent(1), Intent(2), Intent(3)])?;
        self.burst(&[Outcome(1)])?;
        self.burst(&[Large(1)])?;
        self.checkpoint();
        self.burst(&[Outcome(2), Mark, Outcome(3)])?;
        self.compact();
        self.unknown(ledger::Fault::UnknownKept, Intent(4))?;
        self.watch();
        self.burst(&[Intent(5)])?;
        self.unknown(ledger::Fault::UnknownLost, Outcome(4))?;
        self.checkpoint();
        self.burst(&[Large(2), Outcome(5)])?;
        self.while_viewed(Mark)?;
        self.compact();
        (self.ledger, self.watcher) = (None, None);
        self.burst(&[Intent(6), Mark])?;
        self.compact();
        self.burst(&[Outcome(6)])?;
        self.burst(&[End])
    }

    fn now(&self) -> usize {
        self.disk.as_ref().map_or(0, |disk| disk.now())
    }

    /// Notes an error, which must be one that a failing disk explains.
    fn met(&mut self, doing: &str, e: &LedgerError) {
        let text = e.to_string().replace(&self.dir.display().to_string(), "DIR");
        let explained = matches!(e, LedgerError::Unwritable { .. } | LedgerError::Unreadable { .. } | LedgerError::Stopped);
        if !explained || text.contains("its writer ended") || text.contains("within a transaction") {
            self.wrong.push(format!("while {doing}: {text}"));
        }
        self.errors.insert(text);
    }

    fn learn(&mut self, number: usize, fate: Fate) {
        let now = self.now();
        self.oracle.learn(number, fate, now);
        let text = match fate {
            Fate::Open => "open".to_owned(),
            Fate::Committed(head) => format!("committed {} {}", head.size, head.root),
            Fate::Refused => "refused".to_owned(),
            Fate::Found(found) => format!("found {found}"),
        };
        (self.listener)(&format!("fate {number} {text}"));
    }

    /// The ledger, opened and acquired anew if need be. Batches of unknown fate are then looked for: gives how many were
    /// written.
    fn open(&mut self, unknown: &mut Vec<usize>) -> Result<usize, LedgerError> {
        if self.ledger.is_some() {
            return Ok(0);
        }
        let ledger = SqliteLedger::open(&self.dir)?;
        let owned = ledger.acquire(T)?;
        let now = self.now();
        self.oracle.acquired(owned.epoch(), now);
        (self.listener)(&format!("epoch {}", owned.epoch()));
        ledger.recover(&owned)?;
        let marks = if unknown.is_empty() { Vec::new() } else { marks(&ledger)? };
        let mut written = 0;
        for number in unknown.drain(..) {
            let found = marks.contains(&(number as u64));
            self.learn(number, Fate::Found(found));
            written += usize::from(found);
        }
        self.ledger = Some((ledger, owned));
        Ok(written)
    }

    /// Sends batches without waiting, then waits; sends again what was not written, until all of it is.
    pub(super) fn burst(&mut self, contents: &[Content]) -> Result<(), GaveUp> {
        let mut left = contents;
        let mut unknown = Vec::new();
        for _ in 0..TRIES {
            match self.open(&mut unknown) {
                Ok(written) => left = &left[written..],
                Err(e) => {
                    self.met("opening", &e);
                    continue;
                }
            }
            if !left.is_empty() {
                let written = self.send(left, &mut unknown);
                left = &left[written..];
            }
            if left.is_empty() {
                return Ok(());
            }
        }
        Err(GaveUp)
    }

    /// One try: how many were written, from the first on. Without a ledger afterwards, some are of unknown fate.
    fn send(&mut self, contents: &[Content], unknown: &mut Vec<usize>) -> usize {
        let Some((ledger, owned)) = self.ledger.take() else { return 0 };
        let burst = self.oracle.burst();
        // All are queued before the writer looks, so that the calls are the same in each run.
        let (release, held) = channel::<()>();
        ledger.on_writer(move |_| _ = held.recv());
        let mut tickets = Vec::new();
        for content in contents {
            let (number, batch) = self.oracle.send(burst, *content);
            (self.listener)(&format!("sent {number} {burst} {content:?}"));
            tickets.push((number, ledger.submit(&owned, batch)));
        }
        drop(release);
        let mut written = 0;
        let mut lost = Vec::new();
        for (number, ticket) in tickets {
            match ticket.and_then(|ticket| ledger.wait(ticket)) {
                Ok(Settled::Committed(head)) => {
                    self.learn(number, Fate::Committed(head));
                    written += 1;
                }
                Ok(Settled::Unknown(id)) => lost.push((number, id)),
                Ok(Settled::Fenced) => self.wrong.push(format!("batch {number} was fenced")),
                Err(e) => {
                    self.met("waiting", &e);
                    self.learn(number, Fate::Refused);
                }
            }
        }
        settle(&ledger);
        let Some(found) = self.resolve(&ledger, &owned, &lost) else {
            unknown.extend(lost.iter().map(|(number, _)| *number));
            return written;
        };
        written += found;
        if written == contents.len() {
            self.read_back(&ledger);
        } else if let Err(e) = ledger.recover(&owned) {
            self.met("recovering", &e);
            return written;
        }
        self.ledger = Some((ledger, owned));
        written
    }

    /// Looks batches of unknown fate up; says how many were written.
    fn resolve(&mut self, ledger: &SqliteLedger, owned: &Owned, lost: &[(usize, BatchId)]) -> Option<usize> {
        let mut written = 0;
        for (number, id) in lost {
            let found = (0..TRIES).find_map(|_| ledger.resolve(owned, *id).map_err(|e| self.met("resolving", &e)).ok())?;
            self.learn(*number, Fate::Found(found));
            written += usize::from(found);
        }
        Some(written)
    }

    /// What was acknowledged can be read at once.
    fn read_back(&mut self, ledger: &SqliteLedger) {
        let told = self.oracle.acknowledged(usize::MAX).last();
        match ledger.read(T, &Query::LogHead) {
            Ok(Rows::LogHead(head)) if told.is_some_and(|told| told.size > head.size) => {
                self.wrong.push(format!("{told:?} was acknowledged, and {head:?} is read"));
            }
            Ok(_) => {}
            Err(e) => self.met("reading", &e),
        }
    }

    /// Moves the write-ahead log into the database.
    fn checkpoint(&mut self) {
        if let Some((ledger, _)) = &self.ledger {
            ledger.on_writer(|state| state.checkpoint(LEDGER_CHECKPOINT_ROWS));
            settle(ledger);
        }
    }

    /// Merges recorded state. A failure changes nothing, so the client goes on.
    pub(super) fn compact(&mut self) {
        if let Some((ledger, owned)) = self.ledger.take() {
            match ledger.compact(&owned).and_then(|root| Ok((root, ledger.recorded_root(T)?))) {
                Ok((merged, found)) if merged != found => self.wrong.push("the base is not what is recorded".to_owned()),
                Ok(_) => {}
                Err(e) => self.met("merging", &e),
            }
            self.ledger = Some((ledger, owned));
        }
    }

    /// Somebody else reads from here on: while a connection is open, SQLite keeps what it believes of the log.
    fn watch(&mut self) {
        let watcher = SqliteLedger::open_read_only(&self.dir);
        match watcher.and_then(|watcher| watcher.read(T, &Query::LogHead).map(|_| watcher)) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(e) => self.met("watching", &e),
        }
    }

    /// A batch whose flush fails in the ledger itself.
    fn unknown(&mut self, fault: ledger::Fault, content: Content) -> Result<(), GaveUp> {
        if let Some((ledger, _)) = &self.ledger {
            ledger.fail_next(fault);
        }
        self.burst(&[content])
    }

    /// A checkpoint while a view is open: the write-ahead log cannot be begun anew.
    fn while_viewed(&mut self, content: Content) -> Result<(), GaveUp> {
        let Some((ledger, owned)) = self.ledger.take() else { return self.burst(&[content]) };
        let view = super::super::heads::View::open(&self.dir, T);
        self.ledger = Some((ledger, owned));
        self.checkpoint();
        match view {
            Ok(view) => drop(view),
            Err(e) => self.met("viewing", &e),
        }
        self.burst(&[content])
    }
}

/// Waits until the writer has done what is queued.
fn settle(ledger: &SqliteLedger) {
    let (done, all) = sync_channel(1);
    ledger.on_writer(move |_| _ = done.send(()));
    _ = all.recv();
}

/// Numbers of the batches in the log.
fn marks(ledger: &SqliteLedger) -> Result<Vec<u64>, LedgerError> {
    let mut marks = Vec::new();
    if let Rows::Leaves(leaves) = ledger.read(T, &Query::Leaves(0, u32::MAX))? {
        for leaf in leaves {
            let entry = crate::audit::LogEntry::parse(&leaf.bytes)?;
            if let crate::audit::Statement::SliceCheckpoint { slice, .. } = entry.says {
                marks.push(slice.0);
            }
        }
    }
    Ok(marks)
}
