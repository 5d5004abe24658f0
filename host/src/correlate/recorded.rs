//! Meets cases with recorded state. Owns what follows from what was last confirmed, and what must be recorded anew
//! although nothing is written: since when a case has been undesired or disabled.

use std::collections::{BTreeMap, HashMap};

use super::pair::{CorrelateError, TargetFacts};
use super::{Case, Cases, Recorded, Side, traits};
use crate::discover::{Completeness, Scan, ScanSide};
use crate::model::{Attribute, AttributeMask, Fact, FactFlags, Holding, KeyHash, StateHash, Sym, Symbols, Time};

/// What a fact says is held, as far as the target stores it.
#[must_use]
pub fn holding(fact: &Fact, symbols: &Symbols, stores: AttributeMask) -> Holding {
    let text = |attribute, sym: Sym| if stores.has(attribute) { symbols.text(sym).to_owned() } else { String::new() };
    Holding {
        enabled: !stores.has(Attribute::Enabled) || !fact.flags.has(FactFlags::DISABLED),
        expires_at: if stores.has(Attribute::ExpiresAt) { fact.expires_at } else { Time::NONE },
        level: text(Attribute::Level, fact.level),
        owner: text(Attribute::Owner, fact.owner),
        purpose: text(Attribute::Purpose, fact.purpose),
    }
}

/// Hashes of states that were seen before: few states are held by many.
#[derive(Default)]
struct Hashes(HashMap<(bool, Sym, Time, Sym, Sym, u32), StateHash>);

impl Hashes {
    fn of(&mut self, fact: &Fact, symbols: &Symbols, stores: AttributeMask) -> StateHash {
        let disabled = fact.flags.has(FactFlags::DISABLED);
        let key = (disabled, fact.level, fact.expires_at, fact.owner, fact.purpose, stores.0);
        *self.0.entry(key).or_insert_with(|| StateHash::of(Some(&holding(fact, symbols, stores))))
    }
}

/// Merges recorded rows, ascending by key, with the cases. Rows without a case are passed over.
pub(super) fn merge<E>(
    cases: &mut Cases,
    recorded: impl Iterator<Item = Result<Recorded, E>>,
    stores: impl Fn(&Fact) -> AttributeMask,
    as_of: Time,
) -> Result<(), CorrelateError<E>> {
    let mut recorded = recorded.peekable();
    // A first run has nothing to meet, and need not sort for it.
    let all = if recorded.peek().is_some() { cases.cases.as_slice() } else { &[] };
    let mut order: Vec<(KeyHash, u32)> = (0u32..).zip(all).map(|(i, case)| (case.key, i)).collect();
    order.sort_unstable();
    let mut next = order.iter().peekable();
    let mut last: Option<KeyHash> = None;
    let mut hashes = Hashes::default();
    for row in recorded {
        let row = row.map_err(CorrelateError::Recorded)?;
        if last.replace(row.key).is_some_and(|last| last >= row.key) {
            return Err(CorrelateError::Unsorted { key: row.key });
        }
        while next.next_if(|(key, _)| *key < row.key).is_some() {}
        if row.flags & Recorded::WITHHELD != 0 && next.peek().is_none_or(|(key, _)| *key != row.key) {
            cases.unlisted.push(row);
        }
        while let Some((_, index)) = next.next_if(|(key, _)| *key == row.key) {
            let Some(case) = cases.cases.get_mut(*index as usize) else { continue };
            let observed = case.observed.and_then(|i| cases.snapshot.observed.get(i as usize));
            let now = observed.map_or(StateHash::ABSENT, |fact| hashes.of(fact, &cases.snapshot.symbols, stores(fact)));
            case.recorded = u32::try_from(cases.recorded.len()).ok();
            remember(case, &row, now);
            cases.recorded.push(row);
        }
    }
    cases.cases.iter_mut().for_each(|case| date(case, &cases.recorded, as_of));
    Ok(())
}

/// What the row says of the case.
fn remember(case: &mut Case, row: &Recorded, now: StateHash) {
    case.recorded_side = match row {
        row if row.is_closed() => Side::Absent,
        row if row.flags & Recorded::DISABLED != 0 => Side::Disabled,
        _ => Side::Present,
    };
    case.traits |= if row.flags & Recorded::CLAIMED != 0 { traits::CLAIMED } else { 0 };
    case.traits |= if row.is_closed() && row.flags & Recorded::WITHHELD != 0 { traits::WITHHELD } else { 0 };
    if case.observed_side != Side::Unknown && now != row.state {
        case.traits |= traits::CHANGED;
    }
}

/// Since when it has been undesired or disabled. What was closed and came back without us was undesired ever since.
fn date(case: &mut Case, recorded: &[Recorded], as_of: Time) {
    let row = case.recorded.and_then(|i| recorded.get(i as usize));
    let first = |earlier: Option<Time>| earlier.filter(|time| time.is_some()).map_or(as_of, |time| time.min(as_of));
    if case.is_observed() && case.desired_side == Side::Absent {
        case.undesired_since = first(row.map(|row| row.since));
    }
    if case.observed_side == Side::Disabled {
        case.disabled_since = first(row.map(|row| row.disabled_since));
    }
}

/// Rows of recorded state that change although nothing is written: a case is seen undesired or disabled for the first
/// time, or no longer, or sources have stopped desiring what was taken away. A sighting claims nothing. Closed rows stay
/// closed, and what is unknown stays as it is.
pub fn sightings<'a>(cases: &'a Cases, targets: &'a BTreeMap<String, TargetFacts>) -> impl Iterator<Item = Recorded> + use<'a> {
    let symbols = &cases.snapshot.symbols;
    cases.here().filter_map(move |(_, case)| {
        if case.traits & traits::WITHHELD != 0 && case.desired_side == Side::Absent {
            let row = case.recorded.and_then(|i| cases.recorded.get(i as usize))?;
            return Some(Recorded { flags: row.flags & !Recorded::WITHHELD, ..*row });
        }
        let fact = case.is_observed().then(|| cases.native(case)).flatten()?;
        let row = case.recorded.and_then(|i| cases.recorded.get(i as usize));
        let known = row.map_or((Time::NONE, Time::NONE), |row| (row.since, row.disabled_since));
        let since = if case.desired_side == Side::Unknown { known.0 } else { case.undesired_since };
        if row.is_some_and(Recorded::is_closed) || (since, case.disabled_since) == known {
            return None;
        }
        let row = row.copied().unwrap_or_else(|| {
            let stores = targets.get(symbols.text(fact.target)).copied().unwrap_or_default().attributes;
            let state = StateHash::of(Some(&holding(fact, symbols, stores)));
            let disabled = if case.observed_side == Side::Disabled { Recorded::DISABLED } else { 0 };
            Recorded { flags: disabled, ..Recorded::new(case.key, state, 1) }
        });
        Some(Recorded { since, disabled_since: case.disabled_since, ..row })
    })
}

/// Rows that were withheld and that no source lists any more: from now on they may be desired anew. While a source could not
/// be read as a whole, nobody can tell.
pub fn withdrawn<'a>(unlisted: &'a [Recorded], scans: &[Scan]) -> impl Iterator<Item = Recorded> + use<'a> {
    let whole = scans.iter().all(|s| s.side == ScanSide::Observed || s.completeness == Completeness::Complete);
    unlisted.iter().filter(move |_| whole).map(|row| Recorded { flags: row.flags & !Recorded::WITHHELD, ..*row })
}
