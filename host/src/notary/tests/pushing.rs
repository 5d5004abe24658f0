//! Witnesses: every checkpoint arrives, in order, whatever fails on the way, and nobody waits for it.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::notary::{AppendOnlyFile, Pusher, Witness};

const LONG: Duration = Duration::from_secs(60);

/// Fails so many times, then keeps what it is given.
struct Shaky {
    failures: AtomicUsize,
    kept: Mutex<Vec<String>>,
}

impl Shaky {
    fn new(failures: usize) -> Arc<Self> {
        Arc::new(Shaky { failures: AtomicUsize::new(failures), kept: Mutex::default() })
    }
}

impl Witness for Shaky {
    fn name(&self) -> &str {
        "shaky"
    }

    fn push(&self, checkpoint: &str) -> io::Result<()> {
        let left = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_ok() {
            return Err(io::Error::other("nobody answers"));
        }
        self.kept.lock().unwrap().push(checkpoint.to_owned());
        Ok(())
    }
}

/// A log with a checkpoint after each of so many leaves.
fn signed(place: &Place, leaves: u64) -> Vec<String> {
    let (ledger, owned) = ledger_of([]);
    let sign = |number| {
        append(&ledger, &owned, number..number + 1);
        place.notary().sign(&ledger, T).unwrap().unwrap()
    };
    (0..leaves).map(sign).collect()
}

#[test]
fn every_checkpoint_arrives_in_order_after_failures_and_restarts() {
    let place = Place::new();
    let notes = signed(&place, 5);
    let notary = place.notary();
    let witness = Shaky::new(1);
    let pusher = Pusher::start(notary.history(), vec![witness.clone()]).unwrap();
    let lags = pusher.settle(LONG);
    assert_eq!((lags[0].checkpoints, &lags[0].problem), (0, &None));
    assert_eq!(*witness.kept.lock().unwrap(), notes);
    drop(pusher);
    // Another process goes on from there.
    let again = Shaky::new(0);
    let pusher = Pusher::start(notary.history(), vec![again.clone()]).unwrap();
    assert_eq!(pusher.settle(LONG)[0].checkpoints, 0);
    assert_eq!(again.kept.lock().unwrap().len(), 0);
    drop(pusher);
    // What says how far it has come was lost: everything comes again.
    fs::remove_file(notary.history().folder().join("pushed-shaky")).unwrap();
    let again = Shaky::new(0);
    let pusher = Pusher::start(notary.history(), vec![again.clone()]).unwrap();
    assert_eq!(pusher.settle(LONG)[0].checkpoints, 0);
    assert_eq!(*again.kept.lock().unwrap(), notes);
}

#[test]
fn a_witness_that_is_gone_holds_up_nobody_and_its_lag_is_told() {
    let place = Place::new();
    let dead = Shaky::new(usize::MAX);
    let file = place.store.path().join("witnessed");
    let notary = place.notary();
    let witnesses: Vec<Arc<dyn Witness>> = vec![dead, Arc::new(AppendOnlyFile::new("file", &file))];
    let pusher = Pusher::start(notary.history(), witnesses).unwrap();
    let notes = signed(&place, 3);
    let lags = pusher.settle(Duration::from_secs(2));
    assert_eq!((lags[0].checkpoints, lags[0].problem.as_deref()), (3, Some("nobody answers")));
    let lags = pusher.settle(Duration::from_millis(10));
    assert_eq!((lags[1].checkpoints, &lags[1].problem), (0, &None));
    let lines = fs::read_to_string(&file).unwrap();
    let kept: Vec<String> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(kept, notes);
}

#[cfg(unix)]
#[test]
fn the_systems_log_gets_datagrams_of_rfc_5424() {
    use crate::notary::Syslog;
    let place = Place::new();
    let notes = signed(&place, 2);
    let path = place.store.path().join("log");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    let pusher = Pusher::start(place.notary().history(), vec![Arc::new(Syslog::new("syslog", &path))]).unwrap();
    assert_eq!(pusher.settle(LONG)[0].checkpoints, 0);
    for note in notes {
        let mut bytes = [0; 4_096];
        let length = socket.recv(&mut bytes).unwrap();
        let message = str::from_utf8(&bytes[..length]).unwrap();
        // PRI and version, no time, no host, the application, no process, the kind, no data.
        let text = message.strip_prefix("<109>1 - - trueup - checkpoint - ").unwrap();
        assert_eq!(serde_json::from_str::<String>(text).unwrap(), note);
        assert!(!message.contains('\n'));
    }
}

#[test]
fn names_of_witnesses_name_files() {
    struct Named(&'static str);
    impl Witness for Named {
        fn name(&self) -> &str {
            self.0
        }
        fn push(&self, _: &str) -> io::Result<()> {
            Ok(())
        }
    }
    let place = Place::new();
    for name in ["", "../x", "a/b", "a b", "ä"] {
        assert!(Pusher::start(place.notary().history(), vec![Arc::new(Named(name))]).is_err(), "{name:?}");
    }
}
