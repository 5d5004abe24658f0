//! What every ledger must do, run on each of them: order, atomicity, fencing, recovery, queries, recorded state.

use std::collections::BTreeMap;

use super::{
    Adoption, AuditBody, Batch, BatchId, Entry, Fault, Leaf, Ledger, LedgerError, MemoryLedger, Opening, Owned, Query, Rows,
    RunRow, ScanCount, Settled, Stage, StoredLeaf,
};
use crate::audit::{LogHead, verify_log};
use crate::commit::{Event, Outcome};
use crate::correlate::Recorded;
use crate::discover::ScanSide;
use crate::model::{ChangeId, Denial, Digest, GateKind, KeyHash, Mode, PlanId, RuleChange, RuleStep, RunId, StateHash, Time};

const T: &str = "acme";
const AT: Time = Time::from_seconds(1_767_225_600);

/// One kind of ledger under test.
trait Rig {
    fn ledger(&self) -> &dyn Ledger;
    fn fail_next(&self, fault: Fault);
    /// Another process takes over, if the kind outlives a process.
    fn reopen(&mut self);
}

#[derive(Default)]
struct Memory(MemoryLedger);

impl Rig for Memory {
    fn ledger(&self) -> &dyn Ledger {
        &self.0
    }

    fn fail_next(&self, fault: Fault) {
        self.0.fail_next(fault);
    }

    fn reopen(&mut self) {}
}

#[cfg(feature = "sqlite")]
struct Sqlite {
    dir: tempfile::TempDir,
    ledger: Option<super::SqliteLedger>,
}

#[cfg(feature = "sqlite")]
impl Default for Sqlite {
    fn default() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let ledger = Some(super::SqliteLedger::open(dir.path()).expect("it opens"));
        Sqlite { dir, ledger }
    }
}

#[cfg(feature = "sqlite")]
impl Rig for Sqlite {
    fn ledger(&self) -> &dyn Ledger {
        self.ledger.as_ref().expect("it is open")
    }

    fn fail_next(&self, fault: Fault) {
        self.ledger.as_ref().expect("it is open").fail_next(fault);
    }

    fn reopen(&mut self) {
        self.ledger = None;
        self.ledger = Some(super::SqliteLedger::open(self.dir.path()).expect("it opens"));
    }
}

macro_rules! suite {
    ($($name:ident)*) => {
        mod memory {
            $(#[test] fn $name() { super::$name(&mut super::Memory::default()); })*
        }
        #[cfg(feature = "sqlite")]
        mod sqlite {
            $(#[test] fn $name() { super::$name(&mut super::Sqlite::default()); })*
        }
    };
}

suite! {
    a_higher_epoch_fences_the_writer_before
    batches_are_durable_in_order
    a_refused_batch_leaves_nothing_and_stops_the_writer
    a_full_store_leaves_nothing_and_stops_the_writer
    a_batch_of_unknown_fate_is_looked_up
    a_writer_recovers_what_is_open
    later_rows_replace_earlier_ones_of_their_key
    steps_of_rules_are_all_kept_in_their_order
    leaves_are_read_page_by_page
    what_is_redacted_is_gone_and_its_leaf_stays
    what_is_pruned_is_gone_and_its_hash_stays
    tenants_are_apart
    recorded_state_merges_base_and_heads
    all_outlives_the_process
    nobody_has_nothing
}

fn digest(n: u8) -> Digest {
    Digest([n; 32])
}

fn plan(n: u8) -> PlanId {
    PlanId(digest(n))
}

fn intent(n: u8, attempt: u32) -> Entry {
    Entry::Change { plan: plan(1), change: ChangeId(digest(n)), event: Event::Intent { epoch: u64::MAX, attempt, at: AT } }
}

fn leaf(n: u64) -> Leaf {
    Leaf::slice_checkpoint(RunId(1), AT, plan(1), n)
}

fn run(number: u64, stage: Stage) -> Entry {
    let (basis, plan) = (digest(9), Some(plan(1)));
    let row =
        RunRow { run: RunId(number), stage, as_of: AT, began: AT, basis, plan, slice: u64::MAX, commits: true, amends: None };
    Entry::Run(row)
}

fn recorded(key: u8, state: u64) -> Recorded {
    Recorded {
        key: KeyHash([key; 16]),
        state: StateHash(state),
        incarnation: 1,
        flags: Recorded::CLAIMED,
        since: AT,
        disabled_since: Time::from_seconds(-1),
    }
}

fn batch(entries: Vec<Entry>, leaves: Vec<Leaf>) -> Batch {
    Batch { entries, leaves }
}

fn settle(ledger: &dyn Ledger, owned: &Owned, batch: Batch) -> Result<Settled, LedgerError> {
    ledger.submit(owned, batch).and_then(|ticket| ledger.wait(ticket))
}

fn commit(ledger: &dyn Ledger, owned: &Owned, batch: Batch) -> LogHead {
    match settle(ledger, owned, batch) {
        Ok(Settled::Committed(head)) => head,
        other => panic!("it was not committed: {other:?}"),
    }
}

fn events(ledger: &dyn Ledger, plan: PlanId) -> Vec<(ChangeId, Event)> {
    match ledger.read(T, &Query::Events(plan)) {
        Ok(Rows::Events(events)) => events,
        other => panic!("no events: {other:?}"),
    }
}

fn leaves(ledger: &dyn Ledger, from: u64, most: u32) -> Vec<StoredLeaf> {
    match ledger.read(T, &Query::Leaves(from, most)) {
        Ok(Rows::Leaves(leaves)) => leaves,
        other => panic!("no leaves: {other:?}"),
    }
}

fn head(ledger: &dyn Ledger) -> LogHead {
    match ledger.read(T, &Query::LogHead) {
        Ok(Rows::LogHead(head)) => head,
        other => panic!("no head: {other:?}"),
    }
}

fn rows(ledger: &dyn Ledger) -> Vec<Recorded> {
    ledger.recorded(T).expect("it can be read").collect::<Result<_, _>>().expect("every row can be read")
}

/// All that can be asked, as text.
fn everything(ledger: &dyn Ledger, tenant: &str) -> String {
    let queries = [
        Query::Events(plan(1)),
        Query::Events(plan(2)),
        Query::Openings,
        Query::Adoptions,
        Query::Denials,
        Query::RuleSteps,
        Query::ScanCounts,
        Query::Runs(100),
        Query::Leaves(0, 1000),
        Query::LeafHashes(0, 1000),
        Query::LogHead,
    ];
    let mut all: Vec<String> = queries.iter().map(|query| format!("{:?}", ledger.read(tenant, query))).collect();
    all.extend(ledger.recorded(tenant).expect("it can be read").map(|row| format!("{row:?}")));
    all.push(format!("{:?}", ledger.recorded_root(tenant)));
    all.join("\n")
}

fn a_higher_epoch_fences_the_writer_before(rig: &mut dyn Rig) {
    let ledger = rig.ledger();
    let first = ledger.acquire(T).expect("it is free");
    commit(ledger, &first, batch(vec![intent(1, 1)], vec![leaf(1)]));
    let second = ledger.acquire(T).expect("it is taken over");
    assert!(second.epoch() > first.epoch());
    let before = everything(ledger, T);
    assert_eq!(settle(ledger, &first, batch(vec![intent(2, 1)], vec![leaf(2)])).ok(), Some(Settled::Fenced));
    assert!(matches!(ledger.recover(&first), Err(LedgerError::Fenced)));
    assert!(matches!(ledger.resolve(&first, BatchId(1)), Err(LedgerError::Fenced)));
    assert_eq!(everything(ledger, T), before, "a fenced writer moved nothing");
    commit(ledger, &second, batch(vec![intent(3, 1)], vec![leaf(3)]));
    assert!(ledger.compact(&first).is_err(), "nor may it replace the base");
}

fn batches_are_durable_in_order(rig: &mut dyn Rig) {
    let ledger = rig.ledger();
    let owned = ledger.acquire(T).expect("it is free");
    let tickets: Vec<_> = (0..200u8)
        .map(|n| {
            let other = Entry::Change {
                plan: plan(2),
                change: ChangeId(digest(n)),
                event: Event::Outcome { outcome: Outcome::Acked, at: AT },
            };
            let all = batch(vec![intent(n, 1), other, intent(n, 2)], vec![leaf(u64::from(n)), leaf(u64::MAX)]);
            ledger.submit(&owned, all).expect("the writer is there")
        })
        .collect();
    let mut heads = Vec::new();
    for (ticket, n) in tickets.into_iter().zip(1u64..) {
        match ledger.wait(ticket) {
            Ok(Settled::Committed(head)) => heads.push(head),
            other => panic!("batch {n}: {other:?}"),
        }
        assert_eq!(heads.last().map(|head| head.size), Some(2 * n));
    }
    let expected: Vec<_> = (0..200u8).flat_map(|n| [(n, 1), (n, 2)]).collect();
    let found: Vec<_> = events(ledger, plan(1))
        .into_iter()
        .map(|(change, event)| match event {
            Event::Intent { attempt, epoch: u64::MAX, at: AT } => (change.0.0[0], attempt),
            other => panic!("not what was written: {other:?}"),
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(events(ledger, plan(2)).len(), 200);
    let all = leaves(ledger, 0, 1000);
    let verified = verify_log(&all, head(ledger)).expect("the log is as it was written");
    assert_eq!(Some(&verified.head), heads.last());
    for head in heads {
        verify_log(all.iter().take(usize::try_from(head.size).expect("it is small")), head).expect("each head is a prefix");
    }
}

fn a_refused_batch_leaves_nothing_and_stops_the_writer(rig: &mut dyn Rig) {
    let ledger = rig.ledger();
    let owned = ledger.acquire(T).expect("it is free");
    commit(ledger, &owned, batch(vec![intent(1, 1)], vec![leaf(1)]));
    let before = everything(ledger, T);
    let opening =
        Opening { change: ChangeId(digest(1)), gate: GateKind::Clock, by: String::new(), why: "x".repeat(70_000), at: AT };
    let long = Leaf::approval(RunId(1), &opening);
    let refused = batch(vec![intent(2, 1), run(1, Stage::Sealed), Entry::Head(recorded(1, 1))], vec![leaf(2), long]);
    // Queued together: what stands behind a refused batch must not become durable either.
    let refused = ledger.submit(&owned, refused).expect("the writer is there");
    let behind = ledger.submit(&owned, batch(vec![intent(3, 1)], vec![leaf(3)])).expect("the writer is there");
    assert!(matches!(ledger.wait(refused), Err(LedgerError::Leaf(_))));
    assert!(matches!(ledger.wait(behind), Err(LedgerError::Stopped)));
    assert_eq!(everything(ledger, T), before);
    ledger.recover(&owned).expect("it goes on");
    assert_eq!(commit(ledger, &owned, batch(vec![intent(4, 1)], vec![leaf(4)])).size, 2);
    verify_log(&leaves(ledger, 0, 10), head(ledger)).expect("the log has no hole");
}

fn a_full_store_leaves_nothing_and_stops_the_writer(rig: &mut dyn Rig) {
    let ledger = rig.ledger();
    let owned = ledger.acquire(T).expect("it is free");
    let before = everything(ledger, T);
    rig.fail_next(Fault::Refused);
    let refused = settle(ledger, &owned, batch(vec![intent(1, 1)], vec![leaf(1)]));
    assert!(matches!(refused, Err(LedgerError::Unwritable { .. })), "{refused:?}");
    assert!(matches!(settle(ledger, &owned, batch(vec![intent(2, 1)], vec![])), Err(LedgerError::Stopped)));
    assert_eq!(everything(ledger, T), before);
    let next = ledger.acquire(T).expect("the next writer is not stopped");
    commit(ledger, &next, batch(vec![intent(1, 1)], vec![leaf(1)]));
}

fn a_batch_of_unknown_fate_is_looked_up(rig: &mut dyn Rig) {
    for (fault, kept) in [(Fault::UnknownKept, true), (Fault::UnknownLost, false)] {
        let ledger = rig.ledger();
        let owned = ledger.acquire(T).expect("it is free");
        let known = commit(ledger, &owned, batch(vec![intent(1, 1)], vec![leaf(1)]));
        let before = everything(ledger, T);
        rig.fail_next(fault);
        let id = match settle(ledger, &owned, batch(vec![intent(2, 1)], vec![leaf(2)])) {
            Ok(Settled::Unknown(id)) => id,
            other => panic!("{fault:?}: {other:?}"),
        };
        assert!(matches!(settle(ledger, &owned, batch(vec![intent(3, 1)], vec![])), Err(LedgerError::Stopped)));
        assert_eq!(ledger.resolve(&owned, id).ok(), Some(kept), "{fault:?}");
        assert_eq!(ledger.resolve(&owned, id).ok(), Some(kept), "asked twice");
        assert_eq!(everything(ledger, T) != before, kept, "{fault:?}");
        let after = commit(ledger, &owned, batch(vec![intent(4, 1)], vec![leaf(4)]));
        assert_eq!(after.size, known.size + 1 + u64::from(kept));
        verify_log(&leaves(ledger, 0, 100), head(ledger)).expect("the log has no hole");
        rig.reopen();
    }
}

fn a_writer_recovers_what_is_open(rig: &mut dyn Rig) {
    let check = |ledger: &dyn Ledger, open: Option<(u64, Stage)>, last: u64| {
        let owned = ledger.acquire(T).expect("it is taken over");
        let found = ledger.recover(&owned).expect("it is whole");
        assert_eq!(found.run.map(|run| (run.run.0, run.stage)), open);
        assert_eq!((found.last_run, found.head), (last, head(ledger)));
        owned
    };
    let owned = check(rig.ledger(), None, 0);
    commit(rig.ledger(), &owned, batch(vec![run(7, Stage::Discovering)], vec![leaf(1)]));
    let owned = check(rig.ledger(), Some((7, Stage::Discovering)), 7);
    commit(rig.ledger(), &owned, batch(vec![run(7, Stage::Committing)], vec![]));
    rig.reopen();
    let owned = check(rig.ledger(), Some((7, Stage::Committing)), 7);
    commit(rig.ledger(), &owned, batch(vec![run(7, Stage::Replaced), run(8, Stage::Sealed)], vec![leaf(2)]));
    let owned = check(rig.ledger(), Some((8, Stage::Sealed)), 8);
    commit(rig.ledger(), &owned, batch(vec![run(7, Stage::Unsettled), run(8, Stage::Done)], vec![]));
    check(rig.ledger(), None, 8);
}

fn later_rows_replace_earlier_ones_of_their_key(rig: &mut dyn Rig) {
    let ledger = rig.ledger();
    let owned = ledger.acquire(T).expect("it is free");
    let opening = |n: u8, gate, why: &str| {
        Entry::Opened(Opening { change: ChangeId(digest(n)), gate, by: "ada".to_owned(), why: why.to_owned(), at: AT })
    };
    let adoption = |scope: &str, mode, at| Entry::Adopted(Adoption { scope: scope.to_owned(), mode, module: digest(1), at });
    let count = |side, rows| {
        let (source, target) = ("hr".to_owned(), "github".to_owned());
        Entry::Counted(ScanCount { source, side, target, rows, keys: digest(2) })
    };
    let denied = |holder: &str, object: &str, lifted_at| {
        let (target, holder, object) = ("github".to_owned(), holder.to_owned(), object.to_owned());
        Entry::Denied(Denial {
            target,
            holder,
            object,
            by: "ada".to_owned(),
            why: "stolen".to_owned(),
            at: AT,
            settled_at: AT,
            lifted_at,
        })
    };
    let entries = vec![
        opening(2, GateKind::Shrink, "first"),
        opening(2, GateKind::Budget, "second"),
        opening(1, GateKind::Shrink, "third"),
        opening(2, GateKind::Shrink, "fourth"),
        adoption("b", Mode::Observe, AT),
        adoption("a", Mode::Authoritative, AT),
        adoption("a", Mode::Additive, AT),
        adoption("b", Mode::Observe, AT.plus(1)),
        denied("ann", "", Time::NONE),
        denied("ann", "team:a", Time::NONE),
        denied("ann", "", AT),
        count(ScanSide::Observed, 1),
        count(ScanSide::Desired, u64::MAX),
        count(ScanSide::Observed, 3),
        run(1, Stage::Done),
        run(3, Stage::Sealed),
        run(2, Stage::Done),
    ];
    commit(ledger, &owned, batch(entries, vec![]));
    let read = |query| ledger.read(T, &query).expect("it can be read");
    let Rows::Openings(found) = read(Query::Openings) else { panic!("other rows") };
    let found: Vec<_> = found.iter().map(|o| (o.change.0.0[0], o.gate, o.why.as_str())).collect();
    assert_eq!(found, [(1, GateKind::Shrink, "third"), (2, GateKind::Budget, "second"), (2, GateKind::Shrink, "fourth")]);
    let Rows::Adoptions(found) = read(Query::Adoptions) else { panic!("other rows") };
    let found: Vec<_> = found.iter().map(|a| (a.scope.as_str(), a.mode, a.at)).collect();
    let (additive, all) = (("a", Mode::Additive, AT), ("a", Mode::Authoritative, AT));
    assert_eq!(found, [additive, all, ("b", Mode::Observe, AT.plus(1))]);
    let Rows::Denials(found) = read(Query::Denials) else { panic!("other rows") };
    assert_eq!(found.iter().map(|d| (d.object.as_str(), d.stands())).collect::<Vec<_>>(), [("", false), ("team:a", true)]);
    let Rows::ScanCounts(found) = read(Query::ScanCounts) else { panic!("other rows") };
    let found: Vec<_> = found.iter().map(|c| (c.side, c.rows)).collect();
    assert_eq!(found, [(ScanSide::Desired, u64::MAX), (ScanSide::Observed, 3)]);
    let Rows::Runs(found) = read(Query::Runs(2)) else { panic!("other rows") };
    assert_eq!(found.iter().map(|r| (r.run.0, r.slice)).collect::<Vec<_>>(), [(3, u64::MAX), (2, u64::MAX)]);
}

fn steps_of_rules_are_all_kept_in_their_order(rig: &mut dyn Rig) {
    let owned = rig.ledger().acquire(T).expect("it is free");
    let failed = RuleChange::Failed { run: RunId(1), failed: 2, batches: 3, problem: "boom".to_owned() };
    let steps = [(2, RuleChange::Admitted), (1, RuleChange::Admitted), (2, RuleChange::Admitted), (2, failed)];
    for (n, what) in steps.clone() {
        commit(rig.ledger(), &owned, batch(vec![rule_step(n, what)], vec![]));
    }
    drop(owned);
    rig.reopen();
    let Ok(Rows::RuleSteps(found)) = rig.ledger().read(T, &Query::RuleSteps) else { panic!("other rows") };
    let found: Vec<_> = found.into_iter().map(|step| (step.module.0[0], step.what)).collect();
    assert_eq!(found, steps);
}

fn leaves_are_read_page_by_page(rig: &mut dyn Rig) {
    let ledger = rig.ledger();
    let owned = ledger.acquire(T).expect("it is free");
    commit(ledger, &owned, batch(vec![], (0..10).map(leaf).collect()));
    let check = |from: u64, most: u32, expected: &[u64]| {
        let found: Vec<_> = leaves(ledger, from, most).iter().map(|leaf| leaf.index).collect();
        assert_eq!(found, expected, "{most} from {from}");
        let Ok(Rows::LeafHashes(hashes)) = ledger.read(T, &Query::LeafHashes(from, most)) else { panic!("no hashes") };
        assert_eq!(hashes, leaves(ledger, from, most).iter().map(|leaf| leaf.hash).collect::<Vec<_>>());
    };
    check(0, 3, &[0, 1, 2]);
    check(8, 3, &[8, 9]);
    check(10, 3, &[]);
    check(3, 0, &[]);
}

fn what_is_redacted_is_gone_and_its_leaf_stays(rig: &mut dyn Rig) {
    let body =
        |field: &str| AuditBody { field: field.to_owned(), salt: digest(9).to_string(), state: Some("\"secret\"".to_owned()) };
    let with = |n| Leaf { bodies: vec![body("after"), body("before")], ..leaf(n) };
    let owned = rig.ledger().acquire(T).expect("it is free");
    commit(rig.ledger(), &owned, batch(vec![], vec![with(1), with(2), leaf(3)]));
    let before = leaves(rig.ledger(), 0, 10);
    commit(rig.ledger(), &owned, batch(vec![Entry::Redacted(1), Entry::Redacted(2), Entry::Redacted(77)], vec![leaf(4)]));
    rig.reopen();
    let after = leaves(rig.ledger(), 0, 10);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((&before.bytes, before.hash), (&after.bytes, after.hash));
    }
    assert_eq!((after.len(), &after[0].bodies), (4, &before[0].bodies));
    let gone = |field: &str| AuditBody { state: None, salt: Digest([0; 32]).to_string(), ..body(field) };
    assert_eq!(after[1].bodies, [gone("after"), gone("before")]);
}

fn what_is_pruned_is_gone_and_its_hash_stays(rig: &mut dyn Rig) {
    let body = AuditBody { field: "after".to_owned(), salt: digest(9).to_string(), state: Some("\"secret\"".to_owned()) };
    let with = |n| Leaf { bodies: vec![body.clone()], ..leaf(n) };
    let owned = rig.ledger().acquire(T).expect("it is free");
    commit(rig.ledger(), &owned, batch(vec![], (0..6).map(with).collect()));
    let (before, old) = (leaves(rig.ledger(), 0, 10), head(rig.ledger()));
    commit(rig.ledger(), &owned, batch(vec![Entry::Pruned { from: 1, to: 4 }, Entry::Pruned { from: 3, to: 3 }], vec![]));
    rig.ledger().shrink(&owned).expect("there is room");
    rig.reopen();
    let after = leaves(rig.ledger(), 0, 10);
    assert_eq!((head(rig.ledger()), after.len()), (old, before.len()));
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((before.index, before.hash), (after.index, after.hash));
        let gone = (1..4).contains(&after.index);
        assert_eq!(after.is_pruned(), gone);
        assert!(if gone { after.bodies.is_empty() } else { after == before });
    }
    let owned = rig.ledger().acquire(T).expect("it is free");
    assert_eq!(commit(rig.ledger(), &owned, batch(vec![], vec![leaf(7)])).size, old.size + 1, "the log goes on");
}

fn tenants_are_apart(rig: &mut dyn Rig) {
    let ledger = rig.ledger();
    let (one, two) = (ledger.acquire(T).expect("it is free"), ledger.acquire("umbrella").expect("it is free"));
    let all = |n: u8| {
        let change = ChangeId(digest(n));
        let opening = Opening { change, gate: GateKind::Clock, by: String::new(), why: String::new(), at: AT };
        let entries = vec![intent(n, 1), Entry::Head(recorded(1, n.into())), Entry::Opened(opening), run(n.into(), Stage::Done)];
        let steps = [RuleChange::Admitted, RuleChange::Shadowed].map(|what| rule_step(n, what));
        batch(entries.into_iter().chain(steps).collect(), vec![leaf(n.into())])
    };
    commit(ledger, &one, all(1));
    let before = everything(ledger, T);
    commit(ledger, &two, all(2));
    commit(ledger, &two, all(3));
    ledger.compact(&two).expect("it merges");
    assert_eq!(everything(ledger, T), before);
    // One that is stopped does not stop the other.
    rig.fail_next(Fault::UnknownLost);
    assert!(matches!(settle(ledger, &two, all(4)), Ok(Settled::Unknown(_))));
    assert_eq!(commit(ledger, &one, all(5)).size, 2);
}

fn recorded_state_merges_base_and_heads(rig: &mut dyn Rig) {
    let ledger = rig.ledger();
    let owned = ledger.acquire(T).expect("it is free");
    let mut model = BTreeMap::new();
    let mut put = |ledger: &dyn Ledger, changed: &[(u8, u64)]| {
        let entries = changed.iter().map(|(key, state)| Entry::Head(recorded(*key, *state)));
        commit(ledger, &owned, batch(entries.collect(), vec![]));
        model.extend(changed.iter().map(|(key, state)| (*key, recorded(*key, *state))));
        let expected: Vec<_> = model.values().copied().collect();
        assert_eq!(rows(ledger), expected);
        let root = ledger.recorded_root(T).expect("it can be read");
        let merged = ledger.compact(&owned).expect("it merges");
        assert_eq!((merged, ledger.recorded_root(T).ok()), (root, Some(root)), "merging changes no root");
        assert_eq!(rows(ledger), expected);
        assert_eq!(ledger.compact(&owned).ok(), Some(root), "merging twice is merging once");
        root
    };
    assert_eq!(ledger.recorded_root(T).ok(), Some(Digest::of(b"")));
    let first = put(ledger, &[(3, 1), (1, u64::MAX), (200, 3)]);
    let second = put(ledger, &[(2, 1), (3, 2), (255, 0), (0, 5)]);
    assert_ne!(first, second);
    put(ledger, &[(3, 3), (3, 4)]);
    let before = put(ledger, &[(100, 1)]);
    assert_eq!(put(ledger, &[(100, 1)]), before, "the same row again is the same state");
    drop(owned);
    rig.reopen();
    assert_eq!(rig.ledger().recorded_root(T).ok(), Some(before));
}

fn all_outlives_the_process(rig: &mut dyn Rig) {
    let owned = rig.ledger().acquire(T).expect("it is free");
    let entries = vec![intent(1, 1), run(1, Stage::Committing), Entry::Head(recorded(1, 1))];
    commit(rig.ledger(), &owned, batch(entries, vec![leaf(1), leaf(2), leaf(3)]));
    rig.ledger().compact(&owned).expect("it merges");
    commit(rig.ledger(), &owned, batch(vec![Entry::Head(recorded(2, 2))], vec![leaf(4)]));
    let before = everything(rig.ledger(), T);
    rig.reopen();
    assert_eq!(everything(rig.ledger(), T), before);
    let next = rig.ledger().acquire(T).expect("it is taken over");
    assert!(next.epoch() > owned.epoch(), "an epoch is never used twice");
    assert_eq!(commit(rig.ledger(), &next, batch(vec![], vec![leaf(5)])).size, 5);
    verify_log(&leaves(rig.ledger(), 0, 10), head(rig.ledger())).expect("the log goes on where it ended");
}

fn rule_step(n: u8, what: RuleChange) -> Entry {
    let (rule, by, why) = ("r@1".to_owned(), "ada".to_owned(), "ready".to_owned());
    Entry::Rule(RuleStep { module: digest(n), rule, what, by, why, at: AT })
}

fn nobody_has_nothing(rig: &mut dyn Rig) {
    let ledger = rig.ledger();
    ledger.acquire("umbrella").expect("it is free");
    assert_eq!(everything(ledger, T), everything(ledger, "umbrella"));
    assert_eq!((head(ledger), rows(ledger)), (LogHead::default(), vec![]));
}

/// The same batches in the same order leave the same rows in every kind of ledger.
#[cfg(feature = "sqlite")]
#[test]
fn every_kind_agrees_on_random_histories() {
    for seed in 1..=4u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        let (mut memory, mut sqlite) = (Memory::default(), Sqlite::default());
        let mut owners = [memory.ledger().acquire(T).expect("free"), sqlite.ledger().acquire(T).expect("free")];
        for _ in 0..60 {
            let entries = (0..random(12)).map(|_| match random(4) {
                0 => intent(random(20) as u8, random(3) as u32),
                1 => run(random(9), if random(2) == 0 { Stage::Done } else { Stage::Sealed }),
                _ => Entry::Head(recorded(random(40) as u8, random(5))),
            });
            let all = batch(entries.collect(), (0..random(4)).map(leaf).collect());
            let fault = [Fault::Refused, Fault::UnknownKept, Fault::UnknownLost].get(random(12) as usize).copied();
            let step = random(10);
            let rigs: [&mut dyn Rig; 2] = [&mut memory, &mut sqlite];
            let answers: Vec<_> = rigs
                .into_iter()
                .zip(&mut owners)
                .map(|(rig, owned)| {
                    if let Some(fault) = fault {
                        rig.fail_next(fault);
                    }
                    let settled = settle(rig.ledger(), owned, all.clone());
                    let resolved = match &settled {
                        Ok(Settled::Unknown(id)) => rig.ledger().resolve(owned, *id).ok(),
                        Ok(_) => None,
                        Err(_) => rig.ledger().recover(owned).ok().map(|_| false),
                    };
                    match step {
                        0 => _ = rig.ledger().compact(owned).expect("it merges"),
                        1 => rig.reopen(),
                        _ => {}
                    }
                    if step < 2 {
                        *owned = rig.ledger().acquire(T).expect("it is taken over");
                    }
                    let head = if let Ok(Settled::Committed(head)) = settled { Some(head) } else { None };
                    let run = rig.ledger().recover(owned).expect("it is whole").run;
                    (head, resolved, run, everything(rig.ledger(), T))
                })
                .collect();
            assert_eq!(answers[0], answers[1], "seed {seed}");
        }
    }
}
