//! The estate and the plan of a seed: people, targets of every class, what they hold, what shall change. Owns no fault.

use std::collections::{BTreeMap, BTreeSet};

use trueup::commit::plain_key;
use trueup::ledger::Opening;
use trueup::model::{
    Attribute, CaseKey, Change, ChangeKind, Denial, Digest, Gate, GateKind, Holding, Lane, PlanId, Reason, State, StateHash,
    Subject, Time, Wave,
};
use trueup::target::{Class, Grade, Policies, Profile};

use super::rng::Rng;
use super::swarm::Swarm;

/// The instant of tick zero.
pub const START: i64 = 1_000_000;

/// The tenant.
pub const TENANT: &str = "sim";

/// The plan's name.
#[must_use]
pub fn plan_id() -> PlanId {
    PlanId(Digest::of(b"simulated plan"))
}

/// What a seed begins with.
pub struct Estate {
    /// What the targets can do, by name.
    pub profiles: BTreeMap<String, Profile>,
    /// What is held at tick zero.
    pub held: BTreeMap<CaseKey, Holding>,
    /// The plan, in plan order.
    pub changes: Vec<Change>,
    /// Who opens a gate, and from which tick on.
    pub openings: Vec<(i64, Opening)>,
    /// Denials that stand already, and lifted ones.
    pub denials: Vec<Denial>,
}

/// The classes, each with the name of its target.
pub const CLASSES: [(&str, Class); 7] = [
    ("k0", Class::K0),
    ("k1", Class::K1),
    ("k2", Class::K2),
    ("k3", Class::K3),
    ("k4", Class::K4),
    ("k5", Class::K5),
    ("k6", Class::K6),
];

/// Who else holds things, outside of the plan.
pub const STRANGERS: [&str; 2] = ["x0", "x1"];

impl Estate {
    /// The estate of a seed.
    pub fn new(rng: &mut Rng, swarm: &Swarm) -> Self {
        let profiles = CLASSES.iter().map(|(name, class)| ((*name).to_owned(), profile(rng, swarm, *class))).collect();
        let mut held = BTreeMap::new();
        let mut changes = changes(rng, &mut held);
        depend(rng, &mut changes);
        strangers(rng, &mut held);
        let openings = gates(rng, &mut changes);
        let denials = denials(rng, &changes);
        Estate { profiles, held, changes, openings, denials }
    }
}

fn profile(rng: &mut Rng, swarm: &Swarm, class: Class) -> Profile {
    use Attribute::{Enabled, ExpiresAt, Level, Owner, Purpose};
    let mut profile = Profile::new(class);
    profile.attributes = vec![Enabled, Level, ExpiresAt, Owner, Purpose];
    profile.landing_bound = rng.between(5, 40) as u32;
    profile.completion_bound = if class == Class::K6 { rng.between(50, 600) } else { rng.between(10, 150) } as u32;
    profile.parallel = rng.between(1, 8) as u32;
    if swarm.lag && rng.percent(60) {
        profile = profile.lagging(rng.between(1, 12) as u32);
        profile.lag_cap = profile.read_lag * rng.between(1, 4) as u32;
    }
    profile.policies = match rng.below(10) {
        0 => Policies::Whole,
        1 | 2 => Policies::Before(':'),
        _ => Policies::None,
    };
    if class == Class::K6 && rng.percent(60) {
        profile.grade = *rng.pick(&[Grade::E0, Grade::E1]);
    }
    if !swarm.stale && class == Class::K1 && rng.percent(10) {
        profile.grade = Grade::E1;
    }
    if swarm.weak && profile.is_readable() && rng.percent(30) {
        profile.grade = Grade::E2;
    }
    profile
}

/// A plan in plan order, and what it expects to be held before.
fn changes(rng: &mut Rng, held: &mut BTreeMap<CaseKey, Holding>) -> Vec<Change> {
    let (people, wanted) = (rng.between(2, 6), rng.between(20, 60) as usize);
    let objects: Vec<String> =
        (0..rng.between(2, 5)).map(|i| format!("{}:o{i}", if i % 2 == 0 { "team" } else { "role" })).collect();
    let favourite = rng.below(7) as usize;
    let favours = rng.percent(25);
    let mut taken = BTreeSet::new();
    let mut changes = Vec::new();
    for _ in 0..wanted * 3 {
        if changes.len() >= wanted {
            break;
        }
        let (target, class) = CLASSES[if favours && rng.percent(70) { favourite } else { rng.below(7) as usize }];
        let holder = format!("p{}", rng.below(people as u64));
        let account = rng.percent(20) && !matches!(class, Class::K2 | Class::K4);
        let subject = match class {
            Class::K4 => Subject::Credential,
            _ if account => Subject::Account,
            _ => Subject::Grant,
        };
        let object = if account { String::new() } else { rng.pick(&objects).clone() };
        let key = CaseKey { target: target.to_owned(), holder, subject, object };
        if !taken.insert(key.clone()) {
            continue;
        }
        changes.push(change(rng, class, key, held));
    }
    changes.sort_by(|a, b| (a.wave, a.step, a.rank, &a.key).cmp(&(b.wave, b.step, b.rank, &b.key)));
    changes
}

fn kind(rng: &mut Rng, class: Class, subject: Subject) -> ChangeKind {
    use ChangeKind::{Create, Delete, Disable, Enable, Extend, Grant, Issue, Reown, Revoke, Shorten, Update};
    match (class, subject) {
        (Class::K4, _) => *rng.pick(&[Issue, Issue, Issue, Revoke]),
        (Class::K3, Subject::Account) => *rng.pick(&[Create, Create, Disable]),
        (_, Subject::Account) => *rng.pick(&[Create, Create, Disable, Enable, Delete, Reown]),
        (Class::K0 | Class::K1 | Class::K2, _) => *rng.pick(&[Grant, Grant, Grant, Revoke, Revoke, Update, Extend, Shorten]),
        _ => *rng.pick(&[Grant, Grant, Revoke]),
    }
}

fn states(rng: &mut Rng, kind: ChangeKind) -> (State, State) {
    use ChangeKind::{Create, Delete, Disable, Enable, Extend, Grant, Issue, Reown, Revoke, Rotate, Shorten, Update};
    let expires = |at: i64| Time::from_seconds(START + at);
    let plain = Holding::default();
    let soon = if rng.percent(30) { expires(rng.between(20, 1_500)) } else { Time::NONE };
    match kind {
        Grant | Create | Issue | Rotate => (None, Some(Holding { expires_at: soon, ..plain })),
        Revoke | Delete => (Some(plain), None),
        Update => (Some(plain.clone()), Some(Holding { level: "high".to_owned(), ..plain })),
        Extend => {
            let first = rng.between(20, 500);
            let after = Holding { expires_at: expires(first + rng.between(10, 2_000)), ..plain.clone() };
            (Some(Holding { expires_at: expires(first), ..plain }), Some(after))
        }
        Shorten => (Some(plain.clone()), Some(Holding { expires_at: expires(rng.between(100, 3_000)), ..plain })),
        Enable => (Some(Holding { enabled: false, ..plain.clone() }), Some(plain)),
        Disable => (Some(plain.clone()), Some(Holding { enabled: false, ..plain })),
        Reown => (Some(plain.clone()), Some(Holding { owner: "ann".to_owned(), ..plain })),
    }
}

fn wave(rng: &mut Rng, kind: ChangeKind) -> Wave {
    match kind {
        ChangeKind::Create | ChangeKind::Enable => Wave::ACCOUNTS,
        ChangeKind::Revoke | ChangeKind::Shorten => *rng.pick(&[Wave::URGENT, Wave::EXCLUSIVE, Wave::REVOKES, Wave::REVOKES]),
        ChangeKind::Disable => *rng.pick(&[Wave::URGENT, Wave::DISABLES]),
        ChangeKind::Delete => Wave::DELETES,
        _ => Wave::GRANTS,
    }
}

fn change(rng: &mut Rng, class: Class, key: CaseKey, held: &mut BTreeMap<CaseKey, Holding>) -> Change {
    let kind = kind(rng, class, key.subject);
    let (before, after) = states(rng, kind);
    // Now and then the plan is out of date already, or has nothing to do.
    let found = match rng.below(40) {
        0 => Some(Holding { level: "odd".to_owned(), ..Holding::default() }),
        1 => after.clone(),
        _ => before.clone(),
    };
    if let Some(found) = found {
        held.insert(key.clone(), found);
    }
    let id = Change::id_of(TENANT, &key, kind, 1, StateHash::of(before.as_ref()), StateHash::of(after.as_ref()));
    let component = if rng.percent(80) { format!("identity {}", key.holder) } else { format!("{}/{}", key.target, key.holder) };
    Change {
        id,
        recorded_as: plain_key(&key).to_string(),
        component,
        depends: Vec::new(),
        disabled_since: Time::NONE,
        ends_at: Time::NONE,
        gates: Vec::new(),
        incarnation: 1,
        kind,
        lane: if class == Class::K6 {
            Lane::Manual
        } else {
            *rng.pick(&[Lane::Routine, Lane::Routine, Lane::Routine, Lane::Bulk])
        },
        not_before: if rng.percent(8) { Time::from_seconds(START + rng.between(1, 600)) } else { Time::NONE },
        rank: rng.between(-1, 1) as i16,
        reason: Reason { code: "sim".to_owned(), text: String::new() },
        record: String::new(),
        step: u16::from(rng.percent(20)),
        undesired_since: Time::NONE,
        withholds: false,
        tier: *rng.pick(&[0, 0, 0, 1, 1, 2, 3]),
        wave: wave(rng, kind),
        after,
        before,
        key,
    }
}

/// Edges to earlier changes, of the same identity and of others.
fn depend(rng: &mut Rng, changes: &mut [Change]) {
    for later in 1..changes.len() {
        if rng.percent(12) {
            let earlier = changes[rng.below(later as u64) as usize].id;
            changes[later].depends.push(earlier);
        }
    }
}

/// What is held besides: by people of the plan, and by others.
fn strangers(rng: &mut Rng, held: &mut BTreeMap<CaseKey, Holding>) {
    for (target, class) in CLASSES {
        for holder in STRANGERS.iter().copied().chain(["p0", "p1"]) {
            if rng.percent(40) {
                let subject = if class == Class::K4 { Subject::Credential } else { Subject::Grant };
                let key = CaseKey { target: target.to_owned(), holder: holder.to_owned(), subject, object: "team:o0".to_owned() };
                if STRANGERS.contains(&holder) {
                    held.entry(key).or_default();
                } else {
                    held.entry(CaseKey { object: "team:extra".to_owned(), ..key }).or_default();
                }
            }
        }
    }
}

/// Closes gates before some changes; most are opened some day.
fn gates(rng: &mut Rng, changes: &mut [Change]) -> Vec<(i64, Opening)> {
    let mut openings = Vec::new();
    for change in changes {
        if !rng.percent(12) {
            continue;
        }
        let gate = *rng.pick(&[GateKind::Approval, GateKind::Budget, GateKind::Adoption, GateKind::Shrink]);
        change.gates.push(Gate { kind: gate, scope: change.key.target.clone() });
        let at = match rng.below(6) {
            0 => continue,
            1 | 2 => rng.between(1, 500),
            _ => 0,
        };
        let opening =
            Opening { change: change.id, gate, by: "ann".to_owned(), why: "looked at".to_owned(), at: Time::from_seconds(START) };
        openings.push((at, opening));
    }
    openings
}

fn denials(rng: &mut Rng, changes: &[Change]) -> Vec<Denial> {
    let mut denials = Vec::new();
    let mut add = |key: &CaseKey, lifted: bool| {
        let at = Time::from_seconds(START - 500);
        denials.push(Denial {
            target: key.target.clone(),
            holder: key.holder.clone(),
            object: key.object.clone(),
            by: "ann".to_owned(),
            why: "left".to_owned(),
            at,
            settled_at: at.plus(60),
            lifted_at: if lifted { at.plus(90) } else { Time::NONE },
        });
    };
    if let Some(granted) = changes.iter().find(|change| change.before.is_none() && rng.percent(10)) {
        add(&granted.key, rng.percent(50));
    }
    denials
}
