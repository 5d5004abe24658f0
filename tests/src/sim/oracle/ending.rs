//! Rules about what a run comes to, and about the whole story once all faults have stopped.

use std::collections::BTreeMap;

use trueup::commit::{Open, Outcomes, Rest, Unconfirmed};
use trueup::model::{CaseKey, ChangeId, ChangeKind, GateKind, Holding, State};
use trueup::target::{Class, Grade};

use super::{Called, Oracle, Stand, Who, short};
use crate::sim::target::{By, Made, Work};

impl Oracle {
    /// V36: a run that ends accounts for every change exactly once, as the ledger has it, with a reason for what is open.
    pub fn finished(&mut self, tick: i64, epoch: u64, outcomes: &Outcomes) {
        let mut ended: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut confirmed = 0;
        for id in &self.order {
            match self.stand((false, *id)) {
                Stand::Confirmed => confirmed += 1,
                Stand::Ended(name) => *ended.entry(name).or_default() += 1,
                _ => {}
            }
        }
        let all = self.order.len() as u64;
        let sums = outcomes.reconciles() && outcomes.changes == all;
        self.check(sums, "V36", tick, || format!("totals do not add up to {all}: {outcomes:?}"));
        let agrees = outcomes.confirmed() == confirmed && outcomes.ended == ended;
        self.check(agrees, "V36", tick, || {
            format!(
                "{} confirmed and {:?} ended, but {confirmed} and {ended:?} in the ledger",
                outcomes.confirmed(),
                outcomes.ended
            )
        });
        let sent = self.writers.get(&epoch).map_or(0, |writer| writer.sent);
        self.check(outcomes.writes == sent, "V36", tick, || format!("{sent} requests were sent, {} counted", outcomes.writes));
        for line in &outcomes.listed {
            let who = (false, line.change);
            let stand = self.stand(who);
            let holds = match &line.rest {
                Rest::Ended(end) => stand == Stand::Ended(end.name()),
                Rest::Open(open) => self.is_reason(epoch, who, &stand, open),
            };
            self.check(holds, "V36", tick, || format!("{} is {stand:?}, and told as {:?}", short(who), line.rest));
        }
    }

    /// Whether a change may be open for this reason.
    fn is_reason(&self, epoch: u64, who: Who, stand: &Stand, open: &Open) -> bool {
        let (Some(fact), Some(writer)) = (self.facts.get(&who), self.writers.get(&epoch)) else { return false };
        let named = |kind: GateKind| fact.change.gates.iter().any(|gate| gate.kind == kind);
        match open {
            Open::Gate { gate } if gate.kind == GateKind::Clock => matches!(stand, Stand::Fresh | Stand::Sent),
            Open::Gate { gate } => *stand == Stand::Fresh && named(gate.kind) && !writer.opened.contains(&(who.1, gate.kind)),
            Open::Behind { change } => {
                let emergency = self.facts.contains_key(&(true, *change));
                *stand == Stand::Fresh && (emergency || self.stand((false, *change)) != Stand::Confirmed)
            }
            Open::NotBefore { at } => *stand == Stand::Fresh && *at == fact.change.not_before,
            Open::BackedOff { target } => matches!(stand, Stand::Fresh | Stand::Sent) && *target == fact.change.key.target,
            Open::Unknown | Open::Accepted { .. } => *stand == Stand::Sent,
            Open::Unverified => *stand == Stand::Applied,
            Open::Manual { .. } => *stand == Stand::Manual,
            _ => false,
        }
    }

    /// I6: once faults have stopped, nothing is left open but what waits for a person's decision.
    pub fn nothing_is_left(&mut self, tick: i64, outcomes: &Outcomes) {
        let left = outcomes.listed.iter().find(|line| !self.may_stay(line));
        if let Some(line) = left {
            self.breaks("I6", tick, format!("{} is still open: {:?} ({})", line.change.0.short(), line.rest, line.words));
        }
        let denial = self.called.iter().find(|called| !self.may_rest(called)).map(|called| called.denial.holder.clone());
        if let Some(holder) = denial {
            self.breaks("I6", tick, format!("a denial of {holder} never settles"));
        }
    }

    /// Whether all that is left waits for a person's decision, or is at a target that nobody can read.
    #[must_use]
    pub fn is_at_rest(&self, outcomes: &Outcomes) -> bool {
        outcomes.listed.iter().all(|line| self.may_stay(line)) && self.called.iter().all(|called| self.may_rest(called))
    }

    /// Whether nothing at all may happen any more.
    #[must_use]
    pub fn is_settled(&self, outcomes: &Outcomes) -> bool {
        let unknown = |line: &Unconfirmed| matches!(line.rest, Rest::Open(Open::Unknown));
        !outcomes.listed.iter().any(unknown) && self.called.iter().all(|called| called.settled.is_some())
    }

    fn may_stay(&self, line: &Unconfirmed) -> bool {
        match &line.rest {
            Rest::Open(Open::Gate { gate }) => gate.kind != GateKind::Clock,
            Rest::Open(Open::Behind { .. }) | Rest::Ended(_) => true,
            Rest::Open(Open::Unknown) => self.is_unreadable(&line.key.target),
            Rest::Open(_) => false,
        }
    }

    fn may_rest(&self, called: &Called) -> bool {
        let target = &called.denial.target;
        let concerns = |name: &String| target.is_empty() || target == name;
        let by_hand = |name: &String| self.is_unreadable(name) || self.class(name) == Class::K6;
        called.settled.is_some() || self.profiles.keys().any(|name| concerns(name) && by_hand(name))
    }

    fn is_unreadable(&self, target: &str) -> bool {
        self.profiles.get(target).is_some_and(|profile| profile.grade < Grade::E2)
    }

    /// R22: once a newer plan took over, nothing of the old one is left but what nobody can read, or a person has.
    pub fn replaced(&mut self, tick: i64, left: &[(ChangeId, &'static str)]) {
        let reads =
            |id: &ChangeId| self.facts.get(&(false, *id)).is_some_and(|fact| !self.is_unreadable(&fact.change.key.target));
        let open = left.iter().find(|(id, _)| reads(id)).copied();
        if let Some((id, status)) = open {
            self.breaks("R22", tick, format!("{} was replaced, and is still {status}", id.0.short()));
        }
    }

    /// V22: a settled plan that is run again changes nothing and records nothing.
    pub fn ran_again(&mut self, tick: i64, writes: u64, events: usize) {
        self.check(writes == 0, "V22", tick, || format!("{writes} requests for a settled plan"));
        self.check(events == 0, "V22", tick, || format!("{events} new events for a settled plan"));
    }

    /// I6: every case holds what the pure model says: what it held at first, then confirmed changes and strangers' edits in
    /// the order in which they took effect. What took effect and was not confirmed must have ended in a way that says so.
    pub fn equals_model(&mut self, tick: i64, first: &BTreeMap<CaseKey, Holding>, held: &BTreeMap<CaseKey, State>) {
        let mut model: BTreeMap<&CaseKey, State> = first.iter().map(|(key, holding)| (key, Some(holding.clone()))).collect();
        let mut wrong: BTreeMap<&CaseKey, Who> = BTreeMap::new();
        for landed in &self.journal {
            let counts = match landed.by {
                By::Foreign | By::Undo(_) | By::Collateral(..) => true,
                By::Change(id, emergency) => self.may_show((emergency, id)),
            };
            if counts {
                model.insert(&landed.key, landed.after.clone());
            } else if let By::Change(id, emergency) = landed.by {
                wrong.insert(&landed.key, (emergency, id));
            }
        }
        let differs = held.iter().find(|(key, state)| model.get(key).unwrap_or(&None) != *state).map(|(key, _)| key.clone());
        if let Some(key) = differs {
            let wrong = wrong.get(&key).copied();
            let (who, stand) = (wrong.map(short).unwrap_or_default(), wrong.map(|who| self.stand(who)));
            self.breaks("I6", tick, format!("{key} does not hold what the model says; {who} took effect and is {stand:?}"));
        }
    }

    /// Whether what a change did may be seen at the end.
    fn may_show(&self, who: Who) -> bool {
        let tells = ["not_observed", "unverifiable", "denied", "superseded"];
        match self.stand(who) {
            // An emergency that was cut short is called for again; what it took away stays away.
            _ if who.0 || self.unheard.contains(&who) => true,
            Stand::Confirmed => true,
            Stand::Ended(name) => tells.contains(&name),
            // Nobody will ever know.
            _ => self.facts.get(&who).is_some_and(|fact| self.is_unreadable(&fact.change.key.target)),
        }
    }

    /// I2: no credential of one tag lives twice, none is confirmed that was not made with its secret, and none is left of a
    /// lost one.
    pub fn credentials(&mut self, tick: i64, made: &[Made], kept: impl Fn(&str) -> bool) {
        let issued = |id: &ChangeId| made.iter().any(|made| made.change == Some(*id) && kept(&made.id));
        let class = |fact: &super::Fact| self.class(&fact.change.key.target);
        let issues = |fact: &&super::Fact| class(fact) == Class::K4 && fact.change.kind == ChangeKind::Issue;
        let of_plan = self.facts.iter().filter(|(who, fact)| !who.0 && issues(fact)).map(|(who, _)| *who);
        let bare = of_plan.filter(|who| self.stand(*who) == Stand::Confirmed).find(|who| !issued(&who.1));
        if let Some(who) = bare {
            self.breaks("I2", tick, format!("{} is confirmed, and nobody ever had its secret", short(who)));
        }
        for one in made.iter().filter(|made| made.live && made.change.is_some()) {
            let twice = made.iter().filter(|other| other.live && other.tag == one.tag).count() > 1;
            self.check(!twice, "I2", tick, || format!("{} was made twice", one.key));
            let Some(id) = one.change else { continue };
            let stand = self.stand((false, id));
            let lost = stand == Stand::Confirmed && !kept(&one.id);
            self.check(!lost, "I2", tick, || format!("{} is confirmed, and its secret is lost", one.key));
        }
    }

    /// I2: no person is asked twice for one change.
    pub fn work_items(&mut self, tick: i64, work: &[Work]) {
        let of_plan: Vec<&Work> = work.iter().filter(|work| !work.request.emergency).collect();
        let asked_before = |i: usize, tag: &str| of_plan[..i].iter().any(|other| other.request.tag == tag);
        let twice = of_plan.iter().enumerate().find(|(i, one)| asked_before(*i, &one.request.tag));
        if let Some((_, one)) = twice {
            self.breaks("I2", tick, format!("two work items ask for {}", one.request.change.key));
        }
    }
}
