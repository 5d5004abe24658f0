//! Performs what the core asks for: calls to targets side by side, batches to the ledger one after the other, waiting on the
//! clock. Decides nothing.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use super::desk::{Desk, emergency_plan, reduce};
use super::{Answer, Ask, Call, Clock, Core, Event, Flow, IllegalEvent, Moment, Outcomes, Slot, Terms};
use crate::audit::Salts;
use crate::ledger::{Ledger, LedgerError, Opening, Owned, RunRow, Settled, Ticket};
use crate::model::{CaseKey, Change, ChangeId, Denial, Holding, PlanId};
use crate::progress::Observer;
use crate::target::{ReadError, SecretSink, Target, Write};

/// Everything that committing a plan needs, besides its changes.
pub struct Commit<'a> {
    /// The plan.
    pub plan: PlanId,
    /// How many changes it has, for progress.
    pub changes: u64,
    /// The run: checkpoints carry it, with the next slice.
    pub run: RunRow,
    /// Changes per slice.
    pub slice: u32,
    /// How much goes side by side.
    pub flow: Flow,
    /// Targets by name. Changes of others stay open.
    pub targets: &'a BTreeMap<String, Arc<dyn Target>>,
    /// Where events become durable.
    pub ledger: &'a dyn Ledger,
    /// The right to write there; its epoch fences the targets.
    pub owned: &'a Owned,
    /// Gates that somebody opened.
    pub openings: &'a [Opening],
    /// Denials, lifted ones too.
    pub denials: &'a [Denial],
    /// Where emergency calls come in.
    pub desk: &'a dyn Desk,
    /// Where issued secret material goes; none: nothing can be issued that has any.
    pub sink: Option<&'a dyn SecretSink>,
    /// Events of this plan that are durable already, in the order of being recorded.
    pub events: Vec<(ChangeId, Event)>,
    /// Its changes of unknown effect with their places: see [`Core::in_doubt`].
    pub in_doubt: Vec<(u64, Change)>,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Is told of each step.
    pub observer: &'a dyn Observer,
    /// Salts for the commitments of the audit log.
    pub salts: &'a mut Salts,
}

/// Why committing stopped. Whatever is durable stays so: the same plan can be committed again and goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The plan cannot be read any further.
    #[error("cannot read the plan")]
    Plan(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The plan's changes are not in the order of waves and steps.
    #[error("the plan is out of order at change `{change}`")]
    Order {
        /// The change.
        change: ChangeId,
    },
    /// A change of a plan is in the emergency lane, which only a call opens (V28): somebody else wrote that plan.
    #[error("change `{change}` of the plan is in the emergency lane, which no plan opens")]
    Lane {
        /// The change.
        change: ChangeId,
    },
    /// A change names no case of recorded state.
    #[error("change `{change}` has no valid recorded key: `{found}`")]
    RecordedKey {
        /// The change.
        change: ChangeId,
        /// What it has instead.
        found: String,
    },
    /// The stored events of a change contradict each other.
    #[error("the ledger contradicts itself about change `{change}`")]
    Contradiction {
        /// The change.
        change: ChangeId,
        /// How.
        source: IllegalEvent,
    },
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger lost a batch before anything that it held the intents of was sent.
    #[error("the ledger did not take the last batch, of which nothing was sent; start again to go on")]
    NotDurable,
    /// Another writer took over.
    #[error("another writer took over; this one has stopped")]
    Fenced,
    /// A change waits for nothing that can happen: a mistake of trueup's.
    #[error("change `{change}` waits for nothing that can happen; start again to go on")]
    Stuck {
        /// The change.
        change: ChangeId,
    },
}

type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What one holder has in the targets that a denial names, or why that cannot be said.
type Held = (Denial, Vec<(CaseKey, Holding)>, Vec<ReadError>);

/// What comes in.
enum Input {
    Answer(Slot, Answer),
    Held(Held),
    Durable,
    Woken,
}

impl Commit<'_> {
    /// Commits the plan's changes, which come in plan order.
    ///
    /// # Errors
    /// See [`CommitError`]. A target that fails is no error: its changes stay open.
    pub async fn run<E>(self, changes: impl Iterator<Item = Result<Change, E>> + Send) -> Result<Outcomes, CommitError>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let Commit { plan, ledger, owned, targets, clock, desk, sink, observer, salts, .. } = self;
        let terms = Terms {
            plan,
            changes: self.changes,
            run: self.run,
            slice: self.slice,
            epoch: owned.epoch(),
            flow: self.flow,
            profiles: targets.iter().map(|(name, target)| (name.clone(), target.profile().clone())).collect(),
            openings: self.openings.to_vec(),
            denials: self.denials.to_vec(),
            events: self.events,
        };
        let mut core = Core::new(terms, salts, moment(clock))?;
        for (index, change) in self.in_doubt {
            core.offer(index, change)?;
        }
        let work = Work { targets, ledger, owned, clock, desk, sink, calls: Vec::new(), looks: Vec::new(), ticket: None };
        work.run(core, Offer { changes, next: 0, ended: false, place: None }, observer).await
    }
}

/// The changes of a plan, as they are offered.
struct Offer<I> {
    changes: I,
    next: u64,
    ended: bool,
    place: Option<(crate::model::Wave, u16)>,
}

impl<I> Offer<I> {
    /// Offers changes while there is room. A plan that cannot be read ends there, with what is known made durable first.
    fn fill<E>(&mut self, core: &mut Core<'_>) -> Result<(), CommitError>
    where
        I: Iterator<Item = Result<Change, E>>,
        E: std::error::Error + Send + Sync + 'static,
    {
        while !self.ended && core.room() > 0 {
            let Some(change) = self.changes.next() else {
                self.ended = true;
                core.end_of_plan(self.next);
                break;
            };
            let change = change.map_err(|error| CommitError::Plan(Box::new(error)))?;
            let place = Some((change.wave, change.step));
            if place < self.place {
                return Err(CommitError::Order { change: change.id });
            }
            self.place = place;
            core.offer(self.next, change)?;
            self.next += 1;
        }
        Ok(())
    }
}

/// What is under way.
struct Work<'a> {
    targets: &'a BTreeMap<String, Arc<dyn Target>>,
    ledger: &'a dyn Ledger,
    owned: &'a Owned,
    clock: &'a dyn Clock,
    desk: &'a dyn Desk,
    sink: Option<&'a dyn SecretSink>,
    calls: Vec<Pending<'a, (Slot, Answer)>>,
    looks: Vec<Pending<'a, Held>>,
    ticket: Option<Flush>,
}

/// A batch on its way: settled already, or waited for on a thread of its own.
enum Flush {
    Settled(Ticket),
    Waiting(tokio::task::JoinHandle<Ticket>),
}

impl<'a> Work<'a> {
    async fn run<E, I>(
        mut self,
        mut core: Core<'_>,
        mut offer: Offer<I>,
        observer: &dyn Observer,
    ) -> Result<Outcomes, CommitError>
    where
        I: Iterator<Item = Result<Change, E>>,
        E: std::error::Error + Send + Sync + 'static,
    {
        loop {
            for denial in self.desk.take() {
                core.announce(&denial);
                self.look(denial);
            }
            let filled = offer.fill(&mut core);
            if let Err(error) = filled {
                // What is already known must not be lost to a plan that cannot be read.
                self.flush(&mut core).await?;
                return Err(error);
            }
            for call in core.step(moment(self.clock))? {
                let call = perform(self.targets, self.sink, call);
                self.calls.push(call);
            }
            core.tell().iter().for_each(|told| observer.on(told));
            // Whoever left without an event made room, and nothing else would wake this loop.
            if !offer.ended && core.room() > 0 {
                continue;
            }
            if offer.ended && core.is_over() && self.looks.is_empty() {
                return Ok(core.finish());
            }
            let input = match self.ready().await {
                Some(input) => input,
                None => {
                    if self.ticket.is_none() && self.submit(&mut core)? {
                        continue;
                    }
                    self.next(&core).await?
                }
            };
            self.take(&mut core, input)?;
        }
    }

    /// Feeds one input to the core.
    fn take(&mut self, core: &mut Core<'_>, input: Input) -> Result<(), CommitError> {
        match input {
            Input::Answer(slot, answer) => core.answer(slot, answer, moment(self.clock)),
            Input::Durable => {
                core.durable();
                Ok(())
            }
            Input::Held((denial, held, errors)) => self.deny(core, denial, held, &errors),
            Input::Woken => Ok(()),
        }
    }

    /// Starts to look up what a denial takes away.
    fn look(&mut self, denial: Denial) {
        let targets: Vec<Arc<dyn Target>> = self
            .targets
            .iter()
            .filter(|(name, _)| denial.target.is_empty() || denial.target == **name)
            .map(|(_, target)| Arc::clone(target))
            .collect();
        self.looks.push(Box::pin(async move {
            let (mut held, mut errors) = (Vec::new(), Vec::new());
            for target in targets {
                match target.held_by(&denial.holder).await {
                    Ok(cases) => held.extend(cases.into_iter().filter(|(key, _)| denial.covers(key))),
                    Err(error) => errors.push(error),
                }
            }
            (denial, held, errors)
        }));
    }

    fn deny(
        &self,
        core: &mut Core<'_>,
        denial: Denial,
        mut held: Vec<(CaseKey, Holding)>,
        errors: &[ReadError],
    ) -> Result<(), CommitError> {
        held.retain(|(key, holding)| key.subject != crate::model::Subject::Account || holding.enabled);
        // What may be landing right now is taken away as well: an account that is disabled may be about to work again.
        for change in core.landing(&denial) {
            if let Some(after) = change.after.filter(|_| !held.iter().any(|(key, _)| *key == change.key)) {
                held.push((change.key, after));
            }
        }
        let all = held.len();
        held.retain(|(key, _)| self.desk.is_managed(key));
        let complete = errors.is_empty() && held.len() == all;
        let plan = emergency_plan(self.owned.tenant(), &denial, self.owned.epoch());
        let changes = held
            .iter()
            .map(|(key, holding)| Ok(reduce(self.owned.tenant(), &denial, key, holding, &self.desk.recorded(key)?)))
            .collect::<Result<Vec<_>, CommitError>>()?;
        core.deny(denial, plan, changes, complete)
    }

    /// What has come in already.
    async fn ready(&mut self) -> Option<Input> {
        let (calls, looks, ticket) = (&mut self.calls, &mut self.looks, &mut self.ticket);
        let ready = poll_fn(|cx| {
            if let Some(held) = sweep(looks, cx) {
                return Poll::Ready(Some(Found::Input(Input::Held(held))));
            }
            if let Some((slot, answer)) = sweep(calls, cx) {
                return Poll::Ready(Some(Found::Input(Input::Answer(slot, answer))));
            }
            match ticket {
                Some(Flush::Settled(_)) => Poll::Ready(Some(Found::Flush)),
                _ => Poll::Ready(None),
            }
        })
        .await;
        match ready {
            Some(Found::Input(input)) => Some(input),
            _ => None,
        }
    }

    /// Waits for what comes in next: an answer, a flush, an emergency call, or the time to go on.
    async fn next(&mut self, core: &Core<'_>) -> Result<Input, CommitError> {
        if let Some(flush) = self.ticket.take() {
            return self.next_or_flush(flush).await;
        }
        let idle = self.calls.is_empty() && self.looks.is_empty();
        let Some(tick) = core.wakes_at() else {
            if idle && let Some(change) = core.first_in_hand() {
                return Err(CommitError::Stuck { change: change.id });
            }
            return Ok(self.next_call(None).await);
        };
        let seconds = u32::try_from((tick - self.clock.tick()).max(1)).unwrap_or(u32::MAX);
        Ok(self.next_call(Some(seconds)).await)
    }

    async fn next_call(&mut self, seconds: Option<u32>) -> Input {
        let clock = self.clock;
        let mut timer: Pending<'_, ()> = match seconds {
            Some(seconds) => clock.sleep(seconds),
            None => Box::pin(std::future::pending()),
        };
        let mut arrived = self.desk.arrived();
        let (calls, looks) = (&mut self.calls, &mut self.looks);
        poll_fn(|cx| {
            if let Some(held) = sweep(looks, cx) {
                return Poll::Ready(Input::Held(held));
            }
            if let Some((slot, answer)) = sweep(calls, cx) {
                return Poll::Ready(Input::Answer(slot, answer));
            }
            if arrived.as_mut().poll(cx).is_ready() || timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Input::Woken);
            }
            Poll::Pending
        })
        .await
    }

    /// Waits for a batch, or for an answer that comes in before.
    async fn next_or_flush(&mut self, flush: Flush) -> Result<Input, CommitError> {
        let ticket = match flush {
            Flush::Settled(ticket) => ticket,
            Flush::Waiting(mut waiting) => {
                let (calls, looks) = (&mut self.calls, &mut self.looks);
                let mut arrived = self.desk.arrived();
                let first = poll_fn(|cx| {
                    if let Some(held) = sweep(looks, cx) {
                        return Poll::Ready(Err(Input::Held(held)));
                    }
                    if let Some((slot, answer)) = sweep(calls, cx) {
                        return Poll::Ready(Err(Input::Answer(slot, answer)));
                    }
                    if let Poll::Ready(ticket) = Pin::new(&mut waiting).poll(cx) {
                        return Poll::Ready(Ok(ticket));
                    }
                    if arrived.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(Err(Input::Woken));
                    }
                    Poll::Pending
                })
                .await;
                match first {
                    Ok(ticket) => ticket.map_err(|_| CommitError::NotDurable)?,
                    Err(input) => {
                        self.ticket = Some(Flush::Waiting(waiting));
                        return Ok(input);
                    }
                }
            }
        };
        self.settle(ticket).map(|()| Input::Durable)
    }

    /// Submits what is to become durable, if there is anything.
    fn submit(&mut self, core: &mut Core<'_>) -> Result<bool, CommitError> {
        let Some(batch) = core.batch() else { return Ok(false) };
        let mut ticket = self.ledger.submit(self.owned, batch)?;
        self.ticket = Some(if ticket.is_settled() {
            Flush::Settled(ticket)
        } else {
            Flush::Waiting(tokio::task::spawn_blocking(move || {
                ticket.block();
                ticket
            }))
        });
        Ok(true)
    }

    /// Makes everything known so far durable, and waits for it.
    async fn flush(&mut self, core: &mut Core<'_>) -> Result<(), CommitError> {
        loop {
            match self.ticket.take() {
                Some(Flush::Settled(ticket)) => self.settle(ticket)?,
                Some(Flush::Waiting(waiting)) => {
                    let ticket = waiting.await.map_err(|_| CommitError::NotDurable)?;
                    self.settle(ticket)?;
                }
                None => {
                    if !self.submit(core)? {
                        return Ok(());
                    }
                    continue;
                }
            }
            core.durable();
        }
    }

    fn settle(&self, ticket: Ticket) -> Result<(), CommitError> {
        match self.ledger.wait(ticket)? {
            Settled::Committed(_) => Ok(()),
            Settled::Fenced => Err(CommitError::Fenced),
            Settled::Unknown(id) if self.ledger.resolve(self.owned, id)? => Ok(()),
            Settled::Unknown(_) => Err(CommitError::NotDurable),
        }
    }
}

/// What is ready.
enum Found {
    Input(Input),
    Flush,
}

/// Polls all, and takes the first that is done.
fn sweep<T>(pending: &mut Vec<Pending<'_, T>>, cx: &mut std::task::Context<'_>) -> Option<T> {
    for (index, future) in pending.iter_mut().enumerate() {
        if let Poll::Ready(done) = future.as_mut().poll(cx) {
            drop(pending.remove(index));
            return Some(done);
        }
    }
    None
}

/// The future of one call.
fn perform<'a>(
    targets: &BTreeMap<String, Arc<dyn Target>>,
    sink: Option<&'a dyn SecretSink>,
    call: Call,
) -> Pending<'a, (Slot, Answer)> {
    let target = targets.get(&call.change.key.target).map(Arc::clone);
    Box::pin(async move {
        let slot = call.slot;
        let Some(target) = target else {
            let message = "no such target is configured".to_owned();
            return (slot, Answer::Read(Err(ReadError { key: call.change.key.to_string(), message })));
        };
        let answer = match call.ask {
            Ask::Read => Answer::Read(target.read(&call.change.key).await),
            Ask::Poll { receipt } => Answer::Poll(target.poll(&receipt).await),
            Ask::Find { key } => Answer::Find(target.find(&key).await),
            Ask::Undo { id } => Answer::Undo(target.undo(&id, call.fence).await),
            Ask::Write { after, version, list, key, at } => {
                let (change, fence) = (&call.change, call.fence);
                let write = Write { change, after: after.as_ref(), version: &version, list: &list, key: &key, fence, at };
                match target.write(write).await {
                    Ok(mut written) => {
                        let handle = match (written.secret.take(), sink) {
                            (Some(secret), Some(sink)) => sink.keep(change, secret).await.ok(),
                            _ => None,
                        };
                        Answer::Write(Ok(written), handle)
                    }
                    Err(error) => Answer::Write(Err(error), None),
                }
            }
        };
        (slot, answer)
    })
}

fn moment(clock: &dyn Clock) -> Moment {
    Moment { now: clock.now(), tick: clock.tick() }
}
