//! The sink behind HTTP: what goes out, at least once, whatever the server does.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::delivering::Place;
use super::*;
use crate::export::{Envelope, ExportError, Form, Format, HttpSink, Sink};

const LONG: Duration = Duration::from_secs(60);

/// A server that refuses so many requests, and takes what comes then.
#[derive(Default)]
struct Server {
    refuses: AtomicUsize,
    taken: Mutex<Vec<(String, String)>>,
}

impl Server {
    fn start(refuses: usize) -> (Arc<Self>, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = Arc::new(Server { refuses: AtomicUsize::new(refuses), taken: Mutex::default() });
        let own = Arc::clone(&server);
        std::thread::spawn(move || listener.incoming().for_each(|stream| own.serve(stream.unwrap())));
        (server, address)
    }

    fn serve(&self, mut stream: TcpStream) {
        stream.set_read_timeout(Some(LONG)).unwrap();
        let (mut got, mut piece) = (Vec::new(), [0; 4_096]);
        let (head, body) = loop {
            let text = String::from_utf8_lossy(&got).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap();
                if body.len() == length.parse::<usize>().unwrap() {
                    break (head.to_owned(), body.to_owned());
                }
            }
            match stream.read(&mut piece) {
                Ok(read) if read > 0 => got.extend_from_slice(&piece[..read]),
                _ => return,
            }
        };
        let refused = self.refuses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if !refused {
            self.taken.lock().unwrap().push((head, body));
        }
        let answer: &[u8] = if refused { b"HTTP/1.1 503 Busy\r\n\r\n" } else { b"HTTP/1.1 204 No Content\r\n\r\n" };
        drop(stream.write_all(answer));
    }

    fn taken(&self) -> Vec<(String, String)> {
        self.taken.lock().unwrap().clone()
    }
}

fn sink(address: SocketAddr, envelope: Envelope) -> HttpSink {
    HttpSink::new("far", &format!("http://{address}/events"), envelope).unwrap()
}

fn form(format: Format, envelope: Envelope) -> Form {
    Form { format, envelope, states: false }
}

#[test]
fn events_go_as_lines_or_as_a_batch_and_come_again_until_they_were_taken() {
    for envelope in [Envelope::None, Envelope::CloudEvents] {
        let (server, address) = Server::start(1);
        let place = Place::new();
        place.log.append((1..=5).map(confirmed));
        let form = form(Format::Leaf, envelope);
        let exporter = place.start(Arc::new(sink(address, envelope)), form);
        let lags = exporter.settle(LONG).unwrap();
        assert_eq!((lags[0].leaves, &lags[0].problem), (0, &None));
        let [(head, body)] = server.taken().try_into().unwrap();
        let texts: Vec<String> = place.log.events(&form).into_iter().map(|event| event.text).collect();
        let (media, expected) = match envelope {
            Envelope::None => ("application/x-ndjson", texts.join("\n") + "\n"),
            Envelope::CloudEvents => ("application/cloudevents-batch+json", format!("[{}]", texts.join(","))),
        };
        assert!(head.starts_with("POST /events HTTP/1.1\r\n") && head.contains(&format!("Content-Type: {media}\r\n")), "{head}");
        assert_eq!(body, expected);
        // Another process goes on behind what was taken.
        drop(exporter);
        place.log.append([confirmed(6)]);
        assert_eq!(place.start(Arc::new(sink(address, envelope)), form).settle(LONG).unwrap()[0].leaves, 0);
        assert_eq!(server.taken().len(), 2);
    }
}

#[test]
fn a_server_that_never_answers_holds_up_no_commit_and_its_lag_and_problem_are_told() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = Place::new();
    let sink = sink(silent.local_addr().unwrap(), Envelope::None).waiting(Duration::from_millis(300));
    let exporter = place.start(Arc::new(sink), form(Format::Leaf, Envelope::None));
    // Each append returns when it is durable.
    for number in 1..=50 {
        assert_eq!(place.log.append([confirmed(number)]), u64::from(number));
        exporter.ring();
    }
    let mut problem = None;
    for _ in 0..200 {
        let lags = exporter.settle(Duration::from_millis(100)).unwrap();
        assert_eq!(lags[0].leaves, 50);
        problem = lags[0].problem.clone();
        if problem.is_some() {
            break;
        }
    }
    assert!(problem.is_some_and(|problem| problem.starts_with("sink `far` takes no events: ")));
}

#[test]
fn what_is_too_much_for_one_request_goes_in_several_and_in_order() {
    let (server, address) = Server::start(0);
    let event = |index: u64, bytes: usize| {
        let text = format!("{{\"at\":{index},\"x\":\"{}\"}}", "x".repeat(bytes));
        Event { index, id: format!("{ORIGIN}/{index}"), text }
    };
    let most = crate::limits::EXPORT_POST_BYTES;
    // One that has no room beside others, one that is too much by itself, and small ones.
    let events: Vec<Event> =
        [10, most - 100, 10, most + 5, 10, 10].into_iter().zip(0..).map(|(bytes, index)| event(index, bytes)).collect();
    sink(address, Envelope::CloudEvents).deliver(&events).unwrap();
    let lists: Vec<Vec<serde_json::Value>> = server.taken().iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect();
    let places: Vec<Vec<u64>> =
        lists.iter().map(|list| list.iter().map(|event| event["at"].as_u64().unwrap()).collect()).collect();
    assert_eq!(places, [vec![0, 1, 2], vec![3], vec![4, 5]]);
    let all: BTreeSet<u64> = places.concat().into_iter().collect();
    assert_eq!(all.len(), events.len());
}

#[test]
fn an_address_that_needs_tls_or_a_look_up_is_refused() {
    for url in ["https://127.0.0.1/x", "http://example.com/", "", "http://127.0.0.1/a b"] {
        let refused = HttpSink::new("far", url, Envelope::None);
        assert!(matches!(refused, Err(ExportError::Address { .. })), "{url}: {refused:?}");
    }
}
