//! One request of HTTP: a POST to a fixed address, and what of its answer is read. Owns the address, the time that one may take, and
//! that there is no TLS: that is for a proxy on this host, so that no client and no certificates are part of trueup.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::limits::HTTP_ANSWER_BYTES;

/// What an address begins with.
const SCHEME: &str = "http://";

/// Where something is sent to.
#[derive(Debug)]
pub(crate) struct Post {
    /// As the request names it.
    host: String,
    address: SocketAddr,
    path: String,
    patience: Duration,
}

impl Post {
    /// To an address such as `http://127.0.0.1:8080/checkpoints`, each time within so many seconds. The host is `localhost` or an IP
    /// address: names are for the proxy to look up, because looking one up has no time limit. The error says what is wrong with it.
    pub(crate) fn to(url: &str, seconds: u64) -> Result<Self, &'static str> {
        let rest = url.strip_prefix(SCHEME).ok_or("it does not begin with `http://`; leave TLS to a proxy on this host")?;
        if rest.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err("it has spaces or letters that need an escape");
        }
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let local = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let plain = host.trim_start_matches('[').trim_end_matches(']');
        let address = match (host.parse::<SocketAddr>(), plain.parse::<IpAddr>(), host.strip_prefix("localhost")) {
            (Ok(address), ..) => Some(address),
            (_, Ok(ip), _) => Some(SocketAddr::new(ip, 80)),
            (_, _, Some("")) => Some(local(80)),
            (_, _, Some(port)) => port.strip_prefix(':').and_then(|port| port.parse().ok()).map(local),
            _ => None,
        };
        let address = address.ok_or("its host is no IP address and not `localhost`")?;
        let path = if path.is_empty() { "/" } else { path }.to_owned();
        Ok(Post { host: host.to_owned(), address, path, patience: Duration::from_secs(seconds) })
    }

    /// Waits this long for an answer.
    #[cfg(test)]
    pub(crate) fn waiting(self, patience: Duration) -> Self {
        Post { patience, ..self }
    }

    /// Sends a body of a media type. It has arrived once the server answers with a status from 200 to 299.
    pub(crate) fn send(&self, media: &str, body: &str) -> io::Result<()> {
        let deadline = Deadline::after(self.patience);
        let mut stream = TcpStream::connect_timeout(&self.address, deadline.left()?)?;
        let Post { host, path, .. } = self;
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {media}\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n"
        );
        // A small request goes as one piece.
        let request = head + body;
        let mut unsent = request.as_bytes();
        while !unsent.is_empty() {
            stream.set_write_timeout(Some(deadline.left()?))?;
            let sent = stream.write(unsent)?;
            if sent == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            unsent = unsent.get(sent..).unwrap_or_default();
        }
        match status(&mut stream, &deadline)? {
            200..=299 => Ok(()),
            other => Err(io::Error::other(format!("it answered with status {other}"))),
        }
    }
}

/// As much of a URL as may be printed: not its user, and not what may be a token.
pub(crate) fn shown(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let left = if rest.len() > host.len() { "…" } else { "" };
    if scheme.is_empty() { format!("{host}{left}") } else { format!("{scheme}://{host}{left}") }
}

/// The status of an answer: its first line is read and nothing behind it, whatever comes and however slowly.
fn status(stream: &mut TcpStream, deadline: &Deadline) -> io::Result<u16> {
    let mut line = Vec::new();
    let mut piece = [0; 128];
    while !line.contains(&b'\n') {
        if line.len() > HTTP_ANSWER_BYTES {
            return Err(io::Error::other("its answer has no end"));
        }
        stream.set_read_timeout(Some(deadline.left()?))?;
        match stream.read(&mut piece)? {
            0 => return Err(io::Error::other("it ended the connection without an answer")),
            read => line.extend_from_slice(piece.get(..read).unwrap_or_default()),
        }
    }
    let text = str::from_utf8(&line).ok().and_then(|text| text.split("\r\n").next()).unwrap_or_default();
    let mut words = text.splitn(3, ' ');
    let http = words.next().is_some_and(|version| version == "HTTP/1.1" || version == "HTTP/1.0");
    let digits = words.next().filter(|digits| http && digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| io::Error::other("its answer is not one of HTTP/1"))
}

/// When one request has to be over.
struct Deadline(Instant);

impl Deadline {
    #[expect(clippy::disallowed_methods, reason = "how long a server is waited for; nothing depends on it")]
    fn after(patience: Duration) -> Self {
        Deadline(Instant::now() + patience)
    }

    /// What is left until then; an error when nothing is.
    #[expect(clippy::disallowed_methods, reason = "as above")]
    fn left(&self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::Error::new(io::ErrorKind::TimedOut, "it took too long")) } else { Ok(left) }
    }
}
