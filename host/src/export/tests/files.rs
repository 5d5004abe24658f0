//! The sink that is a file: its end after a crash, how it is put aside, and what it refuses to be.

use std::fs;

use super::*;
use crate::export::{FileSink, Sink};

fn event(index: u64) -> Event {
    Event { index, id: format!("{ORIGIN}/{index}"), text: format!("{{\"index\":{index}}}") }
}

fn lines(range: std::ops::Range<u64>) -> String {
    range.map(|index| format!("{}\n", event(index).text)).collect()
}

fn events(range: std::ops::Range<u64>) -> Vec<Event> {
    range.map(event).collect()
}

#[test]
fn what_a_crash_left_of_a_line_is_removed_and_all_before_it_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events");
    let sink = FileSink::new("file", &path);
    sink.deliver(&events(0..3)).unwrap();
    let whole = fs::read(&path).unwrap();
    assert_eq!(whole, lines(0..3).as_bytes());
    // Cut at every byte of the last line.
    for cut in lines(0..2).len()..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        sink.deliver(&events(2..4)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), lines(0..4), "cut at {cut}");
    }
    // The system made it longer and did not write.
    fs::write(&path, [&whole[..], &[0; 100]].concat()).unwrap();
    sink.deliver(&events(3..4)).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), lines(0..4));
}

#[test]
fn a_file_of_something_else_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes");
    for text in ["my notes", "a\nb", &format!("{{{}", "x".repeat(crate::limits::EVENT_BYTES + 1))] {
        fs::write(&path, text).unwrap();
        assert!(FileSink::new("file", &path).deliver(&events(0..1)).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[cfg(unix)]
#[test]
fn a_link_a_pipe_or_a_folder_is_no_sink() {
    let folder = tempfile::tempdir().unwrap();
    let (path, elsewhere) = (folder.path().join("events"), folder.path().join("elsewhere"));
    let refused = || {
        let refused = FileSink::new("file", &path).deliver(&events(0..1)).unwrap_err();
        assert!(refused.to_string().contains("no plain file"), "{refused}");
    };
    fs::write(&elsewhere, "{\"not\":\"ours").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    refused();
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "{\"not\":\"ours");
    fs::remove_file(&elsewhere).unwrap();
    refused();
    assert!(!elsewhere.exists(), "nothing was made where the link leads");
    fs::remove_file(&path).unwrap();
    // A socket stands for whatever is neither file nor folder.
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    refused();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused();
}

#[cfg(unix)]
#[test]
fn a_new_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events");
    FileSink::new("file", &path).deliver(&events(0..1)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_large_file_is_put_aside_whole_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events");
    let sink = FileSink::new("file", &path).put_aside_at(20);
    fs::write(folder.path().join("events.2"), "somebody's").unwrap();
    for index in 0..6 {
        sink.deliver(&events(index..index + 1)).unwrap();
    }
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!((read("events.2"), read("events.2.1")), ("somebody's".to_owned(), lines(0..2)));
    assert_eq!((read("events.4"), read("events")), (lines(2..4), lines(4..6)));
    // Delivered again after its cursor was lost.
    for index in 2..6 {
        sink.deliver(&events(index..index + 1)).unwrap();
    }
    assert_eq!((read("events.4"), read("events.4.1")), (lines(2..4), lines(2..4)));
}
