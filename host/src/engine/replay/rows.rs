//! Rows as recordings hold them, but for facts: JSON over texts, so that years later nobody needs a dictionary, a layout or a version
//! of a page. Owns the form of each row, and how rows are cut into objects by what they say.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::objects::{Named, Pack};
use crate::correlate::Recorded;
use crate::engine::EngineError;
use crate::limits::{OBJECT_CUT, OBJECT_ROWS};
use crate::model::{Entitlement, IdentityKind, IdentityStatus, KeyHash, Person, StateHash, Sym, Symbols, Time};
use crate::rule::{BatchVerdict, Fault, VerdictColumns};

/// A text, borrowed from whatever holds it.
pub(super) type Text<'a> = Cow<'a, str>;

/// An identity.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonRow<'a> {
    #[serde(borrow)]
    identity: Text<'a>,
    kind: IdentityKind,
    status: IdentityStatus,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    owner: Text<'a>,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    unit: Text<'a>,
    #[serde(default, skip_serializing_if = "is_never")]
    moved_at: i64,
    #[serde(default, skip_serializing_if = "is_never")]
    ends_at: i64,
}

/// A row of the catalogue.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CatalogueRow<'a> {
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    target: Text<'a>,
    #[serde(borrow)]
    object: Text<'a>,
    tier: u8,
    privileged: bool,
    break_glass: bool,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    exclusion: Text<'a>,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    owner: Text<'a>,
    min_holders: u16,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    parent: Text<'a>,
}

/// A key that the rule compares in another form: 0 a holder or identity, 1 an object.
#[derive(Serialize, Deserialize)]
pub(super) struct FormRow<'a>(pub(super) u8, #[serde(borrow)] pub(super) Text<'a>, #[serde(borrow)] pub(super) Text<'a>);

/// What was recorded of a case: key, state, life, flags, since when undesired, since when disabled.
#[derive(Serialize, Deserialize)]
pub(super) struct MetRow(String, StateHash, u32, u32, i64, i64);

/// What a batch was answered.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Columns(Columns),
    Fault(Fault),
}

/// Columns of answers; cases by their distance from the one before, so that a batch answered case after case is all zeros.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Columns {
    case: Vec<u32>,
    effect: Vec<u8>,
    reason: Vec<u16>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mask: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tier: Vec<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rank: Vec<i16>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    after: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    flags: Vec<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    until: Vec<i64>,
    valid_until: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_never(seconds: &i64) -> bool {
    *seconds == 0
}

impl<'a> PersonRow<'a> {
    pub(super) fn of(person: &Person, symbols: &'a Symbols) -> Self {
        let text = |sym: Sym| Text::Borrowed(symbols.text(sym));
        PersonRow {
            identity: text(person.identity),
            kind: person.kind,
            status: person.status,
            owner: text(person.owner),
            unit: text(person.unit),
            moved_at: person.moved_at.seconds(),
            ends_at: person.ends_at.seconds(),
        }
    }

    pub(super) fn person(&self, symbols: &mut Symbols) -> Person {
        let mut of = |text: &str| symbols.intern(text);
        Person {
            identity: of(&self.identity),
            kind: self.kind,
            status: self.status,
            owner: of(&self.owner),
            unit: of(&self.unit),
            moved_at: Time::from_seconds(self.moved_at),
            ends_at: Time::from_seconds(self.ends_at),
        }
    }
}

impl<'a> CatalogueRow<'a> {
    pub(super) fn of(row: &Entitlement, symbols: &'a Symbols) -> Self {
        let text = |sym: Sym| Text::Borrowed(symbols.text(sym));
        CatalogueRow {
            target: text(row.target),
            object: text(row.object),
            tier: row.tier,
            privileged: row.privileged,
            break_glass: row.break_glass,
            exclusion: text(row.exclusion),
            owner: text(row.owner),
            min_holders: row.min_holders,
            parent: text(row.parent),
        }
    }

    pub(super) fn entitlement(&self, symbols: &mut Symbols) -> Entitlement {
        let mut of = |text: &str| symbols.intern(text);
        Entitlement {
            target: of(&self.target),
            object: of(&self.object),
            tier: self.tier,
            privileged: self.privileged,
            break_glass: self.break_glass,
            exclusion: of(&self.exclusion),
            owner: of(&self.owner),
            min_holders: self.min_holders,
            parent: of(&self.parent),
        }
    }
}

impl MetRow {
    pub(super) fn of(row: &Recorded) -> Self {
        let (since, disabled) = (row.since.seconds(), row.disabled_since.seconds());
        MetRow(row.key.to_string(), row.state, row.incarnation, row.flags, since, disabled)
    }

    /// None: its key is no key.
    pub(super) fn recorded(&self) -> Option<Recorded> {
        let MetRow(key, state, incarnation, flags, since, disabled) = self;
        Some(Recorded {
            key: KeyHash::parse(key)?,
            state: *state,
            incarnation: *incarnation,
            flags: *flags,
            since: Time::from_seconds(*since),
            disabled_since: Time::from_seconds(*disabled),
        })
    }
}

impl Answer {
    pub(super) fn of(verdict: &BatchVerdict) -> Self {
        let columns = match &verdict.result {
            Ok(columns) => columns.clone(),
            Err(fault) => return Answer::Fault(fault.clone()),
        };
        let mut next = 0_u32;
        let gap = |case: u32| {
            let gap = case.wrapping_sub(next);
            next = case.wrapping_add(1);
            gap
        };
        let VerdictColumns { case, effect, reason, mask, tier, rank, after, flags, until, valid_until } = columns;
        let (case, valid_until) = (case.into_iter().map(gap).collect(), valid_until.seconds());
        Answer::Columns(Columns { case, effect, reason, mask, tier, rank, after, flags, until, valid_until })
    }

    pub(super) fn verdict(self) -> BatchVerdict {
        let result = match self {
            Answer::Fault(fault) => Err(fault),
            Answer::Columns(columns) => {
                let Columns { case, effect, reason, mask, tier, rank, after, flags, until, valid_until } = columns;
                let mut next = 0_u32;
                let place = |gap: u32| {
                    let case = next.wrapping_add(gap);
                    next = case.wrapping_add(1);
                    case
                };
                let (case, valid_until) = (case.into_iter().map(place).collect(), Time::from_seconds(valid_until));
                Ok(VerdictColumns { case, effect, reason, mask, tier, rank, after, flags, until, valid_until })
            }
        };
        BatchVerdict { result, fuel: 0, log: Vec::new() }
    }
}

/// Rows on their way into objects. An object ends where the last row's own bytes say so, so that a row that comes or goes
/// changes the object that it is in and no other.
pub(super) struct Cutting<'p> {
    pack: &'p mut Pack,
    raw: Vec<u8>,
    rows: usize,
}

impl<'p> Cutting<'p> {
    pub(super) fn new(pack: &'p mut Pack) -> Self {
        Cutting { pack, raw: Vec::new(), rows: 0 }
    }

    /// Takes a row. The object, where this row ends one.
    pub(super) fn row(&mut self, row: &impl Serialize) -> Result<Option<Named>, EngineError> {
        self.raw.push(if self.rows == 0 { b'[' } else { b',' });
        let start = self.raw.len();
        // Texts and numbers are always JSON.
        serde_json::to_writer(&mut self.raw, row).map_err(|error| self.pack.failed(error.into()))?;
        self.rows += 1;
        let ends = cut(self.raw.get(start..).unwrap_or_default()) & OBJECT_CUT == 0 || self.rows >= OBJECT_ROWS;
        if ends { self.end() } else { Ok(None) }
    }

    /// The object of the rows that no object has yet.
    pub(super) fn end(&mut self) -> Result<Option<Named>, EngineError> {
        if self.rows == 0 {
            return Ok(None);
        }
        self.raw.push(b']');
        let named = self.pack.put_new(&self.raw)?;
        self.raw.clear();
        self.rows = 0;
        Ok(Some(named))
    }
}

/// Objects of rows.
pub(super) fn objects(pack: &mut Pack, rows: impl Iterator<Item = impl Serialize>) -> Result<Vec<Named>, EngineError> {
    let mut cutting = Cutting::new(pack);
    let mut named = Vec::new();
    for row in rows {
        named.extend(cutting.row(&row)?);
    }
    named.extend(cutting.end()?);
    Ok(named)
}

/// A number that bytes say: any good mixing will do, as long as it never changes.
fn cut(bytes: &[u8]) -> u64 {
    let sum =
        bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    sum >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_back_as_they_were() {
        let columns = VerdictColumns {
            case: vec![0, 1, 5, 6],
            effect: vec![1, 2, 3, 6],
            reason: vec![0, 1, 0, 9],
            until: vec![0, 0, -1, i64::MAX],
            valid_until: Time::from_seconds(7),
            ..VerdictColumns::default()
        };
        let text = || "text with \"quotes\"\nand lines".to_owned();
        let faults = [
            Fault::Trap { message: text(), case: Some(3) },
            Fault::Rule { code: text(), message: text(), case: None },
            Fault::Malformed { problem: text() },
            Fault::Interrupted { seconds: 60 },
            Fault::Absent,
            Fault::Resting { until: Time::from_seconds(9) },
            Fault::IdentityTooLarge { cases: 70_000, allowed: 65_536 },
        ];
        let names = ["fuel", "fuel to start", "stack", "memory", "table elements", "host call bytes", "input bytes", "log"];
        let limits = names.map(|limit| Fault::Limit { limit, used: 2, allowed: 1 });
        let results = [Ok(columns)].into_iter().chain(faults.into_iter().chain(limits).map(Err));
        for result in results {
            let verdict = BatchVerdict { result, fuel: 0, log: Vec::new() };
            let raw = serde_json::to_vec(&Answer::of(&verdict)).unwrap();
            assert_eq!(serde_json::from_slice::<Answer>(&raw).unwrap().verdict(), verdict);
        }
        let unknown = r#"{"fault":{"limit":{"limit":"patience","used":2,"allowed":1}}}"#;
        assert!(serde_json::from_str::<Answer>(unknown).is_err());
    }
}
