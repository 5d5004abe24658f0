//! The protagonists: identities whose every row is spelled out, beside the population that is drawn. Owns how such a
//! part is written down; the parts themselves are in `stories`.

use crate::model::{IdentityKind, IdentityStatus, Subject, Time};

use super::calendar::{DAYS, days_before, instant, midnight};
use super::catalogue::Catalogue;
use super::rows::{AccountRow, GrantRow, ObservedRow, PersonRow};

/// A row and the days on which its source lists it: from the first, up to but not on the second.
#[derive(Clone, Debug)]
struct Dated<T> {
    from: u16,
    until: u16,
    row: T,
}

impl<T: Clone> Dated<T> {
    fn on(rows: &[Self], day: u16) -> impl Iterator<Item = &T> {
        rows.iter().filter(move |r| r.from <= day && day < r.until).map(|r| &r.row)
    }
}

/// After the month's last day.
const ALWAYS: u16 = DAYS + 1;

/// One protagonist.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    person: Vec<Dated<PersonRow>>,
    accounts: Vec<Dated<AccountRow>>,
    grants: Vec<Dated<GrantRow>>,
    keys: Vec<Dated<GrantRow>>,
    /// Objects that were not used for so many days before day 0.
    unused: Vec<(String, u64)>,
}

impl Member {
    /// A person, active all month, with an account in the directory and the grant that everybody has there.
    pub(super) fn person(catalogue: &Catalogue, name: &str, unit: &str, owner: &str) -> Self {
        Self::new(IdentityKind::Person, name, unit, owner).grant(catalogue, "directory", "role:staff", "")
    }

    /// A machine, active all month.
    pub(super) fn machine(name: &str, unit: &str, owner: &str) -> Self {
        Self::new(IdentityKind::Machine, name, unit, owner)
    }

    fn new(kind: IdentityKind, name: &str, unit: &str, owner: &str) -> Self {
        let row = PersonRow {
            identity: name.to_owned(),
            kind,
            status: IdentityStatus::Active,
            owner: owner.to_owned(),
            unit: unit.to_owned(),
            moved_at: Time::NONE,
            ends_at: Time::NONE,
        };
        let person = vec![Dated { from: 0, until: ALWAYS, row }];
        Member { name: name.to_owned(), person, accounts: vec![], grants: vec![], keys: vec![], unused: vec![] }
    }

    /// From this day on, the identity's row is another.
    pub(super) fn turns(mut self, day: u16, change: impl FnOnce(&mut PersonRow)) -> Self {
        if let Some(last) = self.person.last_mut() {
            let mut row = last.row.clone();
            change(&mut row);
            last.until = day;
            self.person.push(Dated { from: day, until: ALWAYS, row });
        }
        self
    }

    /// Holds a grant all month; the account that it needs comes along.
    pub(super) fn grant(mut self, catalogue: &Catalogue, target: &str, object: &str, level: &str) -> Self {
        let row = self.row(catalogue, target, object, level);
        if !self.accounts.iter().any(|a| a.row.target == target) {
            let account = AccountRow {
                target: target.to_owned(),
                holder: row.holder.clone(),
                identity: self.name.clone(),
                enabled: true,
                owner: self.owner(),
            };
            self.accounts.push(Dated { from: 0, until: ALWAYS, row: account });
        }
        self.grants.push(Dated { from: 0, until: ALWAYS, row });
        self
    }

    /// Holds a key all month.
    pub(super) fn key(mut self, catalogue: &Catalogue, target: &str, number: u8) -> Self {
        let mut row = self.row(catalogue, target, &format!("key:{}/{number}", self.name), "");
        row.expires_at = midnight(DAYS * 4);
        self.keys.push(Dated { from: 0, until: ALWAYS, row });
        self
    }

    fn row(&self, catalogue: &Catalogue, target: &str, object: &str, level: &str) -> GrantRow {
        let spec = catalogue.targets.iter().find(|t| t.name == target);
        GrantRow {
            target: target.to_owned(),
            holder: spec.map_or_else(|| self.name.clone(), |t| t.holder(&self.name)),
            object: object.to_owned(),
            level: level.to_owned(),
            identity: self.name.clone(),
            owner: self.owner(),
            purpose: "harbor programme".to_owned(),
            record: format!("REQ-{}-{}", self.name, self.grants.len() + self.keys.len()),
            approver: super::names::person(0),
            not_before: Time::NONE,
            expires_at: Time::NONE,
            replaces: String::new(),
        }
    }

    fn owner(&self) -> String {
        self.person.last().map(|p| p.row.owner.clone()).unwrap_or_default()
    }

    /// Changes the grant that was added last.
    pub(super) fn with(mut self, change: impl FnOnce(&mut GrantRow)) -> Self {
        if let Some(last) = self.grants.last_mut() {
            change(&mut last.row);
        }
        self
    }

    /// The grant that was added last is listed on these days only.
    pub(super) fn listed(mut self, from: u16, until: u16) -> Self {
        if let Some(last) = self.grants.last_mut() {
            (last.from, last.until) = (from, until.min(ALWAYS));
        }
        self
    }

    /// The grant that was added last ends at this day's midnight, and is still listed on that day.
    pub(super) fn expires(self, day: u16) -> Self {
        self.listed(0, day + 1).with(|row| row.expires_at = midnight(day))
    }

    /// The grant that was added last was not used for so many days.
    pub(super) fn unused(mut self, days: u64) -> Self {
        if let Some(last) = self.grants.last() {
            self.unused.push((last.row.object.clone(), days));
        }
        self
    }

    /// The key that was added last takes the place of the one before it on this day.
    pub(super) fn rotated(mut self, day: u16) -> Self {
        if let [.., old, new] = self.keys.as_mut_slice() {
            old.until = day;
            new.from = day;
            new.row.replaces.clone_from(&old.row.object);
        }
        self
    }

    /// No grant is listed from `day` on; accounts are listed as disabled from then on, and not at all from `gone` on.
    pub(super) fn leaves(mut self, day: u16, gone: u16) -> Self {
        let ended = self.grants.iter_mut();
        ended.for_each(|g| g.until = g.until.min(day));
        let disabled = self.accounts.iter().cloned().map(|a| Dated {
            from: day,
            until: gone.min(ALWAYS),
            row: AccountRow { enabled: false, ..a.row },
        });
        let disabled: Vec<_> = disabled.collect();
        self.accounts.iter_mut().for_each(|a| a.until = day);
        self.accounts.extend(disabled);
        self
    }

    /// Its row on a day.
    pub(super) fn person_on(&self, day: u16) -> Option<PersonRow> {
        Dated::on(&self.person, day).next().cloned()
    }

    /// Its desired accounts on a day.
    pub(super) fn accounts_on(&self, day: u16) -> Vec<AccountRow> {
        Dated::on(&self.accounts, day).cloned().collect()
    }

    /// Its desired grants on a day.
    pub(super) fn grants_on(&self, day: u16) -> Vec<GrantRow> {
        Dated::on(&self.grants, day).cloned().collect()
    }

    /// Its desired keys on a day.
    pub(super) fn keys_on(&self, day: u16) -> Vec<GrantRow> {
        Dated::on(&self.keys, day).cloned().collect()
    }

    /// What targets hold of it when they hold just what is desired on a day.
    pub(super) fn held(&self, day: u16) -> Vec<ObservedRow> {
        let at = instant(day);
        let used = |object: &str| {
            let unused = self.unused.iter().find(|(o, _)| o == object);
            unused.map_or_else(|| at.plus(-86_400), |&(_, days)| days_before(days))
        };
        let accounts = self.accounts_on(day).into_iter().map(|row| ObservedRow::of_account(row, used("")));
        let grant = |subject| {
            move |row: GrantRow| {
                let last = used(&row.object);
                ObservedRow::of_grant(subject, row, last)
            }
        };
        let keys = self.keys_on(day).into_iter().map(grant(Subject::Credential));
        let grants = self.grants_on(day).into_iter().filter(|row| row.live_at(at)).map(grant(Subject::Grant));
        accounts.chain(keys).chain(grants).collect()
    }
}
