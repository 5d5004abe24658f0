//! The system on its own: conditions, fences, refusals, listing.

use std::path::Path;

use super::{EmbeddedRow, EmbeddedTarget};
use crate::limits::PAGE_ROWS;
use crate::model::{CaseKey, Change, ChangeKind, Holding, Subject, Time};
use crate::target::{Target as _, Version, Write, WriteError, Written};

fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("runtime").block_on(future)
}

fn system() -> (tempfile::TempDir, EmbeddedTarget) {
    let folder = tempfile::tempdir().expect("folder");
    let target = EmbeddedTarget::open(&folder.path().join("crm.db"), "crm").expect("target");
    (folder, target)
}

fn key(subject: Subject, object: &str) -> CaseKey {
    CaseKey { target: "crm".into(), holder: "ada".into(), subject, object: object.into() }
}

fn change(key: CaseKey, after: Option<Holding>) -> Change {
    let kind = if after.is_some() { ChangeKind::Grant } else { ChangeKind::Revoke };
    Change::routine("acme", key, kind, 1, None, after)
}

fn write(target: &EmbeddedTarget, change: &Change, version: &str, fence: u64) -> Result<Written, WriteError> {
    let version = Version(version.to_owned());
    let (after, at) = (change.after.as_ref(), Time::from_seconds(9));
    now(target.write(Write { change, after, version: &version, list: &[], key: "", fence, at }))
}

#[test]
fn a_write_holds_only_under_the_version_that_was_read() {
    let (_folder, target) = system();
    let grant = change(key(Subject::Grant, "team:ops"), Some(Holding::default()));
    assert_eq!(write(&target, &grant, "0", 1), Ok(Written::default()));
    assert_eq!(write(&target, &grant, "0", 1), Err(WriteError::Precondition), "a duplicate of a request does nothing");
    let read = now(target.read(&grant.key)).expect("read");
    assert_eq!((read.state, read.version.0.as_str()), (Some(Holding::default()), "1"));
    target.foreign_edit(Time::from_seconds(5), Subject::Grant, "ben", "team:ops", Some(&Holding::default())).expect("edit");
    let revoke = change(grant.key, None);
    assert_eq!(write(&target, &revoke, "1", 1), Err(WriteError::Precondition), "somebody else changed the same resource");
    assert_eq!(write(&target, &revoke, "2", 1), Ok(Written::default()));
    let operations: Vec<_> = target.journal().expect("journal").into_iter().map(|row| (row.holder, row.operation)).collect();
    let expected = [("ada", "grant"), ("ben", "foreign"), ("ada", "revoke")].map(|(who, what)| (who.to_owned(), what.to_owned()));
    assert_eq!(operations, expected);
}

#[test]
fn v11_a_lower_fence_is_refused() {
    let (_folder, target) = system();
    let grant = change(key(Subject::Grant, "team:ops"), Some(Holding::default()));
    assert_eq!(write(&target, &grant, "0", 7), Ok(Written::default()));
    assert_eq!(write(&target, &change(grant.key, None), "1", 6), Err(WriteError::Fenced));
    assert_eq!(target.dump().expect("dump").len(), 1);
}

#[test]
fn what_the_system_forbids_is_rejected_and_nothing_written() {
    let (_folder, target) = system();
    let row = |subject, object: &str, via: &str| EmbeddedRow {
        subject,
        holder: "ada".into(),
        object: object.into(),
        holding: Holding::default(),
        last_used: Time::NONE,
        via: via.into(),
    };
    let rows = [row(Subject::Account, "", ""), row(Subject::Grant, "team:ops", ""), row(Subject::Grant, "repo:a", "team:ops")];
    assert_eq!(target.seed(rows).expect("seed"), 3);
    for (key, words) in [(key(Subject::Account, ""), "still holds 2"), (key(Subject::Grant, "repo:a"), "inherited from team:ops")]
    {
        match write(&target, &change(key, None), "0", 1) {
            Err(WriteError::Rejected { message }) => assert!(message.contains(words), "{message}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(target.dump().expect("dump").len(), 3);
}

#[test]
fn a_listing_is_whole_over_pages() {
    let (_folder, target) = system();
    let rows = (0..=PAGE_ROWS).map(|i| EmbeddedRow {
        subject: Subject::Grant,
        holder: format!("user{i:06}"),
        object: "team:ops".into(),
        holding: Holding { enabled: i % 2 == 0, ..Holding::default() },
        last_used: Time::from_seconds(i64::from(i)),
        via: String::new(),
    });
    target.seed(rows).expect("seed");
    let first = now(target.page(None)).expect("page");
    let second = now(target.page(first.next.as_ref())).expect("page");
    assert_eq!((first.facts.len(), second.facts.len()), (PAGE_ROWS as usize, 1));
    assert_eq!((first.total, second.total, second.next.is_none()), (None, Some(u64::from(PAGE_ROWS) + 1), true));
}

#[test]
fn a_file_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("other.db");
    for (what, make) in [("text", no_database as fn(&Path)), ("another program", other_program)] {
        make(&path);
        let bytes = std::fs::read(&path).expect("file");
        assert!(EmbeddedTarget::open(&path, "crm").is_err(), "{what}");
        assert_eq!(std::fs::read(&path).expect("file"), bytes, "{what}");
        std::fs::remove_file(&path).expect("remove");
    }
}

fn no_database(path: &Path) {
    std::fs::write(path, "an ordinary text, longer than a header of a database needs to be, so that it is looked at as one\n")
        .expect("file");
}

fn other_program(path: &Path) {
    let conn = rusqlite::Connection::open(path).expect("database");
    conn.execute_batch("CREATE TABLE theirs (a); PRAGMA application_id = 7;").expect("table");
}

#[test]
fn a_read_never_pairs_a_state_with_another_ones_version() {
    let (folder, target) = system();
    let other = EmbeddedTarget::open(&folder.path().join("crm.db"), "crm").expect("a second handle");
    let grant = key(Subject::Grant, "team:ops");
    std::thread::scope(|scope| {
        let editing = scope.spawn(|| {
            for i in 0..400 {
                let after = (i % 2 == 0).then(Holding::default);
                other.foreign_edit(Time::from_seconds(5), Subject::Grant, "ada", "team:ops", after.as_ref()).expect("edit");
            }
        });
        // Each edit turns it on or off and counts: odd versions are held, even ones are not.
        while !editing.is_finished() {
            let read = now(target.read(&grant)).expect("read");
            let version: u64 = read.version.0.parse().expect("a number");
            assert_eq!(read.state.is_some(), version % 2 == 1, "version {version}");
        }
    });
}

#[test]
fn a_busy_system_asks_to_wait() {
    let (folder, target) = system();
    target.conn().busy_timeout(std::time::Duration::ZERO).expect("timeout");
    let other = rusqlite::Connection::open(folder.path().join("crm.db")).expect("database");
    other.execute_batch("BEGIN IMMEDIATE").expect("lock");
    let grant = change(key(Subject::Grant, "team:ops"), Some(Holding::default()));
    assert_eq!(write(&target, &grant, "0", 1), Err(WriteError::Throttled { seconds: 1 }));
    other.execute_batch("ROLLBACK").expect("unlock");
    assert_eq!(write(&target, &grant, "0", 1), Ok(Written::default()));
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_panic() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("crm.db");
    let rows = (0..200).map(|i| EmbeddedRow {
        subject: Subject::Grant,
        holder: format!("user{i:03}"),
        object: "team:ops".into(),
        holding: Holding::default(),
        last_used: Time::NONE,
        via: String::new(),
    });
    EmbeddedTarget::open(&path, "crm").and_then(|target| target.seed(rows)).expect("seed");
    let sound = std::fs::read(&path).expect("file");
    let grant = change(key(Subject::Grant, "team:ops"), Some(Holding::default()));
    let mut refused = 0;
    for at in (0..sound.len()).step_by(61) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0xff;
        std::fs::write(&path, bytes).expect("file");
        let Ok(target) = EmbeddedTarget::open(&path, "crm") else {
            refused += 1;
            continue;
        };
        let _ = (target.dump(), target.journal(), now(target.page(None)), now(target.version()), now(target.read(&grant.key)));
        let _ = write(&target, &grant, "0", 1);
    }
    assert!(refused > 0, "some damage is seen at once");
}
