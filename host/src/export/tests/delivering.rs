//! Sinks that fail, block and crash, and cursors that somebody touched: each event arrives, and nobody waits for it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use super::*;
use crate::export::about::{About, Changes};
use crate::export::pushing::Source;
use crate::export::{Cursor, Export, ExportError, Exporter, FileSink, Form, Format, Sink, SinkLag};

const LONG: Duration = Duration::from_secs(60);

/// Keeps what it is given; so many times it says that it did not.
#[derive(Default)]
struct Shaky {
    failures: AtomicUsize,
    kept: Mutex<Vec<String>>,
}

impl Shaky {
    fn new(failures: usize) -> Arc<Self> {
        Arc::new(Shaky { failures: AtomicUsize::new(failures), kept: Mutex::default() })
    }

    fn kept(&self) -> Vec<String> {
        self.kept.lock().unwrap().clone()
    }
}

impl Sink for Shaky {
    fn name(&self) -> &str {
        "shaky"
    }

    fn deliver(&self, events: &[Event]) -> io::Result<()> {
        self.kept.lock().unwrap().extend(events.iter().map(|event| event.id.clone()));
        match self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Err(io::Error::other("killed before the cursor")),
            Err(_) => Ok(()),
        }
    }
}

pub(super) struct Place {
    folder: tempfile::TempDir,
    pub(super) log: Log,
}

impl Place {
    pub(super) fn new() -> Self {
        Place { folder: tempfile::tempdir().unwrap(), log: Log::new() }
    }

    pub(super) fn start(&self, sink: Arc<dyn Sink>, form: Form) -> Exporter {
        self.try_start(vec![Export::new(sink, form)], Arc::new(())).unwrap()
    }

    fn try_start(&self, exports: Vec<Export>, changes: Arc<dyn Changes>) -> Result<Exporter, ExportError> {
        let ledger = crate::export::Lent::new(Arc::clone(&self.log.ledger) as Arc<dyn Ledger>);
        let (tenant, origin) = (T.to_owned(), ORIGIN.to_owned());
        Exporter::start(Source { ledger, tenant, origin, changes, folder: self.folder.path().join("exports") }, exports)
    }

    fn cursor(&self, sink: &str) -> std::path::PathBuf {
        Cursor::path(&self.folder.path().join("exports"), sink)
    }
}

fn leaf() -> Form {
    Form { format: Format::Leaf, ..Form::default() }
}

fn ids(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|index| format!("{ORIGIN}/{index}")).collect()
}

#[test]
fn what_was_taken_and_not_noted_comes_again_under_the_same_ids() {
    let place = Place::new();
    place.log.append((1..=5).map(confirmed));
    let sink = Shaky::new(1);
    let exporter = place.start(sink.clone(), leaf());
    let lags = exporter.settle(LONG).unwrap();
    assert_eq!((lags[0].leaves, &lags[0].problem), (0, &None));
    assert_eq!(sink.kept(), [ids(0..5), ids(0..5)].concat());
    // Another process goes on from there, with nothing twice.
    drop(exporter);
    place.log.append([confirmed(6)]);
    let again = Shaky::new(0);
    assert_eq!(place.start(again.clone(), leaf()).settle(LONG).unwrap()[0].leaves, 0);
    assert_eq!(again.kept(), ids(5..6));
}

#[test]
fn a_cursor_that_somebody_touched_is_the_beginning() {
    let place = Place::new();
    place.log.append((1..=6).map(confirmed));
    let deliver = || {
        let sink = Shaky::new(0);
        assert_eq!(place.start(sink.clone(), leaf()).settle(LONG).unwrap()[0].leaves, 0);
        sink.kept()
    };
    assert_eq!(deliver(), ids(0..6));
    assert_eq!(deliver(), ids(0..0));
    let path = place.cursor("shaky");
    let sound = fs::read_to_string(&path).unwrap();
    let other = |next: u64| sound.replace("\"next\":6", &format!("\"next\":{next}"));
    let long = format!("{}{sound}", " ".repeat(5_000));
    let another = sound.replace(&sound[sound.len() - 40..sound.len() - 30], "0000000000");
    for text in ["", "7", "{}x", "\u{0}\u{0}", &other(7), &other(u64::MAX), &other(4), &long, &another] {
        fs::write(&path, text).unwrap();
        assert_eq!(deliver(), ids(0..6), "{text:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), sound, "{text:?}");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let lags = place.start(Shaky::new(0), leaf()).settle(Duration::from_secs(2)).unwrap();
    assert!(lags[0].leaves == 6 && lags[0].problem.is_some(), "{lags:?}");
}

#[test]
fn a_log_that_is_shorter_than_its_cursor_is_delivered_from_the_beginning() {
    let place = Place::new();
    place.log.append((1..=3).map(confirmed));
    assert_eq!(place.start(Shaky::new(0), leaf()).settle(LONG).unwrap()[0].leaves, 0);
    let restored = Place { log: Log::new(), ..place };
    restored.log.append([confirmed(9)]);
    let sink = Shaky::new(0);
    assert_eq!(restored.start(sink.clone(), leaf()).settle(LONG).unwrap()[0].leaves, 0);
    assert_eq!(sink.kept(), ids(0..1));
}

/// Takes nothing until it is opened.
#[derive(Default)]
struct Stuck {
    open: Mutex<bool>,
    opened: Condvar,
    given: AtomicUsize,
}

impl Sink for Stuck {
    fn name(&self) -> &str {
        "stuck"
    }

    fn deliver(&self, events: &[Event]) -> io::Result<()> {
        let mut open = self.open.lock().unwrap();
        while !*open {
            open = self.opened.wait(open).unwrap();
        }
        self.given.fetch_add(events.len(), Ordering::SeqCst);
        Ok(())
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long a test waits; nothing depends on it")]
fn a_sink_that_blocks_holds_up_neither_commits_nor_other_sinks_and_its_lag_is_told() {
    let place = Place::new();
    let (stuck, sink) = (Arc::new(Stuck::default()), Shaky::new(0));
    let exports = vec![Export::new(stuck.clone(), leaf()), Export::new(sink.clone(), leaf())];
    let exporter = place.try_start(exports, Arc::new(())).unwrap();
    // Each append returns when it is durable.
    for number in 1..=50 {
        assert_eq!(place.log.append([confirmed(number)]), u64::from(number));
        exporter.ring();
    }
    drop(exporter.settle(Duration::from_millis(500)).unwrap());
    let until = std::time::Instant::now() + LONG;
    while sink.kept().len() < 50 && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(sink.kept(), ids(0..50));
    let lags = exporter.lags().unwrap();
    assert_eq!((lags[0].sink.as_str(), lags[0].leaves, lags[1].leaves), ("stuck", 50, 0));
    *stuck.open.lock().unwrap() = true;
    stuck.opened.notify_all();
    assert_eq!(exporter.settle(LONG).unwrap()[0].leaves, 0);
    assert_eq!(stuck.given.load(Ordering::SeqCst), 50);
}

#[test]
fn whoever_only_looks_sees_the_lag_and_why() {
    let place = Place::new();
    place.log.append((1..=3).map(confirmed));
    let exporter = place.start(Shaky::new(usize::MAX), leaf());
    let told = exporter.settle(Duration::from_secs(2)).unwrap();
    drop(exporter);
    let folder = place.folder.path().join("exports");
    let seen = SinkLag::of(&folder, "shaky", &*place.log.ledger, T).unwrap();
    assert_eq!((seen.leaves, seen.problem.as_deref()), (3, Some("sink `shaky` takes no events: killed before the cursor")));
    assert_eq!(told, [seen]);
    let never = SinkLag::of(&folder, "never", &*place.log.ledger, T).unwrap();
    assert_eq!((never.leaves, never.problem), (3, None));
    // A success takes the problem away.
    assert_eq!(place.start(Shaky::new(0), leaf()).settle(LONG).unwrap()[0].problem, None);
}

#[test]
fn two_processes_do_not_deliver_to_one_sink_at_once() {
    let place = Place::new();
    place.log.append([confirmed(1)]);
    fs::create_dir(place.folder.path().join("exports")).unwrap();
    let lock = fs::File::create(place.folder.path().join("exports/shaky.lock")).unwrap();
    lock.lock().unwrap();
    let sink = Shaky::new(0);
    let lags = place.start(sink.clone(), leaf()).settle(Duration::from_secs(1)).unwrap();
    assert_eq!(lags[0].problem.as_deref(), Some("another process exports to sink `shaky`"));
    assert!(sink.kept().is_empty());
    drop(lock);
    assert_eq!(place.start(sink.clone(), leaf()).settle(LONG).unwrap()[0].leaves, 0);
    assert_eq!(sink.kept(), ids(0..1));
}

#[test]
fn names_of_sinks_name_files_and_are_used_once() {
    let place = Place::new();
    let named = |name: &str| Export::new(Arc::new(FileSink::new(name, place.folder.path())), leaf());
    for names in [vec![""], vec!["../x"], vec!["a b"], vec!["a", "a"]] {
        let exports = names.iter().map(|name| named(name)).collect();
        assert!(matches!(place.try_start(exports, Arc::new(())), Err(ExportError::Name { .. })), "{names:?}");
    }
}

/// Knows one change of the plan.
struct Known;

impl Changes for Known {
    fn look_up(&self, plan: PlanId, wanted: &BTreeSet<ChangeId>, tell: &mut dyn FnMut(ChangeId, About)) {
        assert_eq!((plan, wanted.len()), (PLAN, 1));
        let mut directory = crate::export::Directory::default();
        let log = Log::new();
        log.append([intent(8, ChangeKind::Create, case(Subject::Account, ""))]);
        let mut page = log.reader();
        drop(page.page(&Cursor::default(), &leaf(), 1).unwrap());
        directory.add(change(8), page.about(change(8)).unwrap());
        tell(change(8), directory.get(change(8)).unwrap().clone());
    }
}

#[test]
fn what_is_told_after_a_restart_still_says_who_it_is_about() {
    let place = Place::new();
    let file = place.folder.path().join("events");
    let sink = || -> Arc<dyn Sink> { Arc::new(FileSink::new("file", &file)) };
    let start = || place.try_start(vec![Export::new(sink(), Form::default())], Arc::new(Known)).unwrap();
    place.log.append([intent(1, ChangeKind::Grant, case(Subject::Grant, "team:ops"))]);
    assert_eq!(start().settle(LONG).unwrap()[0].leaves, 0);
    // The intent lies before the cursor; of the other change, only its plan tells.
    place.log.append([confirmed(1), ended(8, End::Failed)]);
    assert_eq!(start().settle(LONG).unwrap()[0].leaves, 0);
    let lines = fs::read_to_string(&file).unwrap();
    let events: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&events[0]["privileges"][0], &events[1]["class_uid"]), (&"team:ops".into(), &3001.into()));
    assert_eq!((events.len(), &events[1]["user"]["uid"]), (2, &"ada".into()));
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut directory = crate::export::Directory::default();
    let log = Log::new();
    log.append([intent(1, ChangeKind::Grant, case(Subject::Grant, "team:ops"))]);
    let mut reader = log.reader();
    drop(reader.page(&Cursor::default(), &leaf(), 1).unwrap());
    let about = reader.about(change(1)).unwrap();
    let id = |number: u32| {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        ChangeId(Digest(bytes))
    };
    for number in 0..100_000 {
        directory.add(id(number), about.clone());
    }
    assert_eq!(directory.len(), crate::limits::EXPORT_REMEMBERED_CHANGES);
    assert!(directory.get(id(99_999)).is_some() && directory.get(id(0)).is_none());
    let long = About { reason: "x".repeat(1 << 20), ..about };
    (0..100).for_each(|number| directory.add(id(200_000 + number), long.clone()));
    assert!(directory.len() <= 16, "{}", directory.len());
}
