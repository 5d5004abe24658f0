//! Performs what the core asks for: calls to targets side by side, batches to the ledger one after the other, waiting on the
//! clock. Decides nothing.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use super::desk::{Desk, emergency_plan, reduce};
use super::inputs::{Input, Inputs, Pending};
use super::offer::Offer;
use super::{Answer, Ask, Call, Clock, CommitError, Core, Event, Flow, Moment, Outcomes, Slot, Terms};
use crate::audit::Salts;
use crate::ledger::{Ledger, Opening, Owned, RunRow};
use crate::model::{CaseKey, Change, ChangeId, Denial, Holding, PlanId};
use crate::progress::Observer;
use crate::target::{ReadError, SecretSink, Target, Write, WriteError};
use crate::telemetry::{stage, within};

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
        let work = Work { targets, owned, clock, desk, sink, inputs: Inputs::new(ledger, owned) };
        work.run(core, Offer::new(changes), observer).await
    }
}

/// One commit that is under way.
struct Work<'a> {
    targets: &'a BTreeMap<String, Arc<dyn Target>>,
    owned: &'a Owned,
    clock: &'a dyn Clock,
    desk: &'a dyn Desk,
    sink: Option<&'a dyn SecretSink>,
    inputs: Inputs<'a>,
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
                self.inputs.call(call);
            }
            core.tell().iter().for_each(|told| observer.on(told));
            // Whoever left without an event made room, and nothing else would wake this loop.
            if !offer.ended && core.room() > 0 {
                continue;
            }
            if offer.ended && core.is_over() && !self.inputs.looks() {
                return Ok(core.finish());
            }
            // A whole slice goes to the ledger whatever else has come in: it is written while the one before is being sent.
            if core.has_slice() && self.submit(&mut core)? {
                continue;
            }
            let mut input = match self.inputs.ready().await? {
                Some(input) => Some(input),
                None if self.submit(&mut core)? => None,
                None => Some(self.next(&core).await?),
            };
            // What has come in together is looked at together.
            while let Some(come) = input {
                self.take(&mut core, come)?;
                input = self.inputs.ready().await?;
            }
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
    fn look(&self, denial: Denial) {
        let targets: Vec<Arc<dyn Target>> = self
            .targets
            .iter()
            .filter(|(name, _)| denial.target.is_empty() || denial.target == **name)
            .map(|(_, target)| Arc::clone(target))
            .collect();
        self.inputs.look(Box::pin(async move {
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

    /// Submits what is to become durable, if there is anything and nothing is on its way.
    fn submit(&mut self, core: &mut Core<'_>) -> Result<bool, CommitError> {
        if !self.inputs.may_submit() {
            return Ok(false);
        }
        let Some(batch) = core.batch() else { return Ok(false) };
        self.inputs.submit(batch).map(|()| true)
    }

    /// Makes everything known so far durable, and waits for it.
    async fn flush(&mut self, core: &mut Core<'_>) -> Result<(), CommitError> {
        loop {
            self.inputs.flushed().await?;
            core.durable();
            if !self.submit(core)? {
                return Ok(());
            }
        }
    }

    /// Waits for what comes in next: an answer, a flush, an emergency call, or the time to go on.
    async fn next(&mut self, core: &Core<'_>) -> Result<Input, CommitError> {
        let wakes_at = core.wakes_at();
        if wakes_at.is_none()
            && self.inputs.is_idle()
            && let Some(change) = core.first_in_hand()
        {
            return Err(CommitError::Stuck { change: change.id });
        }
        // A flush is short, and time stands still meanwhile where it is not the world's.
        let mut timer: Pending<'_, ()> = match wakes_at {
            Some(tick) if self.inputs.may_submit() => {
                self.clock.sleep(u32::try_from((tick - self.clock.tick()).max(1)).unwrap_or(u32::MAX))
            }
            _ => Box::pin(std::future::pending()),
        };
        let mut arrived = self.desk.arrived();
        let either = poll_fn(move |cx| match arrived.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => timer.as_mut().poll(cx),
        });
        self.inputs.next(Box::pin(either)).await
    }
}

/// The future of one call.
fn perform<'a>(
    targets: &BTreeMap<String, Arc<dyn Target>>,
    sink: Option<&'a dyn SecretSink>,
    call: Call,
) -> Pending<'a, (Slot, Answer)> {
    let target = targets.get(&call.change.key.target).map(Arc::clone);
    let (name, system) = (call.ask.name(), call.change.key.target.as_str());
    let span = stage!(debug "call", ask = name, target = system, attempt_of = call.change.id.0.prefix());
    Box::pin(within(span, async move {
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
                        let secret = written.secret.take();
                        if secret
                            .as_ref()
                            .is_some_and(|secret| secret.stands_in(&written.id) || secret.stands_in(&written.receipt))
                        {
                            // Names are recorded. What was made is looked for by its tag, and taken back.
                            let message = "its answer held what it issued where names stand".to_owned();
                            return (slot, Answer::Write(Err(WriteError::Ambiguous { message }), None));
                        }
                        let handle = match (secret, sink) {
                            (Some(secret), Some(sink)) => {
                                let handle = sink.keep(change, secret.clone()).await.ok();
                                handle.filter(|handle| !secret.stands_in(handle))
                            }
                            _ => None,
                        };
                        Answer::Write(Ok(written), handle)
                    }
                    Err(error) => Answer::Write(Err(error), None),
                }
            }
        };
        (slot, answer)
    }))
}

fn moment(clock: &dyn Clock) -> Moment {
    Moment { now: clock.now(), tick: clock.tick() }
}
