//! The words that cases and verdicts are spelled with in languages of their own. Knows no engine.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use trueup_against_decision::{Kind, REASONS, Row, Side, Subject, Verdict};

/// In the order of the contract's numbers; `replace` is never said here.
const EFFECTS: [&str; 7] = ["keep", "present", "absent", "disabled", "true-up", "replace", "hold"];

/// What each `effect/reason` means.
#[derive(Clone)]
pub(crate) struct Verdicts(HashMap<String, Verdict>);

impl Verdicts {
    pub(crate) fn new() -> Self {
        let effects = (0_u8..).zip(EFFECTS);
        let each =
            effects.flat_map(|(effect, word)| (0_u8..).zip(REASONS).map(move |(reason, code)| (effect, word, reason, code)));
        Verdicts(
            each.map(|(effect, word, reason, code)| (format!("{word}/{code}"), Verdict { effect, reason, mask: 0 })).collect(),
        )
    }

    /// The verdict of these words.
    pub(crate) fn of(&self, words: &str) -> Result<Verdict> {
        self.0.get(words).copied().with_context(|| format!("`{words}` is no verdict"))
    }

    /// The verdict of these words on a case. A language without masks leaves it to its host that a true-up takes over
    /// whatever differs.
    pub(crate) fn on(&self, words: &str, row: &Row<'_>) -> Result<Verdict> {
        let verdict = self.of(words)?;
        let mask = if verdict.effect == 4 { row.differs } else { 0 };
        Ok(Verdict { mask, ..verdict })
    }
}

pub(crate) const fn side(side: Side) -> &'static str {
    match side {
        Side::Absent => "absent",
        Side::Present => "present",
        Side::Disabled => "disabled",
        Side::Unknown | Side::Disputed => "unknown",
    }
}

pub(crate) const fn subject(subject: Subject) -> &'static str {
    match subject {
        Subject::Account => "account",
        Subject::Grant => "grant",
        Subject::Credential => "credential",
    }
}

pub(crate) const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Unknown => "unknown",
        Kind::Person => "person",
        Kind::Machine => "machine",
        Kind::Group => "group",
    }
}

/// Whether two holders could be the same identity.
pub(crate) fn disputed(row: &Row<'_>) -> bool {
    row.desired == Side::Disputed || row.observed == Side::Disputed
}

/// The traits of a case by name.
pub(crate) const fn traits(row: &Row<'_>) -> [(&'static str, bool); 8] {
    [
        ("inherited", row.inherited),
        ("immutable", row.immutable),
        ("changed_elsewhere", row.changed_elsewhere),
        ("claimed", row.claimed),
        ("privileged", row.privileged),
        ("break_glass", row.break_glass),
        ("additive", row.additive),
        ("withheld", row.withheld),
    ]
}

/// The texts of a case by name.
pub(crate) const fn texts<'a>(row: &Row<'a>) -> [(&'static str, Option<&'a str>); 4] {
    [("identity_owner", row.identity_owner), ("purpose", row.purpose), ("record", row.record), ("approver", row.approver)]
}

/// The instants of a case by name; 0 is none.
pub(crate) const fn times(row: &Row<'_>) -> [(&'static str, i64); 3] {
    [("expires_at", row.expires_at), ("not_before", row.not_before), ("last_used", row.last_used)]
}

/// The attributes that can differ by name, with their bits.
pub(crate) const ATTRIBUTES: [(&str, u8); 5] =
    [("enabled", 1), ("level", 1 << 1), ("expires-at", 1 << 2), ("owner", 1 << 3), ("purpose", 1 << 4)];

/// What the names and words of a case are spelled with.
pub(crate) const WORDS: [&str; 37] = [
    "subject",
    "desired",
    "observed",
    "recorded",
    "identity_kind",
    "tier",
    "disputed",
    "differs",
    "expires_at",
    "not_before",
    "last_used",
    "identity_owner",
    "purpose",
    "record",
    "approver",
    "inherited",
    "immutable",
    "changed_elsewhere",
    "claimed",
    "privileged",
    "break_glass",
    "additive",
    "withheld",
    "account",
    "grant",
    "credential",
    "absent",
    "present",
    "disabled",
    "unknown",
    "person",
    "machine",
    "group",
    "enabled",
    "level",
    "expires-at",
    "owner",
];
