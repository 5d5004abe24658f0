//! From the cases of a file to the columns of a batch.

use std::collections::BTreeMap;

use crate::columns::{Columns, SettingValue, VendorColumn, VendorValues};
use crate::file::{Attribute, Key, RawCase, RawIdentity};
use crate::side::{Desired, Instant, Observed, State};

/// Fills columns case by case.
#[derive(Default)]
pub(crate) struct Builder {
    columns: Columns,
    texts: BTreeMap<String, u32>,
    /// Vendor values by column, each with the row that it belongs to.
    vendor: BTreeMap<String, Vec<(usize, SettingValue)>>,
}

impl Builder {
    fn text(&mut self, text: &str) -> u32 {
        if self.columns.text_ends.is_empty() {
            self.columns.text_ends.push(0);
            self.texts.insert(String::new(), 0);
        }
        if let Some(id) = self.texts.get(text) {
            return *id;
        }
        self.columns.heap.push_str(text);
        let id = index(self.columns.text_ends.len());
        self.columns.text_ends.push(index(self.columns.heap.len()));
        self.texts.insert(text.to_string(), id);
        id
    }

    fn optional(&mut self, text: Option<&String>) -> u32 {
        self.text(text.map_or("", String::as_str))
    }

    /// Adds a case and returns its label.
    pub(crate) fn case(&mut self, identity: &RawIdentity<'_>, case: &RawCase<'_>) -> Result<String, String> {
        let (subject, key) = subject(case)?;
        let holder = key.holder.as_deref().unwrap_or(&identity.identity);
        let object = key.object.as_deref().unwrap_or_default();
        self.vendor_values(case)?;
        let (desired, observed) = (&case.desired, &case.observed);

        let (target, holder_id, object_id) = (self.text(&key.target), self.text(holder), self.text(object));
        let columns = &mut self.columns;
        columns.subject.push(subject);
        columns.target.push(target);
        columns.holder.push(holder_id);
        columns.object.push(object_id);
        columns.desired.push(desired.state.code);
        columns.observed.push(observed.state.code);
        columns.recorded.push(case.recorded.code);
        columns.unknown_why.push(why(desired.state, 3) | why(observed.state, 1) << 4);
        columns.differs.push(match &case.differs {
            Some(named) => bits(named.iter().map(|a| *a as u32)),
            None => differs(desired, observed),
        });
        columns.traits.push(bits(case.traits.iter().map(|t| *t as u32)));
        columns.desired_expires_at.push(seconds(desired.expires_at));
        columns.observed_expires_at.push(seconds(observed.expires_at));
        columns.not_before.push(seconds(desired.not_before));
        columns.last_used.push(seconds(observed.last_used));
        columns.undesired_since.push(seconds(case.undesired_since));
        columns.disabled_since.push(seconds(observed.disabled_since));
        columns.tier.push(case.tier);
        self.texts_of(case);

        Ok(match object {
            "" => format!("{}/{holder}", key.target),
            _ => format!("{}/{holder}/{object}", key.target),
        })
    }

    fn texts_of(&mut self, case: &RawCase<'_>) {
        let (desired, observed) = (&case.desired, &case.observed);
        // A desired side that says nothing of its record has one.
        let standing = desired.state.exists().then(|| "record-1".to_string());
        let desired_level = self.optional(desired.level.as_ref());
        let observed_level = self.optional(observed.level.as_ref());
        let owner = self.optional(desired.owner.as_ref().or(observed.owner.as_ref()));
        let purpose = self.optional(desired.purpose.as_ref());
        let observed_purpose = self.optional(observed.purpose.as_ref());
        let record = self.optional(desired.record.as_ref().or(standing.as_ref()));
        let approver = self.optional(desired.approver.as_ref());
        let via = self.optional(observed.via.as_ref());
        let replaces = self.optional(desired.replaces.as_ref());
        let exclusion = self.optional(case.exclusion.as_ref());
        let columns = &mut self.columns;
        columns.desired_level.push(desired_level);
        columns.observed_level.push(observed_level);
        columns.owner.push(owner);
        columns.purpose.push(purpose);
        columns.observed_purpose.push(observed_purpose);
        columns.record.push(record);
        columns.approver.push(approver);
        columns.via.push(via);
        columns.replaces.push(replaces);
        columns.exclusion.push(exclusion);
    }

    fn vendor_values(&mut self, case: &RawCase<'_>) -> Result<(), String> {
        let row = self.columns.subject.len();
        for (name, value) in &case.vendor {
            let values = self.vendor.entry(name.clone()).or_default();
            if let Some((_, first)) = values.first()
                && std::mem::discriminant(first) != std::mem::discriminant(value)
            {
                return Err(format!("the vendor column `{name}` has values of two kinds; give every case the same kind"));
            }
            values.push((row, value.clone()));
        }
        Ok(())
    }

    /// Ends the identity whose cases were added last.
    pub(crate) fn identity(&mut self, identity: &RawIdentity<'_>) {
        let name = self.text(&identity.identity);
        let owner = self.optional(identity.owner.as_ref());
        let unit = self.optional(identity.unit.as_ref());
        let columns = &mut self.columns;
        columns.identity.push(name);
        columns.identity_ends.push(index(columns.subject.len()));
        columns.identity_kind.push(identity.kind as u8);
        columns.identity_status.push(identity.status as u8);
        columns.identity_moved_at.push(seconds(identity.moved_at));
        columns.identity_ends_at.push(seconds(identity.ends_at));
        columns.identity_owner.push(owner);
        columns.identity_unit.push(unit);
    }

    /// The finished columns.
    pub(crate) fn finish(mut self) -> Columns {
        self.text("");
        let rows = self.columns.subject.len();
        for (name, given) in std::mem::take(&mut self.vendor) {
            let values = self.vendor_column(rows, given);
            self.columns.vendor.push(VendorColumn { name, values });
        }
        self.columns
    }

    fn vendor_column(&mut self, rows: usize, given: Vec<(usize, SettingValue)>) -> VendorValues {
        let given: BTreeMap<usize, SettingValue> = given.into_iter().collect();
        let at = |row: usize| given.get(&row);
        match given.values().next() {
            Some(SettingValue::Integer(_)) => VendorValues::Integers(
                (0..rows).map(|row| if let Some(SettingValue::Integer(value)) = at(row) { *value } else { 0 }).collect(),
            ),
            Some(SettingValue::Boolean(_)) => {
                VendorValues::Booleans((0..rows).map(|row| matches!(at(row), Some(SettingValue::Boolean(true)))).collect())
            }
            Some(SettingValue::Texts(_)) => {
                let (mut ends, mut ids) = (Vec::new(), Vec::new());
                for row in 0..rows {
                    if let Some(SettingValue::Texts(texts)) = at(row) {
                        ids.extend(texts.iter().map(|text| self.text(text)));
                    }
                    ends.push(index(ids.len()));
                }
                VendorValues::IdLists(ends, ids)
            }
            _ => VendorValues::Ids(
                (0..rows).map(|row| if let Some(SettingValue::Text(text)) = at(row) { self.text(text) } else { 0 }).collect(),
            ),
        }
    }
}

fn subject<'a>(case: &'a RawCase<'_>) -> Result<(u8, &'a Key), String> {
    let (code, key) = match (&case.account, &case.grant, &case.credential) {
        (Some(key), None, None) => (0, key),
        (None, Some(key), None) => (1, key),
        (None, None, Some(key)) => (2, key),
        _ => return Err("say what the case is about with exactly one of `account`, `grant` and `credential`".to_string()),
    };
    match (code, &key.object) {
        (0, Some(_)) => Err("an account has no `object`".to_string()),
        (1 | 2, None) => Err("say which one with `object`, as \"type:name\"".to_string()),
        _ => Ok((code, key)),
    }
}

/// The reason of an unknown side, with a plain one where the file gives none.
fn why(state: State, plain: u8) -> u8 {
    match (state.code, state.why) {
        (3, 0) => plain,
        (_, why) => why,
    }
}

/// What the host would find to differ between two sides that both exist.
fn differs(desired: &Desired, observed: &Observed) -> u32 {
    if !desired.state.exists() || !observed.state.exists() {
        return 0;
    }
    let stated = |desired: &Option<String>, observed: &Option<String>| desired.is_some() && desired != observed;
    let differing = [
        (Attribute::Enabled, desired.state.code != observed.state.code),
        (Attribute::Level, stated(&desired.level, &observed.level)),
        (Attribute::ExpiresAt, desired.expires_at != observed.expires_at),
        (Attribute::Owner, stated(&desired.owner, &observed.owner)),
        (Attribute::Purpose, stated(&desired.purpose, &observed.purpose)),
    ];
    bits(differing.into_iter().filter(|(_, differs)| *differs).map(|(attribute, _)| attribute as u32))
}

fn bits(positions: impl Iterator<Item = u32>) -> u32 {
    positions.fold(0, |bits, position| bits | 1 << position)
}

fn seconds(instant: Option<Instant>) -> i64 {
    instant.map_or(0, |instant| instant.0)
}

/// A case file is far below the four gigabytes at which this would saturate.
fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
