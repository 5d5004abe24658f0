//! What changes from day to day: what is meant, and what people do in targets by hand. Owns the comparison of two days;
//! what each day is like is for `estate`.

use std::collections::BTreeMap;

use crate::model::{CaseKey, Holding, State, Subject};

use super::catalogue::Catalogue;
use super::rows::ObservedRow;
use super::stories::{Edit, ForeignEdit};

/// One difference between what is meant on a day and on the day before.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DesiredChange {
    /// Whose.
    pub identity: String,
    /// Of which account, grant or credential.
    pub key: CaseKey,
    /// What was meant the day before.
    pub before: State,
    /// What is meant now.
    pub after: State,
}

impl ObservedRow {
    /// Names the case that this row is about.
    #[must_use]
    pub fn key(&self) -> CaseKey {
        CaseKey { target: self.target.clone(), holder: self.holder.clone(), subject: self.subject, object: self.object.clone() }
    }

    /// What is held.
    #[must_use]
    pub fn holding(&self) -> Holding {
        Holding {
            enabled: self.enabled,
            expires_at: self.expires_at,
            level: self.level.clone(),
            owner: self.owner.clone(),
            purpose: self.purpose.clone(),
        }
    }
}

/// The differences between two days of one identity, in order of their keys.
pub(super) fn difference(identity: String, before: Vec<ObservedRow>, after: Vec<ObservedRow>) -> Vec<DesiredChange> {
    let mut states: BTreeMap<CaseKey, (State, State)> = BTreeMap::new();
    for row in before {
        states.entry(row.key()).or_default().0 = Some(row.holding());
    }
    for row in after {
        states.entry(row.key()).or_default().1 = Some(row.holding());
    }
    let turned = states.into_iter().filter(|(_, (before, after))| before != after);
    turned.map(|(key, (before, after))| DesiredChange { identity: identity.clone(), key, before, after }).collect()
}

/// Does to the rows of one player what people do by hand.
pub(super) fn apply(edits: &[ForeignEdit], name: &str, catalogue: &Catalogue, rows: &mut Vec<ObservedRow>) {
    let native = |target: &str| catalogue.targets.iter().find(|t| t.name == target).map(|t| t.holder(name));
    for edit in edits.iter().filter(|edit| native(&edit.target).as_ref() == Some(&edit.holder)) {
        let same = |row: &ObservedRow| row.target == edit.target && row.object == edit.object;
        match &edit.edit {
            Edit::Added { level } => rows.push(by_hand(edit, level)),
            Edit::Removed => rows.retain(|row| !same(row)),
            Edit::Level { to } => rows.iter_mut().filter(|row| same(row)).for_each(|row| row.level.clone_from(to)),
            Edit::Enabled => rows.iter_mut().filter(|row| same(row)).for_each(|row| row.enabled = true),
        }
    }
}

fn by_hand(edit: &ForeignEdit, level: &str) -> ObservedRow {
    ObservedRow {
        subject: Subject::Grant,
        target: edit.target.clone(),
        holder: edit.holder.clone(),
        object: edit.object.clone(),
        level: level.to_owned(),
        enabled: true,
        owner: String::new(),
        purpose: String::new(),
        expires_at: crate::model::Time::NONE,
        last_used: super::calendar::midnight(edit.day),
        via: String::new(),
    }
}
