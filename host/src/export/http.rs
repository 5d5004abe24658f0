//! A sink behind plain HTTP: events are the body of a POST, many at once. Owns how they are put together; one request is for `post`.

use std::io;

use super::{Envelope, Event, ExportError, Sink};
use crate::limits::{EXPORT_PATIENCE_SECONDS, EXPORT_POST_BYTES};
use crate::post::{Post, shown};

/// A sink that is sent events by POST. It has them once it answers with a status from 200 to 299.
#[derive(Debug)]
pub struct HttpSink {
    name: String,
    post: Post,
    body: Body,
}

/// What events are put together as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    /// A line for each.
    Lines,
    /// One list, as CloudEvents are batched.
    List,
}

impl HttpSink {
    /// At an address such as `http://127.0.0.1:8080/events`, whose host is `localhost` or an IP address: TLS and names are for a proxy on
    /// this host. Events without an envelope go as JSON Lines (`application/x-ndjson`), CloudEvents as a batch
    /// (`application/cloudevents-batch+json`).
    ///
    /// # Errors
    /// When it is another kind of address.
    pub fn new(name: &str, url: &str, envelope: Envelope) -> Result<Self, ExportError> {
        let wrong = |problem| ExportError::Address { url: shown(url), problem };
        let post = Post::to(url, EXPORT_PATIENCE_SECONDS).map_err(wrong)?;
        let body = if envelope == Envelope::CloudEvents { Body::List } else { Body::Lines };
        Ok(HttpSink { name: name.to_owned(), post, body })
    }

    /// Waits this long for an answer.
    #[cfg(test)]
    pub(super) fn waiting(self, patience: std::time::Duration) -> Self {
        HttpSink { post: self.post.waiting(patience), ..self }
    }
}

impl Sink for HttpSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver(&self, events: &[Event]) -> io::Result<()> {
        let mut rest = events;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(fitting(rest));
            self.post.send(self.body.media(), &self.body.of(now))?;
            rest = later;
        }
        Ok(())
    }
}

/// How many of these events go at once: as many as have room, and one at least.
fn fitting(events: &[Event]) -> usize {
    let mut bytes = 0;
    let fits = events.iter().take_while(|event| {
        bytes += event.text.len() + 1;
        bytes <= EXPORT_POST_BYTES
    });
    fits.count().max(1)
}

impl Body {
    const fn media(self) -> &'static str {
        match self {
            Self::Lines => "application/x-ndjson",
            Self::List => "application/cloudevents-batch+json",
        }
    }

    fn of(self, events: &[Event]) -> String {
        let texts: Vec<&str> = events.iter().map(|event| event.text.as_str()).collect();
        match self {
            Self::Lines => texts.join("\n") + "\n",
            Self::List => format!("[{}]", texts.join(",")),
        }
    }
}
