//! Small estates, made by hand.

use crate::correlate::{Batch, Case, Cases, Identity, Side, WhyUnknown};
use crate::discover::Snapshot;
use crate::link::Links;
use crate::model::{
    CaseKey, Digest, Entitlement, Fact, FactFlags, IdentityKind, IdentityStatus, Person, Subject, Sym, Symbols, Time,
};

/// Cases of the given identities, `count` each; every identity is a batch of its own.
pub(super) fn estate(identities: &[(&str, u32)]) -> Cases {
    let mut cases = Cases {
        snapshot: Snapshot::default(),
        links: Links::default(),
        unlisted: Vec::new(),
        recorded: Vec::new(),
        identities: Vec::new(),
        cases: Vec::new(),
        batches: Vec::new(),
        apart: Vec::new(),
    };
    for (index, &(name, count)) in identities.iter().enumerate() {
        push(&mut cases, index as u32, name, count);
    }
    cases
}

fn push(cases: &mut Cases, index: u32, name: &str, count: u32) {
    let first = cases.cases.len() as u32;
    let person = person(&mut cases.snapshot.symbols, index, name);
    cases.snapshot.people.push(person);
    (0..count).for_each(|n| push_case(cases, name, n));
    let range = first..first + count;
    cases.identities.push(Identity {
        name: person.identity,
        digest: Digest::of(name.as_bytes()),
        person: Some(index),
        cases: range.clone(),
    });
    cases.batches.push(Batch { identities: index..index + 1, cases: range, too_large: false });
}

fn person(symbols: &mut Symbols, index: u32, name: &str) -> Person {
    Person {
        identity: symbols.intern(name),
        kind: [IdentityKind::Person, IdentityKind::Machine][index as usize % 2],
        status: [IdentityStatus::Active, IdentityStatus::OnLeave, IdentityStatus::Left][index as usize % 3],
        owner: symbols.intern(&format!("boss of {name}")),
        unit: symbols.intern("sales"),
        moved_at: Time::from_seconds(1_000 + i64::from(index)),
        ends_at: Time::from_seconds(2_000 + i64::from(index)),
    }
}

/// One side of case `n`: every field has a value that tells which field it is.
fn fact(symbols: &mut Symbols, side: &str, name: &str, n: u32) -> Fact {
    let base = if side == "desired" { 10_000 } else { 20_000 };
    let mut text = |field: &str| symbols.intern(&format!("{side} {field} {n}"));
    let (level, owner, purpose) = (text("level"), text("owner"), text("purpose"));
    let (record, approver, via, replaces) = (text("record"), text("approver"), text("via"), text("replaces"));
    Fact {
        flags: FactFlags(0),
        level,
        owner: if side == "desired" && n % 2 == 1 { Sym::EMPTY } else { owner },
        purpose,
        record,
        approver,
        via,
        replaces,
        not_before: Time::from_seconds(base + i64::from(n)),
        expires_at: Time::from_seconds(base + 1_000 + i64::from(n)),
        last_used: Time::from_seconds(base + 2_000 + i64::from(n)),
        ..Fact::new(
            [Subject::Account, Subject::Grant, Subject::Credential][n as usize % 3],
            symbols.intern(["git", "cloud"][n as usize % 2]),
            symbols.intern(&if side == "desired" { name.to_uppercase() } else { name.to_owned() }),
            symbols.intern(&format!("repo:{n}")),
        )
    }
}

fn push_case(cases: &mut Cases, name: &str, n: u32) {
    let snapshot = &mut cases.snapshot;
    // Desired alone, observed alone, both.
    let desired = (n % 3 != 1).then(|| {
        let fact = fact(&mut snapshot.symbols, "desired", name, n);
        snapshot.desired.push(fact);
        snapshot.desired.len() as u32 - 1
    });
    let observed = (!n.is_multiple_of(3)).then(|| {
        let fact = fact(&mut snapshot.symbols, "observed", name, n);
        snapshot.observed.push(fact);
        snapshot.observed.len() as u32 - 1
    });
    let entitlement = (n % 4 == 2).then(|| {
        let entitlement = Entitlement {
            target: snapshot.symbols.intern("git"),
            object: snapshot.symbols.intern(&format!("repo:{n}")),
            tier: 3,
            privileged: true,
            break_glass: false,
            exclusion: snapshot.symbols.intern(&format!("group {n}")),
            owner: Sym::EMPTY,
            min_holders: 0,
            parent: Sym::EMPTY,
        };
        snapshot.entitlements.push(entitlement);
        snapshot.entitlements.len() as u32 - 1
    });
    cases.cases.push(Case {
        desired,
        observed,
        recorded: None,
        key: CaseKey::hash(Subject::Grant, "git", name, &n.to_string()),
        desired_side: if desired.is_some() { Side::Present } else { Side::Absent },
        observed_side: if observed.is_some() { Side::Disabled } else { Side::Unknown },
        recorded_side: Side::Absent,
        desired_why: WhyUnknown::Known,
        observed_why: if observed.is_some() { WhyUnknown::Known } else { WhyUnknown::Shrunk },
        differs: n % 32,
        traits: n % 128,
        scope: None,
        entitlement,
        undesired_since: Time::from_seconds(30_000 + i64::from(n)),
        disabled_since: Time::from_seconds(40_000 + i64::from(n)),
    });
}

/// The same estate over a dictionary that met the texts in another order.
pub(super) fn renumbered(identities: &[(&str, u32)]) -> Cases {
    let mut cases = estate(identities);
    let mut symbols = Symbols::default();
    let texts: Vec<String> = cases.snapshot.symbols.iter().map(|(_, text)| text.to_owned()).collect();
    let mut moved: Vec<Sym> = texts.iter().rev().map(|text| symbols.intern(text)).collect();
    moved.reverse();
    let to = |sym: &mut Sym| *sym = moved[sym.0 as usize];
    let all = |syms: &mut [&mut Sym]| syms.iter_mut().for_each(|sym| to(sym));
    let snapshot = &mut cases.snapshot;
    for f in snapshot.desired.iter_mut().chain(&mut snapshot.observed) {
        all(&mut [&mut f.target, &mut f.holder, &mut f.object, &mut f.level, &mut f.owner, &mut f.purpose]);
        all(&mut [&mut f.record, &mut f.approver, &mut f.via, &mut f.replaces]);
    }
    snapshot.people.iter_mut().for_each(|p| all(&mut [&mut p.identity, &mut p.owner, &mut p.unit]));
    snapshot.entitlements.iter_mut().for_each(|e| all(&mut [&mut e.target, &mut e.object, &mut e.exclusion]));
    cases.identities.iter_mut().for_each(|identity| to(&mut identity.name));
    cases.snapshot.symbols = symbols;
    cases
}
