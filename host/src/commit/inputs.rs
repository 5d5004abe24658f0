//! What the driver waits for: answers of targets, looks at what a denial covers, and one batch on its way to the ledger.
//! Knows how to wait, not what an input means.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{FuturesUnordered, Stream};

use super::{Answer, CommitError, Slot};
use crate::ledger::{Batch, Ledger, Owned, Settled, Ticket};
use crate::model::{CaseKey, Denial, Holding};
use crate::target::ReadError;
use crate::telemetry::{Span, stage};

pub(super) type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What one holder has in the targets that a denial names, or why that cannot be said.
pub(super) type Held = (Denial, Vec<(CaseKey, Holding)>, Vec<ReadError>);

/// What comes in.
pub(super) enum Input {
    /// A target answered.
    Answer(Slot, Answer),
    /// What a denial covers was looked up.
    Held(Held),
    /// The batch on its way is durable.
    Durable,
    /// It is time to look again.
    Woken,
}

/// A batch on its way: looked at in passing, or, once there is nothing else to do, waited for on a thread of its own.
enum Flush {
    Submitted(Ticket),
    Waiting(tokio::task::JoinHandle<Ticket>),
}

/// Everything that is under way.
pub(super) struct Inputs<'a> {
    ledger: &'a dyn Ledger,
    owned: &'a Owned,
    calls: FuturesUnordered<Pending<'a, (Slot, Answer)>>,
    looks: FuturesUnordered<Pending<'a, Held>>,
    flush: Option<Flush>,
    /// Of the batch on its way.
    span: Option<Span>,
}

impl<'a> Inputs<'a> {
    pub(super) fn new(ledger: &'a dyn Ledger, owned: &'a Owned) -> Self {
        Inputs { ledger, owned, calls: FuturesUnordered::new(), looks: FuturesUnordered::new(), flush: None, span: None }
    }

    pub(super) fn call(&self, call: Pending<'a, (Slot, Answer)>) {
        self.calls.push(call);
    }

    pub(super) fn look(&self, look: Pending<'a, Held>) {
        self.looks.push(look);
    }

    /// Whether a denial is being looked up.
    pub(super) fn looks(&self) -> bool {
        !self.looks.is_empty()
    }

    /// Whether no target is asked anything and no batch is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.looks.is_empty() && self.flush.is_none()
    }

    /// Whether a batch may be submitted.
    pub(super) const fn may_submit(&self) -> bool {
        self.flush.is_none()
    }

    pub(super) fn submit(&mut self, batch: Batch) -> Result<(), CommitError> {
        let span = stage!("slice", events = batch.entries.len() as u64, leaves = batch.leaves.len() as u64);
        self.flush = Some(Flush::Submitted(self.ledger.submit(self.owned, batch)?));
        self.span = Some(span);
        Ok(())
    }

    /// What has come in already.
    pub(super) async fn ready(&mut self) -> Result<Option<Input>, CommitError> {
        poll_fn(|cx| Poll::Ready(self.poll(cx).transpose())).await
    }

    /// Waits for what comes in next: at the latest until `other` returns.
    pub(super) async fn next(&mut self, mut other: Pending<'_, ()>) -> Result<Input, CommitError> {
        self.wait_for_flush();
        poll_fn(|cx| match self.poll(cx) {
            Some(input) => Poll::Ready(input),
            None => other.as_mut().poll(cx).map(|()| Ok(Input::Woken)),
        })
        .await
    }

    /// Waits for the batch on its way, if there is one.
    pub(super) async fn flushed(&mut self) -> Result<(), CommitError> {
        self.wait_for_flush();
        match self.flush.take() {
            None => Ok(()),
            Some(Flush::Submitted(ticket)) => self.settle(ticket),
            Some(Flush::Waiting(waiting)) => self.settle(waiting.await.map_err(|_| CommitError::NotDurable)?),
        }
    }

    /// From now on a thread waits for the batch on its way, unless it is settled already.
    fn wait_for_flush(&mut self) {
        let Some(Flush::Submitted(ticket)) = &mut self.flush else { return };
        if ticket.is_settled() {
            return;
        }
        if let Some(Flush::Submitted(mut ticket)) = self.flush.take() {
            let waiting = tokio::task::spawn_blocking(move || {
                ticket.block();
                ticket
            });
            self.flush = Some(Flush::Waiting(waiting));
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Option<Result<Input, CommitError>> {
        // The ledger first: targets that answer at once would leave it idle.
        if let Some(settled) = self.poll_flush(cx) {
            return Some(settled.and_then(|ticket| self.settle(ticket)).map(|()| Input::Durable));
        }
        if let Poll::Ready(Some(held)) = Pin::new(&mut self.looks).poll_next(cx) {
            return Some(Ok(Input::Held(held)));
        }
        match Pin::new(&mut self.calls).poll_next(cx) {
            Poll::Ready(Some((slot, answer))) => Some(Ok(Input::Answer(slot, answer))),
            _ => None,
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Option<Result<Ticket, CommitError>> {
        match self.flush.take()? {
            Flush::Submitted(mut ticket) => {
                if ticket.is_settled() {
                    return Some(Ok(ticket));
                }
                self.flush = Some(Flush::Submitted(ticket));
                None
            }
            Flush::Waiting(mut waiting) => match Pin::new(&mut waiting).poll(cx) {
                Poll::Ready(ticket) => Some(ticket.map_err(|_| CommitError::NotDurable)),
                Poll::Pending => {
                    self.flush = Some(Flush::Waiting(waiting));
                    None
                }
            },
        }
    }

    fn settle(&mut self, ticket: Ticket) -> Result<(), CommitError> {
        drop(self.span.take());
        match self.ledger.wait(ticket)? {
            Settled::Committed(_) => Ok(()),
            Settled::Fenced => Err(CommitError::Fenced),
            Settled::Unknown(id) if self.ledger.resolve(self.owned, id)? => Ok(()),
            Settled::Unknown(_) => Err(CommitError::NotDurable),
        }
    }
}
