//! A witness behind plain HTTP: each checkpoint is the body of a POST.

use std::io;

use super::{NotaryError, Witness};
use crate::limits::WITNESS_PATIENCE_SECONDS;
use crate::post::{Post, shown};

/// A witness that is sent each checkpoint by POST. It has it once it answers with a status from 200 to 299.
#[derive(Debug)]
pub struct HttpWitness {
    name: String,
    post: Post,
}

impl HttpWitness {
    /// At an address such as `http://127.0.0.1:8080/checkpoints`. The host is `localhost` or an IP address: names are for the
    /// proxy to look up, because looking one up has no time limit.
    ///
    /// # Errors
    /// When it is another kind of address.
    pub fn new(name: &str, url: &str) -> Result<Self, NotaryError> {
        let wrong = |problem| NotaryError::Address { url: shown(url), problem };
        Ok(HttpWitness { name: name.to_owned(), post: Post::to(url, WITNESS_PATIENCE_SECONDS).map_err(wrong)? })
    }

    /// Waits this long for an answer.
    #[cfg(test)]
    pub(super) fn waiting(self, patience: std::time::Duration) -> Self {
        HttpWitness { post: self.post.waiting(patience), ..self }
    }
}

impl Witness for HttpWitness {
    fn name(&self) -> &str {
        &self.name
    }

    fn push(&self, checkpoint: &str) -> io::Result<()> {
        self.post.send("text/plain; charset=utf-8", checkpoint)
    }
}
