//! A case as the other program reads and writes it: what the decision reads and nothing else, by the names of its structs.
//! Turns columns into rows and rows into columns.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use trueup::rule::{SettingValue, Settings};
use trueup_cases::Columns;

use super::super::estate::AS_OF;

/// What holds for all cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Now {
    pub(super) as_of: i64,
    pub(super) unused_days: i64,
    pub(super) justify_from_tier: i64,
    pub(super) require_record: bool,
    pub(super) disable_orphans_from_tier: i64,
}

impl Now {
    pub(super) fn of(settings: &Settings) -> Result<Self> {
        let value = |name: &str| settings.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
        let number = |name: &str| match value(name) {
            Some(SettingValue::Integer(number)) => Ok(*number),
            other => bail!("`{name}` is {other:?}"),
        };
        Ok(Now {
            as_of: AS_OF.seconds(),
            unused_days: number("unused-days")?,
            justify_from_tier: number("justify-from-tier")?,
            require_record: value("require-record").context("`require-record`")? == &SettingValue::Boolean(true),
            disable_orphans_from_tier: number("disable-orphans-from-tier")?,
        })
    }
}

/// One case. Sides: 0 absent, 1 present, 2 disabled, 3 unknown, 4 disputed; other codes are the contract's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Row {
    expires_at: i64,
    not_before: i64,
    last_used: i64,
    identity_owner: Option<String>,
    purpose: Option<String>,
    record: Option<String>,
    approver: Option<String>,
    subject: u8,
    desired: u8,
    observed: u8,
    recorded: u8,
    identity_kind: u8,
    differs: u8,
    tier: u8,
    inherited: bool,
    immutable: bool,
    changed_elsewhere: bool,
    claimed: bool,
    privileged: bool,
    break_glass: bool,
    additive: bool,
    withheld: bool,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Verdict {
    pub(super) effect: u8,
    pub(super) reason: u8,
    pub(super) mask: u8,
}

/// Cases with their answers, in a file.
#[derive(Serialize, Deserialize)]
pub(super) struct Exchange {
    pub(super) now: Now,
    pub(super) rows: Vec<Row>,
    pub(super) answers: Vec<Verdict>,
    pub(super) valid_until: i64,
}

impl Exchange {
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, serde_json::to_vec(self)?).with_context(|| path.display().to_string())
    }

    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}

/// Columns as rows.
pub(super) fn rows(columns: &Columns) -> Vec<Row> {
    let ends = columns.identity_ends.iter().map(|end| *end as usize);
    let ranges = std::iter::once(0).chain(ends.clone()).zip(ends);
    ranges.enumerate().flat_map(|(identity, (first, end))| (first..end).map(move |case| row(columns, identity, case))).collect()
}

fn row(columns: &Columns, identity: usize, case: usize) -> Row {
    let text = |column: &[u32], row| text(columns, at(column, row));
    let (why, traits) = (at(&columns.unknown_why, case), at(&columns.traits, case));
    let has = |bit: u32| traits & 1 << bit != 0;
    Row {
        expires_at: at(&columns.desired_expires_at, case),
        not_before: at(&columns.not_before, case),
        last_used: at(&columns.last_used, case),
        identity_owner: text(&columns.identity_owner, identity),
        purpose: text(&columns.purpose, case),
        record: text(&columns.record, case),
        approver: text(&columns.approver, case),
        subject: at(&columns.subject, case),
        desired: side(at(&columns.desired, case), why & 0xf),
        observed: side(at(&columns.observed, case), why >> 4),
        recorded: at(&columns.recorded, case),
        identity_kind: at(&columns.identity_kind, identity),
        differs: at(&columns.differs, case) as u8,
        tier: at(&columns.tier, case),
        inherited: has(0),
        immutable: has(1),
        changed_elsewhere: has(2),
        claimed: has(3),
        privileged: has(4),
        break_glass: has(5),
        additive: has(6),
        withheld: has(7),
    }
}

fn at<T: Copy + Default>(column: &[T], row: usize) -> T {
    column.get(row).copied().unwrap_or_default()
}

fn text(columns: &Columns, id: u32) -> Option<String> {
    let (start, end) = (at(&columns.text_ends, id.checked_sub(1)? as usize), at(&columns.text_ends, id as usize));
    columns.heap.get(start as usize..end as usize).map(str::to_owned)
}

/// Unknown because of a disputed identity is a side of its own.
const fn side(code: u8, why: u8) -> u8 {
    if code == 3 && why == 4 { 4 } else { code }
}

/// The contract's code of a side, and of why it is unknown: an incomplete scan, or a disputed identity.
const fn coded(side: u8) -> (u8, u8) {
    match side {
        4 => (3, 4),
        3 => (3, 1),
        known => (known, 0),
    }
}

/// Rows as columns, each with an identity of its own.
pub(super) fn columns(rows: &[Row]) -> Columns {
    let mut columns = Columns { text_ends: vec![0], ..Columns::default() };
    let some = append(&mut columns, Some("some"));
    for (row, end) in rows.iter().zip(1..) {
        columns.identity.push(some);
        columns.identity_ends.push(end);
        columns.identity_kind.push(row.identity_kind);
        columns.identity_status.push(1);
        columns.identity_moved_at.push(0);
        columns.identity_ends_at.push(0);
        let texts = [&row.identity_owner, &row.purpose, &row.record, &row.approver];
        let [owner, purpose, record, approver] = texts.map(|text| append(&mut columns, text.as_deref()));
        columns.identity_owner.push(owner);
        columns.purpose.push(purpose);
        columns.record.push(record);
        columns.approver.push(approver);
        push(&mut columns, row, some);
    }
    columns
}

fn push(columns: &mut Columns, row: &Row, some: u32) {
    let ((desired, why), (observed, observed_why)) = (coded(row.desired), coded(row.observed));
    let traits = [
        row.inherited,
        row.immutable,
        row.changed_elsewhere,
        row.claimed,
        row.privileged,
        row.break_glass,
        row.additive,
        row.withheld,
    ];
    columns.subject.push(row.subject);
    columns.target.push(some);
    columns.holder.push(some);
    columns.object.push(some);
    columns.desired.push(desired);
    columns.observed.push(observed);
    columns.recorded.push(row.recorded);
    columns.unknown_why.push(why | observed_why << 4);
    columns.differs.push(row.differs.into());
    columns.traits.push(traits.into_iter().rev().fold(0, |traits, has| traits << 1 | u32::from(has)));
    columns.desired_expires_at.push(row.expires_at);
    columns.observed_expires_at.push(0);
    columns.not_before.push(row.not_before);
    columns.last_used.push(row.last_used);
    columns.via.push(0);
    columns.tier.push(row.tier);
}

/// Appends a text, and gives its number.
fn append(columns: &mut Columns, text: Option<&str>) -> u32 {
    let Some(text) = text else { return 0 };
    columns.heap.push_str(text);
    columns.text_ends.push(columns.heap.len() as u32);
    columns.text_ends.len() as u32 - 1
}
