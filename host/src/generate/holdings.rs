//! What an identity holds, each grant a function of (identity, number): which entitlement, and when it begins and ends.
//! Owns the popularity of entitlements and the month's ordinary churn; nothing is stored.

use std::collections::BTreeSet;

use super::calendar::DAYS;
use super::catalogue::Catalogue;
use super::dice::Dice;
use super::population::{Identity, Population, place};
use super::shape::Curve;

/// Of a hundred changes of a day, those that add. Others remove.
const ADDED: u64 = 58;
/// Per million: grants that end at once where there is a day for it.
const BULK: u64 = 50_000;
/// Per million: grants whose level changes in the month.
const RELEVELED: u64 = 600;
/// Per million: grants that end by themselves, after the month.
const TEMPORARY: u64 = 20_000;
/// Per million people: those who hold the one entitlement that nearly half of an enterprise holds (4,184 of 10,021).
const STAFF: u64 = 417_500;
/// Per million: grants in a target, made by hand, that no source ever desired.
const STRAY: u64 = 1_000;

/// When a grant is desired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// All month.
    Steady,
    /// From this day on.
    Begins(u16),
    /// Until the day before this one.
    Ends(u16),
    /// Until this day's midnight; its source still lists it on the day, expired.
    Expires(u16),
    /// All month, and so many days more.
    Temporary(u16),
    /// All month, with another level from this day on.
    Relevels(u16),
    /// Never; but its target holds it on day 0.
    Stray,
}

impl Life {
    /// Whether its source lists it on a day.
    pub(super) const fn listed(self, day: u16) -> bool {
        match self {
            Life::Steady | Life::Temporary(_) | Life::Relevels(_) => true,
            Life::Begins(from) => from <= day,
            Life::Ends(until) => day < until,
            Life::Expires(last) => day <= last,
            Life::Stray => false,
        }
    }

    /// Whether what is desired on this day may differ from the day before.
    pub(super) const fn turns(self, day: u16) -> bool {
        match self {
            Life::Begins(turn) | Life::Ends(turn) | Life::Expires(turn) | Life::Relevels(turn) => turn == day,
            Life::Steady | Life::Temporary(_) | Life::Stray => false,
        }
    }
}

/// One grant of an identity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) target: u16,
    pub(super) local: u32,
    pub(super) life: Life,
    pub(super) dice: Dice,
    pub(super) nth: u32,
}

impl Population {
    /// All grants that an identity has at some time of the month, no two of the same entitlement.
    pub(super) fn slots(&self, identity: &Identity) -> Vec<Slot> {
        if identity.gone {
            return Vec::new();
        }
        let steady = self.count(identity);
        let changed = |percent| u64::from(self.shape.churn) * percent / 100 * u64::from(DAYS);
        let (added, removed) = (changed(ADDED), changed(100 - ADDED));
        let added = identity.dice.at(place::ADDED).share(steady, added);
        let stray = identity.dice.at(place::STRAY).share(steady, STRAY);
        let (home, dice) = (self.home(identity), identity.dice.at(place::SLOT));
        // What an identity asks for in one request, or loses in one review, changes on one day.
        let day = |direction| 1 + identity.dice.at(place::DAY).at(direction).below(DAYS.into()) as u16;
        let mut taken = BTreeSet::new();
        let mut slots = Vec::with_capacity((steady + added + stray) as usize);
        for nth in 0..steady + added + stray {
            let Some((target, local)) = self.draw(identity, &home, dice.at(nth), nth, &mut taken) else { break };
            let life = match nth {
                _ if nth >= steady + added => Life::Stray,
                _ if nth >= steady => Life::Begins(day(0)),
                _ => life(dice.at(nth).at(place::LIFE), day(1), removed),
            };
            let bulk = life == Life::Steady && self.shape.bulk_day > 0 && dice.at(nth).at(place::BULK).chance(BULK);
            let life = if bulk { Life::Ends(self.shape.bulk_day) } else { life };
            slots.push(Slot { target, local, life, dice: dice.at(nth), nth: nth as u32 });
        }
        slots
    }

    /// How many grants it holds on day 0. Quantiles are dealt out evenly (a golden-ratio sequence), not thrown: the few
    /// who hold most are as many as they should be in each estate, whatever its seed, and so its size is what it is.
    pub(super) fn count(&self, identity: &Identity) -> u64 {
        let (curve, scale): (Curve, u32) = if identity.machine {
            (self.shape.machine_grants, self.shape.machine_scale)
        } else {
            (self.shape.person_grants, self.shape.person_scale)
        };
        curve.value(self.dealt(identity.who).below(1_000_000), scale).into()
    }

    /// An entitlement that is not taken yet; none when all are.
    fn draw(
        &self,
        identity: &Identity,
        home: &[u16],
        dice: Dice,
        nth: u64,
        taken: &mut BTreeSet<(u16, u32)>,
    ) -> Option<(u16, u32)> {
        let mut free = |target: u16, local: u32| {
            let spec = self.catalogue.targets.get(usize::from(target))?;
            taken.insert((target, Catalogue::exclusive(spec, local))).then_some((target, local))
        };
        if nth == 0 && !identity.machine && dice.chance(STAFF) {
            return free(0, 0);
        }
        for attempt in 0..12 {
            let dice = dice.at(attempt);
            let target = *home.get(if nth < 2 { nth } else { dice.below(home.len() as u64) } as usize)?;
            let spec = self.catalogue.targets.get(usize::from(target))?;
            // One half is what the team owns, the other what is popular.
            let own = dice.at(1).chance(500_000).then(|| self.catalogue.of_team(spec, identity.team, dice.at(2))).flatten();
            let popular = || dice.at(3).skewed(spec.size.into()) as u32;
            // Only [`STAFF`] decides who holds the first entitlement of the directory.
            let local = own.unwrap_or_else(popular).max(u32::from(target == 0));
            if let Some(found) = free(target, local) {
                return Some(found);
            }
        }
        let all =
            |&t: &u16| self.catalogue.targets.get(usize::from(t)).map(|spec| (u32::from(t == 0)..spec.size).map(move |l| (t, l)));
        home.iter().filter_map(all).flatten().find_map(|(t, l)| free(t, l))
    }
}

/// The life of a grant that is there on day 0; `removed` per million end in the month.
fn life(dice: Dice, day: u16, removed: u64) -> Life {
    match dice.below(1_000_000) {
        // One removal in five is an expiry.
        u if u < removed / 5 => Life::Expires(day),
        u if u < removed => Life::Ends(day),
        u if u < removed + RELEVELED => Life::Relevels(day),
        u if u < removed + RELEVELED + TEMPORARY => Life::Temporary(5 + dice.at(1).below(180) as u16),
        _ => Life::Steady,
    }
}
