//! Servers that take a checkpoint, refuse it, answer nonsense, never answer and never end: only the first one has it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::super::http::HttpWitness;
use crate::notary::{NotaryError, Witness as _};

const NOTE: &str = "example.com/audit/acme\n1\nAAAA\n\n\u{2014} key AAAA\n";
const PATIENCE: Duration = Duration::from_millis(300);

/// Pushes a checkpoint to a server that answers like this; gives what came of it, and what the server got.
#[expect(clippy::disallowed_methods, reason = "how long a test waits; nothing depends on it")]
fn push(answer: impl FnOnce(&mut TcpStream) + Send) -> (Result<(), String>, String) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/log?tenant=acme", server.local_addr().unwrap());
    let witness = HttpWitness::new("far", &url).unwrap().waiting(PATIENCE);
    std::thread::scope(|scope| {
        let served = scope.spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let mut got = Vec::new();
            let mut piece = [0; 1_024];
            while !got.ends_with(NOTE.as_bytes()) {
                match stream.read(&mut piece).unwrap() {
                    0 => break,
                    read => got.extend_from_slice(&piece[..read]),
                }
            }
            answer(&mut stream);
            String::from_utf8(got).unwrap()
        });
        let began = Instant::now();
        let pushed = witness.push(NOTE).map_err(|error| error.to_string());
        assert!(began.elapsed() < 20 * PATIENCE, "it took {:?}", began.elapsed());
        (pushed, served.join().unwrap())
    })
}

#[test]
fn a_server_that_takes_it_gets_the_note_and_nothing_behind_the_status_is_read() {
    let (pushed, got) = push(|stream| stream.write_all(b"HTTP/1.1 202 Accepted\r\nA: b\r\n\r\nbody").unwrap());
    assert_eq!(pushed, Ok(()));
    let (head, body) = got.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, NOTE);
    assert!(head.starts_with("POST /log?tenant=acme HTTP/1.1\r\nHost: 127.0.0.1:"), "{head}");
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", NOTE.len())), "{head}");
}

#[test]
fn whatever_else_a_server_does_the_checkpoint_is_given_again_and_nobody_hangs() {
    let check = |answer: &'static [u8], expected: &str| {
        let (pushed, _) = push(|stream| drop(stream.write_all(answer)));
        assert_eq!(pushed.as_ref().map_err(String::as_str), Err(expected), "{}", String::from_utf8_lossy(answer));
    };
    check(b"HTTP/1.1 503 Busy\r\n\r\n", "it answered with status 503");
    check(b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\n\r\n", "it answered with status 302");
    check(b"HTTP/2 200\r\n\r\n", "its answer is not one of HTTP/1");
    check(b"HTTP/1.1 2000 OK\r\n\r\n", "its answer is not one of HTTP/1");
    check(b"\xff\xfe\x00\n", "its answer is not one of HTTP/1");
    check(b"", "it ended the connection without an answer");
    // A status line that never ends, at full speed.
    let (pushed, _) = push(|stream| while stream.write_all(&[b'x'; 4_096]).is_ok() {});
    assert_eq!(pushed, Err("its answer has no end".to_owned()));
    // The same a byte at a time, and no answer at all: the deadline is that of the whole push.
    let (pushed, _) = push(|stream| {
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(PATIENCE / 20);
        }
    });
    assert!(pushed.is_err(), "{pushed:?}");
    let (pushed, _) = push(|_| std::thread::sleep(2 * PATIENCE));
    assert!(pushed.is_err(), "{pushed:?}");
    // Nobody is there.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(HttpWitness::new("far", &format!("http://{nobody}")).unwrap().push(NOTE).is_err());
}

#[test]
fn addresses_that_need_tls_or_a_look_up_are_refused() {
    for url in [
        "https://127.0.0.1/x",
        "http://example.com/",
        "http://127.0.0.1:99999/",
        "http:///",
        "http://localhost:x/",
        "http://127.0.0.1/a b",
        "ftp://127.0.0.1",
    ] {
        let refused = HttpWitness::new("far", url);
        assert!(matches!(refused, Err(NotaryError::Address { .. })), "{url}: {refused:?}");
    }
    for url in [
        "http://127.0.0.1",
        "http://localhost:8080/x",
        "http://localhost",
        "http://[::1]:80/x",
        "http://[::1]/x",
        "http://10.0.0.1:1/",
    ] {
        assert!(HttpWitness::new("far", url).is_ok(), "{url}");
    }
}
