//! Rules about what becomes durable: leaves beside entries, evidence before "confirmed".

use trueup::audit::Statement;
use trueup::commit::{End, Event};
use trueup::ledger::{Batch, Entry};
use trueup::limits::LAG_SAMPLES_LEAST;
use trueup::model::State;
use trueup::target::{Class, Grade};

use super::{Oracle, Who, same_call, short};
use crate::sim::target::{By, Landed};

/// The grade that a tier demands.
const DEMANDED: [Grade; 4] = [Grade::E0, Grade::E1, Grade::E3, Grade::E3];

/// Agreeing reads that confirm where reads lag.
const AGREE: u32 = 3;

impl Oracle {
    /// A batch became durable. Gives the denials that it settles.
    pub fn durable(&mut self, tick: i64, epoch: u64, batch: &Batch) -> Vec<usize> {
        self.leaves_match(tick, batch);
        self.hear(batch);
        let mut settled = Vec::new();
        for entry in &batch.entries {
            match entry {
                Entry::Change { plan, change, event } => {
                    let who = (*plan != self.plan, *change);
                    self.event(tick, epoch, who, event);
                    self.events.entry(who).or_default().push((epoch, event.clone()));
                }
                Entry::Run(row) => {
                    let settled = usize::try_from(row.slice).unwrap_or(usize::MAX).saturating_mul(self.slice);
                    if let Some(writer) = self.writers.get_mut(&epoch) {
                        writer.settled_before = settled;
                    }
                }
                Entry::Denied(denial) => {
                    let found = self.called.iter().position(|called| same_call(&called.denial, denial));
                    if let Some(index) = found {
                        self.called[index].durable = true;
                        if denial.settled_at.is_some() && self.called[index].settled.is_none() {
                            self.called[index].settled = Some(tick);
                            settled.push(index);
                        }
                    }
                }
                _ => {}
            }
        }
        settled
    }

    /// I5: one leaf per entry that says something, and each intent's leaf tells of that intent, in order.
    fn leaves_match(&mut self, tick: i64, batch: &Batch) {
        let says = batch.entries.iter().filter(|entry| !matches!(entry, Entry::Head(_))).count();
        let intents = batch.entries.iter().filter_map(|entry| match entry {
            Entry::Change { change, event: Event::Intent { attempt, .. }, .. } => Some((*change, *attempt)),
            _ => None,
        });
        let told = batch.leaves.iter().filter_map(|leaf| match &leaf.says {
            Statement::Intent { change, attempt, .. } => Some((*change, *attempt)),
            _ => None,
        });
        let holds = says == batch.leaves.len() && intents.eq(told);
        self.check(holds, "I5", tick, || "the leaves of a batch do not tell what its entries say".to_owned());
    }

    fn event(&mut self, tick: i64, epoch: u64, who: Who, event: &Event) {
        match event {
            Event::Confirmed { grade, .. } => self.has_evidence(tick, epoch, who, *grade),
            Event::Ended { end: End::NotObserved, .. } => self.was_awaited(tick, epoch, who),
            _ => {}
        }
    }

    /// V34: of the demanded grade, read often enough, and late enough that every replica showed it.
    fn has_evidence(&mut self, tick: i64, epoch: u64, who: Who, grade: Grade) {
        let (Some(fact), Some(writer)) = (self.facts.get(&who), self.writers.get_mut(&epoch)) else { return };
        let change = fact.change.clone();
        let demanded = DEMANDED[usize::from(change.tier).min(3)];
        let Some(profile) = self.profiles.get(&change.key.target) else { return };
        let reads = writer.reads.get(&who).cloned().unwrap_or_default();
        let measured = writer.confirmed.entry((change.key.target.clone(), change.kind.removes())).or_default();
        *measured += 1;
        let learned = *measured as usize > LAG_SAMPLES_LEAST;
        let (class, readable, lags) = (profile.class, profile.grade >= Grade::E2, profile.read_lag > 0);
        self.check(grade >= demanded, "V34", tick, || format!("{} is confirmed by {grade:?}, not {demanded:?}", short(who)));
        if !readable {
            let done = class == Class::K6;
            return self.check(done, "V34", tick, || format!("{} is confirmed, and nobody can read it", short(who)));
        }
        let least = if lags { AGREE } else { 1 };
        self.check(reads.agree >= least, "V34", tick, || {
            format!("{} is confirmed by {} agreeing reads", short(who), reads.agree)
        });
        let own = |by: By| by == By::Change(who.1, who.0);
        // Whatever changed the case since may have made the same state, or another.
        let last = self.journal.iter().rev().find(|landed| landed.key == change.key);
        let effect = last.filter(|landed: &&Landed| landed.tick <= reads.last && own(landed.by));
        let hidden = effect.is_some_and(|landed| landed.seen_by_all > reads.last) && !learned && !self.misjudged;
        self.check(!hidden, "V34", tick, || format!("{} is confirmed before every replica shows it", short(who)));
    }

    /// V34: it is given up as not observed only once every replica must show it.
    fn was_awaited(&mut self, tick: i64, epoch: u64, who: Who) {
        let Some(fact) = self.facts.get(&who) else { return };
        let missed = self.writers.get(&epoch).and_then(|writer| writer.reads.get(&who)).map_or(0, |reads| reads.missed);
        let effect = self.journal.iter().rev().find(|landed| landed.key == fact.change.key);
        let early = effect.is_some_and(|landed| landed.by == By::Change(who.1, who.0) && landed.seen_by_all > missed);
        self.check(!early, "V34", tick, || format!("{} is given up while replicas are still behind", short(who)));
    }

    /// A read was served at a tick and its answer came in. `None`: it failed.
    pub fn read(&mut self, epoch: u64, who: Who, served: i64, state: Option<&State>) {
        let Some(fact) = self.facts.get(&who) else { return };
        let met = state.map(|state| match (who.0, &fact.change.after) {
            (false, after) => state == after,
            (true, None) => state.is_none(),
            (true, Some(_)) => state.as_ref().is_none_or(|holding| !holding.enabled),
        });
        let Some(writer) = self.writers.get_mut(&epoch) else { return };
        if let Some(state) = state {
            writer.shown.insert(who, state.clone());
        }
        let reads = writer.reads.entry(who).or_default();
        match met {
            Some(true) => (reads.agree, reads.last) = (reads.agree + 1, served),
            Some(false) => (reads.agree, reads.missed) = (0, served),
            None => reads.agree = 0,
        }
    }
}
