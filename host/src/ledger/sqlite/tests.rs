//! What only a store on disk can meet: locks, crashes, foreign and newer files, damage, a full disk.

pub(super) mod disk;
mod faults;
#[cfg(target_os = "linux")]
mod full;
mod image;
mod oracle;
mod scenario;
#[cfg(target_os = "linux")]
mod syscalls;
#[expect(unsafe_code, reason = "SQLite asks for a file system through a C interface")]
mod vfs;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command as Process, Stdio};

use rusqlite::Connection;

use super::{SqliteLedger, open};
use crate::audit::{LogHead, Salts, Verifier};
use crate::commit::{Event, Outcome};
use crate::correlate::Recorded;
use crate::ledger::{Batch, Entry, Leaf, Ledger, LedgerError, Owned, Query, Rows, RunRow, Settled, Stage};
use crate::model::{
    CaseKey, Change, ChangeId, ChangeKind, Digest, Holding, KeyHash, PlanId, Reason, RunId, StateHash, Subject, Time,
};
use crate::target::Grade;

const T: &str = "acme";
const AT: Time = Time::from_seconds(1_767_225_600);
const PLAN: PlanId = PlanId(Digest([1; 32]));

fn recorded(key: u8, state: u64) -> Recorded {
    Recorded {
        key: KeyHash([key; 16]),
        state: StateHash(state),
        incarnation: 1,
        flags: 0,
        since: AT,
        disabled_since: Time::from_seconds(-1),
    }
}

fn head_of(key: u8, state: u64) -> Entry {
    Entry::Head(recorded(key, state))
}

/// An event and a leaf.
fn numbered(n: u64) -> Batch {
    let event = Event::Intent { epoch: 1, attempt: 1, at: AT };
    let change = ChangeId(Digest::of(&n.to_be_bytes()));
    let leaf = Leaf::slice_checkpoint(RunId(1), AT, PLAN, n);
    Batch { entries: vec![Entry::Change { plan: PLAN, change, event }], leaves: vec![leaf] }
}

fn commit(ledger: &SqliteLedger, owned: &Owned, batch: Batch) -> LogHead {
    match ledger.submit(owned, batch).and_then(|ticket| ledger.wait(ticket)) {
        Ok(Settled::Committed(head)) => head,
        other => panic!("it was not committed: {other:?}"),
    }
}

fn heads(entries: Vec<Entry>) -> Batch {
    Batch { entries, leaves: Vec::new() }
}

fn rows(ledger: &SqliteLedger) -> Result<Vec<Recorded>, LedgerError> {
    ledger.recorded(T)?.collect()
}

fn stored_head(ledger: &SqliteLedger) -> Result<LogHead, LedgerError> {
    match ledger.read(T, &Query::LogHead)? {
        Rows::LogHead(head) => Ok(head),
        other => panic!("{other:?}"),
    }
}

fn events(ledger: &SqliteLedger) -> usize {
    match ledger.read(T, &Query::Events(PLAN)) {
        Ok(Rows::Events(events)) => events.len(),
        other => panic!("{other:?}"),
    }
}

/// The whole log is as it was written, up to a head that is known elsewhere.
fn verify(ledger: &SqliteLedger, known: LogHead) -> Result<(), String> {
    let Rows::Leaves(leaves) = ledger.read(T, &Query::Leaves(0, 10_000)).map_err(|e| e.to_string())? else {
        return Err("other rows".to_owned());
    };
    let head = stored_head(ledger).map_err(|e| e.to_string())?;
    let mut verifier = Verifier::default().seen(known);
    leaves.iter().try_for_each(|leaf| verifier.push(leaf)).map_err(|e| e.to_string())?;
    verifier.finish(head).map(|_| ()).map_err(|e| e.to_string())
}

/// A directory that may already hold files.
fn private() -> tempfile::TempDir {
    private_in(&std::env::temp_dir())
}

fn private_in(ground: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir_in(ground).expect("a temporary directory");
    #[cfg(unix)]
    fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("it is ours");
    dir
}

/// What a killed process leaves: the files as they are now, without the lock.
fn crash_image(from: &Path) -> tempfile::TempDir {
    let image = private();
    for file in fs::read_dir(from).expect("it can be listed").map(|file| file.expect("it can be listed")) {
        if file.file_name() != "lock" {
            fs::copy(file.path(), image.path().join(file.file_name())).expect("it can be copied");
        }
    }
    image
}

fn opened(dir: &Path) -> (SqliteLedger, Owned) {
    let ledger = SqliteLedger::open(dir).expect("it opens");
    let owned = ledger.acquire(T).expect("it is free");
    (ledger, owned)
}

fn refusal(dir: &Path) -> String {
    let writing = SqliteLedger::open(dir).err().expect("it is refused").to_string();
    let reading = SqliteLedger::open_read_only(dir).err().expect("it is refused for reading too").to_string();
    assert_eq!(writing, reading);
    writing.replace(&dir.display().to_string(), "DIR")
}

#[test]
fn one_process_writes_and_others_read() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let missing = SqliteLedger::open_read_only(dir.path()).err().map(|e| e.to_string());
    assert!(missing.is_some_and(|e| e.starts_with("there is no ledger in ")));
    let (ledger, owned) = opened(dir.path());
    assert!(matches!(SqliteLedger::open(dir.path()), Err(LedgerError::Busy { .. })));
    let other = SqliteLedger::open_read_only(dir.path()).expect("reading needs no lock");
    commit(&ledger, &owned, numbered(1));
    commit(&ledger, &owned, heads(vec![head_of(1, 1)]));
    assert_eq!((events(&other), rows(&other).expect("it can be read").len()), (1, 1));
    let error = other.acquire(T).expect_err("it only reads").to_string();
    assert!(error.contains("opened for reading only"), "{error}");
    drop(ledger);
    assert_eq!(events(&other), 1);
    opened(dir.path());
}

#[test]
fn a_lock_that_a_started_program_inherited_is_given_back() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let ledger = SqliteLedger::open(dir.path()).expect("it opens");
    let inherited = ledger._place.as_ref().map(|place| place.lock.try_clone().expect("it can be shared"));
    drop(ledger);
    SqliteLedger::open(dir.path()).expect("the lock is free");
    drop(inherited);
}

#[test]
fn the_writer_flushes_every_commit_and_trusts_nothing_in_the_file() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let conn = open::writer(dir.path()).expect("it opens");
    let check = |pragma: &str, expected: &str| {
        let found =
            conn.query_row(&format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}"), [], |row| row.get::<_, String>(0));
        assert_eq!(found.as_deref(), Ok(expected), "{pragma}");
    };
    for (pragma, expected) in [
        ("journal_mode", "wal"),
        ("synchronous", "2"),
        ("foreign_keys", "1"),
        ("trusted_schema", "0"),
        ("cell_size_check", "1"),
        ("application_id", "1953658213"),
        ("user_version", "3"),
    ] {
        check(pragma, expected);
    }
}

#[cfg(unix)]
#[test]
fn the_directory_is_private() {
    use std::os::unix::fs::PermissionsExt as _;

    let parent = tempfile::tempdir().expect("a temporary directory");
    let dir = parent.path().join("state").join("ledger");
    let mode = |mode| fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).expect("it is ours");
    let found = || fs::metadata(&dir).expect("it is there").permissions().mode() & 0o777;
    drop(SqliteLedger::open(&dir).expect("it is made"));
    assert_eq!(found(), 0o700);
    mode(0o750);
    let error = SqliteLedger::open(&dir).err().expect("others may enter it").to_string();
    assert!(error.ends_with("others may enter it; take their permissions away (chmod 700)"), "{error}");
    fs::remove_dir_all(&dir).expect("it is ours");
    fs::create_dir(&dir).expect("it is ours");
    mode(0o755);
    drop(SqliteLedger::open(&dir).expect("an empty one is made private"));
    assert_eq!(found(), 0o700);
}

#[test]
fn newer_and_foreign_files_are_left_alone() {
    let check = |sql: &str, expected: &str| {
        let dir = tempfile::tempdir().expect("a temporary directory");
        drop(opened(dir.path()));
        let file = dir.path().join("ledger.sqlite");
        Connection::open(&file).and_then(|conn| conn.execute_batch(sql)).expect("it is ours");
        let before = fs::read(&file).expect("it is there");
        assert_eq!(refusal(dir.path()), expected);
        assert_eq!(fs::read(&file).expect("it is there"), before);
    };
    check("PRAGMA user_version = 7", "the ledger in `DIR` has format 7; this trueup reads up to 3");
    let foreign = "the ledger in `DIR` is damaged: `ledger.sqlite` is not a ledger of trueup";
    check("PRAGMA application_id = 1", foreign);
    check("PRAGMA application_id = 0; PRAGMA user_version = 0", foreign);
    let dir = private();
    fs::write(dir.path().join("ledger.sqlite"), "not a database at all".repeat(100)).expect("it is ours");
    assert_eq!(refusal(dir.path()), "the ledger in `DIR` is damaged: file is not a database");
}

#[test]
fn an_older_ledger_is_brought_up_to_date_by_its_next_writer() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (ledger, owned) = opened(dir.path());
    let head = commit(&ledger, &owned, numbered(1));
    drop((ledger, owned));
    let file = dir.path().join("ledger.sqlite");
    let older = "DROP TABLE rule_steps; PRAGMA user_version = 1;";
    Connection::open(&file).and_then(|conn| conn.execute_batch(older)).expect("it is ours");
    let refused = SqliteLedger::open_read_only(dir.path()).err().expect("a reader changes nothing").to_string();
    assert!(refused.ends_with("it has format 1, which the next plan or resume brings to 3"), "{refused}");
    let (ledger, _) = opened(dir.path());
    assert!(matches!(ledger.read(T, &Query::LogHead), Ok(Rows::LogHead(found)) if found == head));
    assert!(matches!(ledger.read(T, &Query::RuleSteps), Ok(Rows::RuleSteps(steps)) if steps.is_empty()));
    drop(ledger);
    assert!(SqliteLedger::open_read_only(dir.path()).is_ok());
}

#[test]
fn a_crash_at_any_batch_loses_nothing_committed() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (ledger, owned) = opened(dir.path());
    for n in 0..12u8 {
        let mut batch = numbered(n.into());
        batch.entries.push(head_of(n, 1));
        let head = commit(&ledger, &owned, batch);
        if n == 5 {
            ledger.compact(&owned).expect("it merges");
        }
        let image = crash_image(dir.path());
        let (after, next) = opened(image.path());
        assert!(next.epoch() > owned.epoch());
        assert_eq!((after.recover(&next).map(|r| r.head).ok(), events(&after)), (Some(head), usize::from(n) + 1));
        assert_eq!(rows(&after).expect("it can be read").len(), usize::from(n) + 1);
        assert_eq!(commit(&after, &next, numbered(99)).size, head.size + 1);
        verify(&after, head).expect("the log goes on");
    }
}

/// Not a test of its own: the process that the next test kills.
#[test]
#[ignore = "run by the test that kills it"]
fn writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os("TRUEUP_KILLED_LEDGER") else { return };
    let (ledger, owned) = opened(Path::new(&dir));
    for n in 0.. {
        let head = commit(&ledger, &owned, numbered(n));
        println!("committed {} {}", head.size, head.root);
    }
}

#[cfg(unix)]
#[test]
fn a_killed_process_loses_nothing_it_was_told_is_committed() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut known = LogHead::default();
    for round in 1..=3 {
        let mut child = Process::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "ledger::sqlite::tests::writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env("TRUEUP_KILLED_LEDGER", dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let committed = lines.map_while(Result::ok).filter_map(|line| {
            let (size, root) = line.strip_prefix("committed ")?.split_once(' ')?;
            Some(LogHead { size: size.parse().ok()?, root: Digest::parse(root)? })
        });
        known = committed.take(20 * round).last().expect("it wrote");
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        let (ledger, owned) = opened(dir.path());
        let found = ledger.recover(&owned).expect("it is whole").head;
        assert!(found.size >= known.size);
        assert_eq!(events(&ledger) as u64, found.size);
        verify(&ledger, known).expect("what was known is a prefix of what is found");
    }
    assert!(known.size > 60, "each process went on where the last was killed");
}

#[test]
fn a_full_disk_refuses_a_batch_as_a_whole() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (ledger, owned) = opened(dir.path());
    let mut head = commit(&ledger, &owned, numbered(0));
    ledger.run_sql("PRAGMA max_page_count = 1");
    let mut n = 1;
    let error = loop {
        // SQLite never lets the bound fall below what is used: fill what is left.
        match ledger.submit(&owned, numbered(n)).and_then(|ticket| ledger.wait(ticket)) {
            Ok(Settled::Committed(next)) => (head, n) = (next, n + 1),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LedgerError::Unwritable { .. }), "{error}");
    assert!(error.to_string().ends_with("database or disk is full"), "{error}");
    assert!(matches!(ledger.submit(&owned, numbered(n)).and_then(|t| ledger.wait(t)), Err(LedgerError::Stopped)));
    assert_eq!((stored_head(&ledger).ok(), events(&ledger) as u64), (Some(head), n));
    ledger.run_sql("PRAGMA max_page_count = 1000000");
    assert_eq!(ledger.recover(&owned).map(|r| r.head).ok(), Some(head));
    assert_eq!(commit(&ledger, &owned, numbered(n)).size, head.size + 1);
    verify(&ledger, head).expect("the log has no hole");
}

#[test]
fn every_altered_byte_of_a_base_is_found_and_its_row_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (ledger, owned) = opened(dir.path());
    commit(&ledger, &owned, heads((0..5).map(|key| head_of(key, u64::from(key))).collect()));
    let root = ledger.compact(&owned).expect("it merges");
    let expected = rows(&ledger).expect("it can be read");
    let file = dir.path().join(format!("recorded-1-{root}"));
    let whole = fs::read(&file).expect("it is there");
    let problem = |bytes: &[u8]| {
        fs::write(&file, bytes).expect("it is ours");
        match rows(&ledger) {
            Err(LedgerError::Corrupt { path, problem }) => {
                assert_eq!(path, file);
                problem
            }
            other => panic!("damage was not found: {other:?}"),
        }
    };
    for at in 0..whole.len() {
        let mut altered = whole.clone();
        altered[at] ^= 1 << (at % 8);
        let expected = match at.checked_sub(64) {
            None => "its header is not what was written".to_owned(),
            Some(at) => format!("row {} is not what was written", at / 56),
        };
        assert_eq!(problem(&altered), expected, "byte {at}");
        assert!(problem(&whole[..at]).starts_with("its header cannot be read") || at >= 64, "cut at {at}");
    }
    let mut swapped = whole.clone();
    swapped[64..176].rotate_left(56);
    assert_eq!(problem(&swapped), "row 0 is not what was written", "a row that stands elsewhere");
    assert_eq!(problem(&[&whole[..], b"x"].concat()), "it has 345 bytes, which is not what 5 rows take");
    fs::write(&file, &whole).expect("it is ours");
    assert_eq!(rows(&ledger).expect("it is whole again"), expected);
    fs::remove_file(&file).expect("it is ours");
    assert!(matches!(rows(&ledger), Err(LedgerError::Corrupt { .. })));
}

#[test]
fn a_merge_that_was_cut_off_leaves_the_old_base_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (ledger, owned) = opened(dir.path());
    commit(&ledger, &owned, heads(vec![head_of(1, 1)]));
    let root = ledger.compact(&owned).expect("it merges");
    commit(&ledger, &owned, heads(vec![head_of(2, 2)]));
    let expected = rows(&ledger).expect("it can be read");
    drop((ledger, owned));
    let files = || {
        let names = fs::read_dir(dir.path()).expect("it can be listed").map(|file| file.expect("it can be listed").file_name());
        let mut names: Vec<_> = names.filter_map(|name| name.into_string().ok()).filter(|name| name.contains('-')).collect();
        names.sort();
        names
    };
    // Killed while writing, and killed between naming the file and naming it in the database.
    fs::write(dir.path().join("unfinished-1"), "half a ro").expect("it is ours");
    fs::write(dir.path().join(format!("recorded-1-{}", Digest::of(b"other"))), "whole").expect("it is ours");
    let (ledger, owned) = opened(dir.path());
    assert_eq!(rows(&ledger).expect("it can be read"), expected);
    drop((ledger, owned));
    assert_eq!(files(), [format!("recorded-1-{root}")]);
    let (ledger, owned) = opened(dir.path());
    let merged = ledger.compact(&owned).expect("it merges again");
    assert_eq!(rows(&ledger).expect("it can be read"), expected);
    drop((ledger, owned));
    assert_eq!(files(), [format!("recorded-1-{merged}")]);
}

#[test]
fn a_view_shows_one_instant_while_the_run_goes_on() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (ledger, owned) = opened(dir.path());
    commit(&ledger, &owned, heads((0..100).map(|key| head_of(key, 1)).collect()));
    ledger.compact(&owned).expect("it merges");
    commit(&ledger, &owned, heads((50..150).map(|key| head_of(key, 2)).collect()));
    let expected = rows(&ledger).expect("it can be read");
    let mut view = ledger.recorded(T).expect("it can be read");
    let first = view.next();
    commit(&ledger, &owned, heads((0..=255).map(|key| head_of(key, 3)).collect()));
    ledger.compact(&owned).expect("it merges under the view");
    let seen: Vec<_> = first.into_iter().chain(view).collect::<Result<_, _>>().expect("the old base is still open");
    assert_eq!(seen, expected);
    assert_eq!(rows(&ledger).expect("it can be read").len(), 256);
}

#[test]
fn what_changes_during_a_merge_stays_a_head() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (ledger, owned) = opened(dir.path());
    for round in 0..20u64 {
        commit(&ledger, &owned, heads((0..=255).map(|key| head_of(key, round)).collect()));
        std::thread::scope(|scope| {
            let merge = scope.spawn(|| ledger.compact(&owned).map(|_| ()));
            commit(&ledger, &owned, heads(vec![head_of(7, 1000 + round)]));
            merge.join().expect("it ends").expect("it merges");
        });
        let found = rows(&ledger).expect("it can be read");
        assert_eq!((found.len(), found[7].state, found[8].state), (256, StateHash(1000 + round), StateHash(round)));
    }
}

#[test]
fn batches_of_several_threads_keep_each_threads_order() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let ledger = SqliteLedger::open(dir.path()).expect("it opens");
    let tenants = ["a", "b", "c"];
    std::thread::scope(|scope| {
        for tenant in tenants {
            let ledger = &ledger;
            scope.spawn(move || {
                let owned = ledger.acquire(tenant).expect("it is free");
                let tickets: Vec<_> = (0..300).map(|n| ledger.submit(&owned, numbered(n)).expect("it is there")).collect();
                for (ticket, size) in tickets.into_iter().zip(1..) {
                    match ledger.wait(ticket) {
                        Ok(Settled::Committed(head)) => assert_eq!(head.size, size),
                        other => panic!("{other:?}"),
                    }
                }
            });
        }
    });
    for tenant in tenants {
        let Ok(Rows::Events(events)) = ledger.read(tenant, &Query::Events(PLAN)) else { panic!("no events") };
        let expected: Vec<_> = (0..300u64).map(|n| ChangeId(Digest::of(&n.to_be_bytes()))).collect();
        assert_eq!(events.into_iter().map(|(change, _)| change).collect::<Vec<_>>(), expected);
    }
}

/// A log with one intent and what follows it.
fn small_log(ledger: &SqliteLedger, owned: &Owned) -> LogHead {
    let key = CaseKey {
        target: "github".to_owned(),
        holder: "ada".to_owned(),
        subject: Subject::Grant,
        object: "repo:core".to_owned(),
    };
    let after = Some(Holding::default());
    let change = Change {
        reason: Reason { code: "joiner".to_owned(), text: "joined".to_owned() },
        record: "hr-1".to_owned(),
        ..Change::routine(T, key, ChangeKind::Grant, 1, None, after)
    };
    let run = RunId(1);
    let (basis, plan) = (PLAN.0, Some(PLAN));
    let row = RunRow { run, stage: Stage::Sealed, as_of: AT, began: AT, basis, plan, slice: 0, commits: true, amends: None };
    let mut salts = Salts::from_seed([5; 32]);
    let mut leaf = |event| Leaf::event(run, PLAN, &change, &event, false, None, &mut || salts.salt()).expect("it is canonical");
    let leaves = vec![
        Leaf::run_start(&row, "joiner@1.0.0", PLAN.0),
        leaf(Event::Intent { epoch: 1, attempt: 1, at: AT }),
        leaf(Event::Outcome { outcome: Outcome::Acked, at: AT }),
        leaf(Event::Confirmed { grade: Grade::E3, at: AT }),
    ];
    commit(ledger, owned, Batch { entries: Vec::new(), leaves })
}

#[test]
fn every_altered_byte_of_a_small_store_is_found_or_changes_nothing() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (ledger, owned) = opened(dir.path());
    let known = small_log(&ledger, &owned);
    let read = |ledger: &SqliteLedger| format!("{:?}", ledger.read(T, &Query::Leaves(0, 100)));
    let expected = read(&ledger);
    drop((ledger, owned));
    let image = tempfile::tempdir().expect("a temporary directory");
    let file = image.path().join("ledger.sqlite");
    let whole = fs::read(dir.path().join("ledger.sqlite")).expect("it is there");
    let (mut found, mut harmless) = (0, 0);
    // Zeros are free space, but for a few fields that are small anyway; the first page is mostly the text of the schema.
    for at in (0..whole.len()).filter(|at| whole[*at] != 0 && (*at >= 4096 || at % 7 == 0)) {
        let mut altered = whole.clone();
        altered[at] ^= 1 << (at % 8);
        fs::write(&file, &altered).expect("it is ours");
        let verdict = SqliteLedger::open_read_only(image.path()).map_err(|e| e.to_string()).and_then(|ledger| {
            verify(&ledger, known)?;
            Ok(read(&ledger))
        });
        match verdict {
            Err(_) => found += 1,
            Ok(read) => {
                assert_eq!(read, expected, "byte {at} was altered in silence");
                harmless += 1;
            }
        }
    }
    assert!(found > 1_000, "{found} found, {harmless} without effect on the log");
}
