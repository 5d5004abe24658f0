//! Rules about what takes effect at a target, by the target's own journal.

use trueup::model::{CaseKey, State, Subject, Time};
use trueup::target::Class;

use super::{Oracle, Who, short};
use crate::sim::plan::START;
use crate::sim::target::{By, Landed};

/// How far a clock may be behind the truth.
const CLOCK_TOLERANCE: i64 = 2;

impl Oracle {
    /// A mutation took effect.
    pub fn landed(&mut self, landed: Landed) {
        self.joins(&landed);
        match landed.by {
            By::Change(id, emergency) => {
                let who = (emergency, id);
                if !emergency {
                    self.has_not_expired(who, &landed);
                    self.is_not_denied(who, &landed);
                }
                // Its key is used up: no other request of it can take effect.
                if self.class(&landed.key.target) == Class::K3 {
                    self.flights.retain(|_, flight| flight.who != who);
                }
            }
            By::Collateral(id, emergency, _) => self.hits_nobody_else((emergency, id), &landed),
            By::Undo(_) | By::Foreign => {}
        }
        if self.class(&landed.key.target) == Class::K0 {
            self.version_moves(&landed.key);
        }
        self.journal.push(landed);
    }

    /// Requests that ask for an older version of a resource can take no effect any more (K0).
    fn version_moves(&mut self, key: &CaseKey) {
        let facts = &self.facts;
        self.flights.retain(|_, flight| {
            let same = |other: &CaseKey| match (key.object.as_str(), other.object.as_str()) {
                ("", "") => key.holder == other.holder,
                (left, right) => left == right,
            };
            flight.target != key.target || !facts.get(&flight.who).is_some_and(|fact| same(&fact.change.key))
        });
    }

    /// V15: what adds access does not land when that access had to be over. People are slow, and are not held to it.
    fn has_not_expired(&mut self, who: Who, landed: &Landed) {
        let Some(fact) = self.facts.get(&who) else { return };
        let ends = landed.after.as_ref().map_or(Time::NONE, |holding| holding.expires_at);
        let adds = fact.change.kind.adds() && self.class(&landed.key.target) != Class::K6;
        let over = adds && ends.is_some() && START + landed.tick - CLOCK_TOLERANCE >= ends.seconds();
        self.check(!over, "V15", landed.tick, || format!("{} landed after its access had to end ({ends})", short(who)));
    }

    /// V29: once a denial is settled, nothing that it covers is given again.
    fn is_not_denied(&mut self, who: Who, landed: &Landed) {
        let Some(fact) = self.facts.get(&who) else { return };
        let adds = super::gives(&fact.change);
        let settled = |tick: Option<i64>| tick.is_some_and(|tick| tick < landed.tick);
        let denied = self.called.iter().any(|called| settled(called.settled) && called.denial.covers(&landed.key));
        self.check(!(adds && denied), "V29", landed.tick, || format!("{} landed after a denial of it was settled", short(who)));
    }

    /// I3: writing a whole list undoes nothing that we did ourselves, and nothing that was there before us. What a stranger edits at the same time may be lost.
    fn hits_nobody_else(&mut self, who: Who, landed: &Landed) {
        let last = self.journal.iter().rev().find(|other| other.key == landed.key);
        // What nobody touched since the beginning is nobody's at the same time.
        let stays = matches!(last.map(|other| other.by), None | Some(By::Change(..)));
        self.check(!stays, "I3", landed.tick, || {
            format!("{} wrote over {}, which it has nothing to do with", short(who), landed.key)
        });
    }

    /// V29: when a denial counts as settled, nothing that it covers is held, but for what a stranger gave since.
    pub fn denial_settled<'a>(&mut self, tick: i64, index: usize, held: impl Iterator<Item = (&'a CaseKey, State)>) {
        let Some(called) = self.called.get(index) else { return };
        let (denial, announced) = (called.denial.clone(), called.announced);
        let by_stranger = |key: &CaseKey| {
            let last = self.journal.iter().rev().find(|landed| landed.key == *key);
            last.is_some_and(|landed| landed.tick >= announced && matches!(landed.by, By::Foreign | By::Collateral(..)))
        };
        let works = |key: &CaseKey, state: &State| match key.subject {
            Subject::Account => state.as_ref().is_some_and(|holding| holding.enabled),
            Subject::Grant | Subject::Credential => state.is_some(),
        };
        let left = held
            .filter(|(key, state)| denial.covers(key) && works(key, state))
            .find(|(key, _)| !by_stranger(key))
            .map(|(key, _)| key.to_string());
        if let Some(key) = left {
            self.breaks("V29", tick, format!("a denial is settled, and {key} still works"));
        }
    }
}
