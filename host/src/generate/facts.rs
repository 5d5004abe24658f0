//! Rows of one identity on one day: what its sources list and what its targets hold. Owns the texts of a row; which
//! grants there are is for `holdings`.

use std::collections::BTreeSet;

use crate::model::{Subject, Time};

use super::calendar::{days_after, days_before, midnight};
use super::catalogue::{Class, TargetSpec, level, levels};
use super::holdings::{Life, Slot};
use super::population::{Identity, Population, place};
use super::rows::{AccountRow, GrantRow, ObservedRow};
use super::words::{self, word};

/// Per million team memberships: those that bring the team's handbook along.
const INHERITED: u64 = 100_000;
/// Per million grants, on day 0: those missing in the target, and likewise those held at another level.
const DRIFTED: u64 = 1_000;

impl Population {
    fn target(&self, number: u16) -> Option<&TargetSpec> {
        self.catalogue.targets.get(usize::from(number))
    }

    /// The accounts that an identity has all month: one in each target in which it ever holds something.
    pub(super) fn accounts(&self, identity: &Identity, slots: &[Slot]) -> Vec<AccountRow> {
        let mut targets: BTreeSet<u16> = slots.iter().filter(|s| s.life != Life::Stray).map(|s| s.target).collect();
        targets.extend(self.home(identity).first().filter(|_| identity.machine));
        let owner = self.owner(identity);
        let row = |spec: &TargetSpec| AccountRow {
            target: spec.name.clone(),
            holder: spec.holder(&identity.name),
            identity: identity.name.clone(),
            enabled: true,
            owner: owner.clone(),
        };
        targets.into_iter().filter_map(|t| self.target(t)).map(row).collect()
    }

    /// The keys that a machine has all month, in the first of its targets.
    pub(super) fn keys(&self, identity: &Identity) -> Vec<GrantRow> {
        let home = self.home(identity);
        let Some(spec) = home.first().and_then(|&t| self.target(t)).filter(|_| identity.machine) else { return Vec::new() };
        let dice = identity.dice.at(place::KEYS);
        let key = |number: u64| GrantRow {
            target: spec.name.clone(),
            holder: spec.holder(&identity.name),
            object: format!("key:{}/{number}", identity.name),
            level: String::new(),
            identity: identity.name.clone(),
            owner: self.owner(identity),
            purpose: "automation".to_owned(),
            record: format!("KEY-{:07}-{number}", identity.who),
            approver: self.approver(identity, identity.team),
            not_before: Time::NONE,
            expires_at: days_after(45 + dice.at(number).below(300)),
            replaces: String::new(),
        };
        (1..=dice.share(1, u64::from(self.shape.keys) * 1_000)).map(key).collect()
    }

    /// The grants that sources list on a day.
    pub(super) fn grants(&self, identity: &Identity, slots: &[Slot], day: u16) -> Vec<GrantRow> {
        slots.iter().filter(|slot| slot.life.listed(day)).filter_map(|slot| self.grant(identity, slot, day)).collect()
    }

    /// The grant that a source lists on a day, or that it would list if this one were desired.
    fn grant(&self, identity: &Identity, slot: &Slot, day: u16) -> Option<GrantRow> {
        let spec = self.target(slot.target)?;
        let parts = self.catalogue.parts(spec, slot.local);
        let slug = || super::names::team(parts.team.into());
        let record = match spec.class {
            Class::Code | Class::Registry => format!("teams/{}.yaml", slug()),
            Class::Cloud => format!("iac/{}", slug()),
            _ => format!("REQ-{:06}-{}", identity.who, slot.nth / 5),
        };
        let own = parts.team == identity.team && spec.class != Class::Roles;
        let purpose = match slot.life {
            _ if own => format!("member of {}", slug()),
            _ => word(&words::PURPOSE, slot.dice.at(place::PURPOSE).bits()).to_owned(),
        };
        let level = level_on(&parts.object, slot, day).to_owned();
        Some(GrantRow {
            target: spec.name.clone(),
            holder: spec.holder(&identity.name),
            level,
            identity: identity.name.clone(),
            owner: super::names::person(parts.team.into()),
            purpose,
            record,
            approver: self.approver(identity, parts.team),
            not_before: if let Life::Begins(from) = slot.life { midnight(from) } else { Time::NONE },
            expires_at: match slot.life {
                Life::Expires(last) => midnight(last),
                Life::Temporary(days) => days_after(u64::from(super::calendar::DAYS + days)),
                _ => Time::NONE,
            },
            object: parts.object,
            replaces: String::new(),
        })
    }

    /// What targets hold of an identity when they hold just what is desired on a day.
    pub(super) fn held(&self, identity: &Identity, slots: &[Slot], day: u16) -> Vec<ObservedRow> {
        let used = |what| Population::last_used(identity, what, day);
        let accounts = self.accounts(identity, slots).into_iter().zip(0..);
        let mut rows: Vec<_> = accounts.map(|(row, n)| ObservedRow::of_account(row, used(n))).collect();
        let keys = self.keys(identity).into_iter().zip(1_000..);
        rows.extend(keys.map(|(row, n)| ObservedRow::of_grant(Subject::Credential, row, used(n))));
        let at = super::calendar::instant(day);
        let listed = slots.iter().filter(|slot| slot.life.listed(day));
        let grants = listed.filter_map(|slot| Some((self.grant(identity, slot, day).filter(|row| row.live_at(at))?, slot)));
        rows.extend(grants.map(|(row, slot)| ObservedRow::of_grant(Subject::Grant, row, used(2_000 + u64::from(slot.nth)))));
        rows
    }

    /// What comes along with team memberships, and is no source's to desire.
    pub(super) fn inherited(&self, identity: &Identity, held: &[ObservedRow]) -> Vec<ObservedRow> {
        let code = |row: &&ObservedRow| self.catalogue.targets.iter().any(|t| t.name == row.target && t.class == Class::Code);
        let teams = held.iter().filter(|row| row.object.starts_with("team:")).filter(code).zip(0..);
        let comes_along = |n| identity.dice.at(place::INHERITED).at(n).chance(INHERITED);
        let handbook = |row: &ObservedRow| ObservedRow {
            object: row.object.replacen("team:", "repo:", 1) + "-handbook",
            level: "read".to_owned(),
            owner: String::new(),
            purpose: String::new(),
            expires_at: Time::NONE,
            via: row.object.clone(),
            ..row.clone()
        };
        teams.filter(|&(_, n)| comes_along(n)).map(|(row, _)| handbook(row)).collect()
    }

    /// What was found on day 0: what nobody desires, less what is missing, and some of it at another level.
    pub(super) fn found(&self, identity: &Identity, slots: &[Slot], held: Vec<ObservedRow>) -> Vec<ObservedRow> {
        let mut rows: Vec<ObservedRow> = held;
        for slot in slots {
            let dice = slot.dice.at(place::DRIFT);
            let Some(mut row) = self.grant(identity, slot, 0) else { continue };
            let same = |r: &ObservedRow| r.subject == Subject::Grant && r.target == row.target && r.object == row.object;
            match (slot.life, dice.below(1_000_000)) {
                (Life::Stray, _) => {
                    row.purpose = "set up by hand".to_owned();
                    rows.push(ObservedRow::of_grant(Subject::Grant, row, days_before(dice.at(1).below(300))));
                }
                (Life::Steady, 0..DRIFTED) => rows.retain(|r| !same(r)),
                (Life::Steady, u) if u < 2 * DRIFTED => {
                    let next = next_level(&row.object, &row.level);
                    rows.iter_mut().filter(|r| same(r)).for_each(|r| next.clone_into(&mut r.level));
                }
                _ => {}
            }
        }
        rows
    }
}

fn level_on(object: &str, slot: &Slot, day: u16) -> &'static str {
    let level = level(object, slot.dice.at(place::LEVEL));
    match slot.life {
        Life::Relevels(from) if from <= day => next_level(object, level),
        _ => level,
    }
}

/// The level above, or the lowest when there is none above.
fn next_level(object: &str, level: &str) -> &'static str {
    let mut all = levels(object).iter().cycle().skip_while(|&&l| l != level).skip(1);
    if levels(object).contains(&level) { all.next().copied().unwrap_or("") } else { "" }
}
