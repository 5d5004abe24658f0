//! The people and machines of an estate, each a function of its number: who they are, where they work, who answers for
//! them. Owns identities and their accounts' habits; what they hold is for `holdings`.

use crate::model::{IdentityKind, IdentityStatus, Time};

use super::calendar::{days_after, days_before, instant};
use super::catalogue::Catalogue;
use super::dice::Dice;
use super::names;
use super::rows::PersonRow;
use super::shape::Shape;
use super::words;

/// Where in the tree of chances each question is asked. Numbers are part of the format: a new one moves no other.
pub(super) mod place {
    pub(in crate::generate) const TEAM: u64 = 1;
    pub(in crate::generate) const STATUS: u64 = 2;
    pub(in crate::generate) const OWNER: u64 = 3;
    pub(in crate::generate) const DORMANT: u64 = 4;
    pub(in crate::generate) const USE: u64 = 5;
    pub(in crate::generate) const HOME: u64 = 6;
    pub(in crate::generate) const COUNT: u64 = 7;
    pub(in crate::generate) const SLOT: u64 = 8;
    pub(in crate::generate) const LIFE: u64 = 9;
    pub(in crate::generate) const DAY: u64 = 10;
    pub(in crate::generate) const LEVEL: u64 = 11;
    pub(in crate::generate) const ADDED: u64 = 12;
    pub(in crate::generate) const STRAY: u64 = 13;
    pub(in crate::generate) const DRIFT: u64 = 14;
    pub(in crate::generate) const PURPOSE: u64 = 15;
    pub(in crate::generate) const INHERITED: u64 = 16;
    pub(in crate::generate) const KEYS: u64 = 17;
    pub(in crate::generate) const MESS: u64 = 18;
    pub(in crate::generate) const BULK: u64 = 19;
}

/// One identity, as much as is needed to make its rows.
pub(super) struct Identity {
    pub(super) who: u32,
    pub(super) name: String,
    pub(super) machine: bool,
    pub(super) team: u32,
    /// Left before day 0: holds nothing.
    pub(super) gone: bool,
    /// Its accounts have not been used for months.
    pub(super) dormant: bool,
    /// Its own chances.
    pub(super) dice: Dice,
}

/// Everybody who is in the estate from its first day: people first, then machines.
#[derive(Clone, Debug)]
pub(super) struct Population {
    pub(super) shape: Shape,
    pub(super) catalogue: Catalogue,
    root: Dice,
}

impl Population {
    pub(super) fn new(shape: Shape, seed: u64) -> Self {
        let teams = shape.teams.clamp(1, shape.working().max(1));
        let shape = Shape { teams, ..shape };
        Population { catalogue: Catalogue::new(&shape), shape, root: Dice::new(seed) }
    }

    pub(super) fn len(&self) -> u32 {
        self.shape.people + self.shape.machines
    }

    /// The chances of the identity with this number.
    pub(super) const fn dice(&self, who: u32) -> Dice {
        self.root.at(who as u64)
    }

    /// A chance of the identity with this number that is evenly spread over neighbouring numbers.
    pub(super) const fn dealt(&self, who: u32) -> Dice {
        self.root.at(u64::MAX).at(place::COUNT).step(who as u64)
    }

    /// The identity with this number.
    pub(super) fn identity(&self, who: u32) -> Identity {
        let dice = self.dice(who);
        let machine = who >= self.shape.people;
        // Person n leads team n, so the first people are spread evenly; the others crowd into some teams.
        let team = if who < self.shape.teams { who } else { dice.at(place::TEAM).skewed(self.shape.teams.into()) as u32 };
        let (name, dormant) = if machine {
            let number = who - self.shape.people;
            (names::machine(number.into(), team.into(), dice.bits()), self.shape.dormant_machines)
        } else {
            (names::person(who.into()), self.shape.dormant_people)
        };
        let dormant = dice.at(place::DORMANT).chance(u64::from(dormant) * 1_000);
        Identity { who, name, machine, team, gone: !machine && who >= self.shape.working(), dormant, dice }
    }

    /// Who answers for a person: the team's lead, for a lead the unit's head, for a head person 0.
    fn superior(&self, person: u32, team: u32) -> Option<u32> {
        let head = team % words::UNITS.len() as u32;
        [team, head, 0].into_iter().find(|&p| p != person).filter(|_| person != 0)
    }

    /// Who approves what this team owns, for this identity: never the identity itself.
    pub(super) fn approver(&self, identity: &Identity, team: u32) -> String {
        let approver = if identity.who == team { self.superior(team, team).unwrap_or(1) } else { team };
        names::person(approver.into())
    }

    /// Who answers for an identity; empty when nobody does.
    pub(super) fn owner(&self, identity: &Identity) -> String {
        if !identity.machine {
            return self.superior(identity.who, identity.team).map_or_else(String::new, |p| names::person(p.into()));
        }
        let dice = identity.dice.at(place::OWNER);
        if !dice.chance(u64::from(self.shape.orphaned) * 1_000) {
            return names::person(identity.team.into());
        }
        // Half of the orphans name somebody who left, the others nobody.
        let (left, pick) = (self.shape.left(), dice.at(1));
        if left == 0 || pick.chance(500_000) {
            return String::new();
        }
        names::person(u64::from(self.shape.working()) + pick.at(1).below(left.into()))
    }

    /// What human resources, or the machine registry, says of an identity.
    pub(super) fn person_row(&self, identity: &Identity) -> PersonRow {
        let dice = identity.dice.at(place::STATUS);
        let (status, ends_at) = match dice.below(1_000) {
            _ if identity.gone => (IdentityStatus::Left, days_before(20 + dice.at(1).below(400))),
            _ if identity.machine || identity.who < self.shape.teams => (IdentityStatus::Active, Time::NONE),
            0..10 => (IdentityStatus::OnLeave, Time::NONE),
            10..15 => (IdentityStatus::Leaving, days_after(40 + dice.at(1).below(60))),
            // Contractors.
            15..75 => (IdentityStatus::Active, days_after(40 + dice.at(1).below(360))),
            _ => (IdentityStatus::Active, Time::NONE),
        };
        let moved = !identity.machine && dice.at(2).chance(100_000);
        PersonRow {
            identity: identity.name.clone(),
            kind: if identity.machine { IdentityKind::Machine } else { IdentityKind::Person },
            status,
            owner: self.owner(identity),
            unit: names::unit(identity.team.into()),
            moved_at: if moved { days_before(60 + dice.at(3).below(640)) } else { Time::NONE },
            ends_at,
        }
    }

    /// When something of this identity was last used, seen on a day: within three weeks, or months ago, or never.
    pub(super) fn last_used(identity: &Identity, what: u64, day: u16) -> Time {
        let dice = identity.dice.at(place::USE).at(what);
        match (identity.dormant, dice.below(6)) {
            (true, 0) => Time::NONE,
            (true, _) => days_before(120 + dice.at(1).below(400)),
            (false, _) => instant(day).plus(-(dice.at(1).below(21 * 86_400) as i64)),
        }
    }

    /// The targets that a team works in, the directory first; a machine needs fewer than a person.
    pub(super) fn home(&self, identity: &Identity) -> Vec<u16> {
        let targets = self.shape.targets.max(1);
        let (skip, wanted) = if identity.machine { (u16::from(targets > 1), 3) } else { (0, 10) };
        let team = self.root.at(u64::MAX).at(place::HOME).at(identity.team.into());
        let mut home: Vec<u16> = (skip..targets.min(2)).collect();
        for pick in 0..wanted - home.len() as u64 {
            let target = team.at(pick).below(targets.into()) as u16;
            if target >= skip && !home.contains(&target) {
                home.push(target);
            }
        }
        home
    }
}
