//! A terse builder of cases and verdicts, for the tests of deciding and planning.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use super::{Policy, TargetPolicy};
use crate::correlate::{Batch, Case, Cases, Identity, Recorded, Side, WhyUnknown};
use crate::discover::{Completeness, Scan, ScanSide, Snapshot, Subjects};
use crate::ledger::Adoption;
use crate::link::Links;
use crate::model::{
    AttributeMask, CaseKey, Denial, Digest, Encoder, Entitlement, Fact, FactFlags, IdentityKind, IdentityStatus, KeyHash, Mode,
    Person, Scope, Scopes, Subject, Sym, Symbols, Time,
};
use crate::rule::{BatchVerdict, VerdictColumns};

/// The instant of all plans in tests.
pub(crate) const NOW: i64 = 1_000_000;
/// One hour.
pub(crate) const HOUR: i64 = 3_600;

/// What one side says beside being there.
#[derive(Clone, Default)]
pub(crate) struct Says {
    pub level: &'static str,
    pub owner: &'static str,
    pub purpose: &'static str,
    pub record: &'static str,
    pub approver: &'static str,
    pub via: &'static str,
    pub managed_by: &'static str,
    pub replaces: &'static str,
    pub spelled: &'static str,
    pub not_before: i64,
    pub expires_at: i64,
    pub last_used: i64,
}

/// One case.
#[derive(Clone)]
pub(crate) struct Row {
    pub who: String,
    pub subject: Subject,
    pub target: &'static str,
    pub object: String,
    pub desired: Side,
    pub observed: Side,
    pub want: Says,
    pub have: Says,
    /// Incarnation, whether it is closed, and since when.
    pub recorded: Option<(u32, bool, i64)>,
    pub differs: u32,
    pub traits: u32,
    pub scope: Option<u16>,
    pub disputed: bool,
    /// Tier, privileged, break-glass.
    pub catalogue: Option<(u8, bool, bool)>,
    /// More of the catalogue, for rows that are in it.
    pub exclusion: &'static str,
    pub min_holders: u16,
    pub parent: &'static str,
}

impl Row {
    pub(crate) fn new(who: &str, subject: Subject, object: &str, desired: Side, observed: Side) -> Row {
        Row {
            who: who.to_owned(),
            subject,
            target: "gh",
            object: object.to_owned(),
            desired,
            observed,
            want: Says::default(),
            have: Says::default(),
            recorded: None,
            differs: 0,
            traits: 0,
            scope: Some(0),
            disputed: false,
            catalogue: None,
            exclusion: "",
            min_holders: 0,
            parent: "",
        }
    }
}

/// A grant of "team:a" to "ann".
pub(crate) fn grant(desired: Side, observed: Side) -> Row {
    Row::new("ann", Subject::Grant, "team:a", desired, observed)
}

/// The account of "ann".
pub(crate) fn account(desired: Side, observed: Side) -> Row {
    Row::new("ann", Subject::Account, "", desired, observed)
}

/// A key of "ann" that has an owner and an end.
pub(crate) fn credential(desired: Side, observed: Side) -> Row {
    let want = Says { owner: "bob", expires_at: NOW + 100 * HOUR, ..Says::default() };
    Row { want, ..Row::new("ann", Subject::Credential, "key:k", desired, observed) }
}

/// A denial that stands; empty texts cover everything.
pub(crate) fn denial(target: &str, holder: &str, object: &str) -> Denial {
    let (target, holder, object) = (target.to_owned(), holder.to_owned(), object.to_owned());
    let (by, why) = ("eve".to_owned(), "a leak".to_owned());
    Denial { target, holder, object, by, why, at: Time::from_seconds(NOW - HOUR), settled_at: Time::NONE, lifted_at: Time::NONE }
}

/// One answer of a rule; `after` is an index into all cases.
#[derive(Clone, Copy, Default)]
pub(crate) struct Reply {
    pub effect: u8,
    pub reason: u16,
    pub mask: u32,
    pub tier: u8,
    pub rank: i16,
    pub after: Option<u32>,
    pub exclusive: bool,
    pub until: i64,
}

/// Policy with what it borrows.
pub(crate) struct World {
    pub scopes: Scopes,
    pub targets: BTreeMap<String, TargetPolicy>,
    pub adoptions: Vec<Adoption>,
    pub module: Digest,
    pub denials: Vec<Denial>,
    pub unsettled: BTreeSet<KeyHash>,
    pub spent: BTreeMap<String, u64>,
    /// Identities that left.
    pub left: BTreeSet<&'static str>,
}

impl World {
    /// Target "gh", wholly in this mode and adopted; it can do everything but rotate.
    pub(crate) fn new(mode: Mode) -> World {
        let target = TargetPolicy { attributes: AttributeMask::ALL, accounts: true, rotates: false, landing_bound: 60 };
        let scope = Scope { target: "gh".into(), objects: "*".into(), mode };
        let module = Digest::of(b"rule");
        let adoption = Adoption { scope: scope.name(), mode, module, at: Time::from_seconds(1) };
        World {
            scopes: Scopes(vec![scope]),
            targets: BTreeMap::from([("gh".to_owned(), target)]),
            adoptions: vec![adoption],
            module,
            denials: Vec::new(),
            unsettled: BTreeSet::new(),
            spent: BTreeMap::new(),
            left: BTreeSet::new(),
        }
    }

    pub(crate) fn policy(&self) -> Policy<'_> {
        Policy {
            as_of: Time::from_seconds(NOW),
            scopes: &self.scopes,
            targets: &self.targets,
            adoptions: &self.adoptions,
            module: self.module,
            denials: &self.denials,
            unsettled: &self.unsettled,
            spent: &self.spent,
        }
    }

    /// Builds the cases of these rows, `per_batch` identities to a batch.
    pub(crate) fn cases(&self, rows: &[Row], per_batch: usize) -> Cases {
        let mut snapshot = Snapshot { scans: vec![scan(ScanSide::Desired), scan(ScanSide::Observed)], ..Snapshot::default() };
        let mut by_identity: BTreeMap<Digest, Vec<&Row>> = BTreeMap::new();
        for row in rows {
            let mut encoder = Encoder::new("test.identity");
            encoder.text(&row.who);
            by_identity.entry(encoder.finish()).or_default().push(row);
        }
        for name in self.left.iter().chain([&"ann"]) {
            let status = if self.left.contains(name) { IdentityStatus::Left } else { IdentityStatus::Active };
            snapshot.people.push(person(snapshot.symbols.intern(name), status));
        }
        let (mut cases, mut identities, mut recorded) = (Vec::new(), Vec::new(), Vec::new());
        for (digest, rows) in by_identity {
            let first = cases.len() as u32;
            let name = rows.first().map_or(Sym::EMPTY, |row| snapshot.symbols.intern(&row.who));
            cases.extend(rows.iter().map(|row| case(row, &mut snapshot, &mut recorded)));
            let person = snapshot.people.iter().position(|p| p.identity == name).map(|i| i as u32);
            identities.push(Identity { name, digest, person, cases: first..cases.len() as u32 });
        }
        let batches = cut(&identities, per_batch);
        let same: Vec<Sym> = (0..snapshot.symbols.len() as u32).map(Sym).collect();
        let links = Links { holder: same.clone(), object: same, ..Links::default() };
        Cases { snapshot, links, recorded, unlisted: Vec::new(), identities, cases, batches, apart: Vec::new() }
    }
}

fn cut(identities: &[Identity], per_batch: usize) -> Vec<Batch> {
    let indices: Vec<usize> = (0..identities.len()).collect();
    let batches = indices.chunks(per_batch.max(1)).filter_map(|chunk| {
        let (first, last) = (*chunk.first()?, *chunk.last()?);
        let cases = identities.get(first)?.cases.start..identities.get(last)?.cases.end;
        Some(Batch { identities: first as u32..last as u32 + 1, cases, too_large: false })
    });
    batches.collect()
}

fn scan(side: ScanSide) -> Scan {
    Scan {
        source: "s".into(),
        side,
        target: "gh".into(),
        subjects: Subjects::ALL,
        read_at: Time::from_seconds(NOW - 10),
        rows: 0,
        completeness: Completeness::Complete,
        digest: Digest::of(b""),
    }
}

fn person(identity: Sym, status: IdentityStatus) -> Person {
    let kind = IdentityKind::Person;
    Person { identity, kind, status, owner: Sym::EMPTY, unit: Sym::EMPTY, moved_at: Time::NONE, ends_at: Time::NONE }
}

fn fact(row: &Row, says: &Says, side: Side, scan: u16, symbols: &mut Symbols) -> Fact {
    let holder = if says.spelled.is_empty() { row.who.clone() } else { says.spelled.to_owned() };
    let (target, holder, object) = (symbols.intern(row.target), symbols.intern(&holder), symbols.intern(&row.object));
    Fact {
        flags: FactFlags(if side == Side::Disabled { FactFlags::DISABLED } else { 0 }),
        scan,
        level: symbols.intern(says.level),
        owner: symbols.intern(says.owner),
        purpose: symbols.intern(says.purpose),
        record: symbols.intern(says.record),
        approver: symbols.intern(says.approver),
        via: symbols.intern(says.via),
        managed_by: symbols.intern(says.managed_by),
        replaces: symbols.intern(says.replaces),
        not_before: Time::from_seconds(says.not_before),
        expires_at: Time::from_seconds(says.expires_at),
        last_used: Time::from_seconds(says.last_used),
        ..Fact::new(row.subject, target, holder, object)
    }
}

fn case(row: &Row, snapshot: &mut Snapshot, recorded: &mut Vec<Recorded>) -> Case {
    let there = |side| matches!(side, Side::Present | Side::Disabled);
    let key = CaseKey::hash(row.subject, row.target, &row.who, &row.object);
    let known = |side| if side == Side::Unknown { WhyUnknown::Incomplete } else { WhyUnknown::Known };
    // A record that has lapsed is still shown, as correlation does.
    let desired = (there(row.desired) || !row.want.record.is_empty()).then(|| {
        let fact = fact(row, &row.want, row.desired, 0, &mut snapshot.symbols);
        snapshot.desired.push(fact);
        snapshot.desired.len() as u32 - 1
    });
    let observed = there(row.observed).then(|| {
        let fact = fact(row, &row.have, row.observed, 1, &mut snapshot.symbols);
        snapshot.observed.push(fact);
        snapshot.observed.len() as u32 - 1
    });
    let entitlement = row.catalogue.map(|(tier, privileged, break_glass)| {
        let (target, object) = (snapshot.symbols.intern(row.target), snapshot.symbols.intern(&row.object));
        let (exclusion, parent) = (snapshot.symbols.intern(row.exclusion), snapshot.symbols.intern(row.parent));
        let (owner, min_holders) = (Sym::EMPTY, row.min_holders);
        let entitlement = Entitlement { target, object, tier, privileged, break_glass, exclusion, owner, min_holders, parent };
        snapshot.entitlements.push(entitlement);
        snapshot.entitlements.len() as u32 - 1
    });
    let recorded_at = row.recorded.map(|(incarnation, closed, since)| {
        let state = crate::model::StateHash(u64::from(!closed));
        recorded.push(Recorded { since: Time::from_seconds(since), ..Recorded::new(key, state, incarnation) });
        recorded.len() as u32 - 1
    });
    Case {
        desired,
        observed,
        recorded: recorded_at,
        key,
        desired_side: row.desired,
        observed_side: row.observed,
        recorded_side: Side::Absent,
        desired_why: if row.disputed { WhyUnknown::Disputed } else { known(row.desired) },
        observed_why: known(row.observed),
        differs: row.differs,
        traits: row.traits,
        scope: row.scope,
        entitlement,
        undesired_since: Time::NONE,
        disabled_since: Time::NONE,
    }
}

/// Verdicts of all batches: what `answer` says of each case, by its index into all cases.
pub(crate) fn verdicts(cases: &Cases, answer: impl Fn(u32, &Case) -> Option<Reply>) -> Vec<BatchVerdict> {
    let judge = |batch: &Batch| {
        let mut columns = VerdictColumns::default();
        for index in batch.cases.clone() {
            let case = cases.cases.get(index as usize).unwrap();
            let Some(says) = answer(index, case) else { continue };
            columns.case.push(index - batch.cases.start);
            columns.effect.push(says.effect);
            columns.reason.push(says.reason);
            columns.mask.push(says.mask);
            columns.tier.push(says.tier);
            columns.rank.push(says.rank);
            columns.after.push(says.after.map_or(u32::MAX, |after| after.wrapping_sub(batch.cases.start)));
            columns.flags.push(u8::from(says.exclusive));
            columns.until.push(says.until);
        }
        BatchVerdict { result: Ok(columns), fuel: 0, log: Vec::new() }
    };
    cases.batches.iter().map(judge).collect()
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Dice(pub u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }

    pub(crate) fn side(&mut self) -> Side {
        match self.below(20) {
            0 => Side::Unknown,
            1..=3 => Side::Disabled,
            4..=10 => Side::Absent,
            _ => Side::Present,
        }
    }
}

/// An estate in which about everything occurs, with the rule's answers to it.
pub(crate) fn estate(seed: u64, people: u64) -> (Vec<Row>, impl Fn(u32, &Case) -> Option<Reply>) {
    let mut dice = Dice(seed);
    let mut rows = Vec::new();
    // Where each case stands among those of its identity, and how many these are.
    let mut places = BTreeMap::new();
    for person in 0..people {
        let count = 1 + dice.below(7) as u32;
        for at in 0..count {
            let row = any_row(&mut dice, person, at);
            places.insert(CaseKey::hash(row.subject, row.target, &row.who, &row.object), (at, count));
            rows.push(row);
        }
    }
    let answer = move |index: u32, case: &Case| {
        let mut dice = Dice(seed ^ (u64::from(index) << 17));
        dice.below(1);
        let (at, count) = places.get(&case.key).copied().unwrap_or((0, 1));
        (dice.below(8) != 0).then(|| Reply {
            effect: [0, 1, 1, 2, 2, 3, 4, 4, 5, 6][dice.below(10) as usize],
            reason: dice.below(3) as u16,
            mask: dice.below(32) as u32,
            tier: dice.below(4) as u8,
            rank: dice.below(5) as i16 - 2,
            after: match dice.below(4) {
                0 | 1 => Some(index - at + dice.below(u64::from(count)) as u32),
                2 if dice.below(8) == 0 => Some(index + 100),
                _ => None,
            },
            exclusive: dice.below(5) == 0,
            until: [0, 0, 0, NOW + HOUR / 2][dice.below(4) as usize],
        })
    };
    (rows, answer)
}

fn any_row(dice: &mut Dice, person: u64, at: u32) -> Row {
    let subject = match dice.below(3) {
        _ if at == 0 => Subject::Account,
        0 => Subject::Credential,
        _ => Subject::Grant,
    };
    let object = if subject == Subject::Account { String::new() } else { format!("team:{at}") };
    let mut row = Row::new(&format!("user{person}"), subject, &object, dice.side(), dice.side());
    row.differs = dice.below(32) as u32;
    row.traits = if dice.below(8) == 0 { dice.below(64) as u32 } else { 8 };
    row.want.expires_at = [0, 0, NOW - HOUR, NOW + HOUR, NOW + 9 * HOUR][dice.below(5) as usize];
    row.have.expires_at = [0, 0, NOW - HOUR, NOW + HOUR][dice.below(4) as usize];
    row.want.owner = ["", "bob"][dice.below(2) as usize];
    row.recorded = (dice.below(3) == 0).then(|| (1 + dice.below(3) as u32, dice.below(2) == 0, NOW - 20));
    row.scope = (dice.below(9) != 0).then_some(0);
    row.disputed = dice.below(100) == 0;
    row
}
