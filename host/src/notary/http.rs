//! A witness behind plain HTTP: each checkpoint is the body of a POST. Owns one request and what of an answer is read; TLS is
//! for a proxy on this host, so that no client and no certificates are part of trueup.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::{NotaryError, Witness};
use crate::limits::{HTTP_ANSWER_BYTES, WITNESS_PATIENCE_SECONDS};

/// What the address of such a witness begins with.
const SCHEME: &str = "http://";

/// A witness that is sent each checkpoint by POST. It has it once it answers with a status from 200 to 299.
#[derive(Debug)]
pub struct HttpWitness {
    name: String,
    /// As the request names it.
    host: String,
    address: SocketAddr,
    path: String,
    patience: Duration,
}

impl HttpWitness {
    /// At an address such as `http://127.0.0.1:8080/checkpoints`. The host is `localhost` or an IP address: names are for the
    /// proxy to look up, because looking one up has no time limit.
    ///
    /// # Errors
    /// When it is another kind of address.
    pub fn new(name: &str, url: &str) -> Result<Self, NotaryError> {
        let wrong = |problem| NotaryError::Address { url: shown(url), problem };
        let rest =
            url.strip_prefix(SCHEME).ok_or(wrong("it does not begin with `http://`; leave TLS to a proxy on this host"))?;
        if rest.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(wrong("it has spaces or letters that need an escape"));
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
        let address = address.ok_or(wrong("its host is no IP address and not `localhost`"))?;
        let path = if path.is_empty() { "/" } else { path }.to_owned();
        let patience = Duration::from_secs(WITNESS_PATIENCE_SECONDS);
        Ok(HttpWitness { name: name.to_owned(), host: host.to_owned(), address, path, patience })
    }

    /// Waits this long for an answer.
    #[cfg(test)]
    pub(super) fn waiting(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

impl Witness for HttpWitness {
    fn name(&self) -> &str {
        &self.name
    }

    fn push(&self, checkpoint: &str) -> io::Result<()> {
        let deadline = Deadline::after(self.patience);
        let mut stream = TcpStream::connect_timeout(&self.address, deadline.left()?)?;
        let HttpWitness { host, path, .. } = self;
        let length = checkpoint.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{checkpoint}"
        );
        let mut unsent = request.as_bytes();
        while !unsent.is_empty() {
            stream.set_write_timeout(Some(deadline.left()?))?;
            let sent = stream.write(unsent)?;
            if sent == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            unsent = unsent.get(sent..).unwrap_or_default();
        }
        let status = status(&mut stream, &deadline)?;
        match status {
            200..=299 => Ok(()),
            other => Err(io::Error::other(format!("it answered with status {other}"))),
        }
    }
}

/// As much of a URL as may be printed: not its user, and not what may be a token.
fn shown(url: &str) -> String {
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

/// When one push has to be over.
struct Deadline(Instant);

impl Deadline {
    #[expect(clippy::disallowed_methods, reason = "how long a witness is waited for; nothing depends on it")]
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
