//! Sets the cases of a file up as a host would meet them, and tells what it would do about a rule's answers. Owns no judgement:
//! deciding and planning are those of every plan, over targets that can do everything and scopes that were adopted before.

use std::collections::{BTreeMap, BTreeSet};

use trueup_cases::Columns;

use crate::correlate::{Batch, Case, Cases, Identity, Recorded, Side, WhyUnknown, traits};
use crate::decide::{Policy, TargetPolicy, decide};
use crate::discover::Snapshot;
use crate::ledger::Adoption;
use crate::link::Links;
use crate::model::{
    AttributeMask, CaseKey, Change, Digest, Encoder, Entitlement, Fact, FactFlags, IdentityKind, IdentityStatus, KeyHash, Mode,
    Person, Scope, Scopes, StateHash, Subject, Sym, Time,
};
use crate::plan::{Draft, HeldLine, Inputs, PLANNER, seal};
use crate::progress::Silent;
use crate::rule::{BatchVerdict, RuleFacts, VerdictColumns};

/// How long a change takes to land in a target of a case file, in seconds.
const LANDING_SECONDS: u32 = 60;

/// The cases of a file, with the bounds under which a host decides them.
pub struct Stage {
    /// The cases, as one batch.
    pub(crate) cases: Cases,
    as_of: Time,
    scopes: Scopes,
    targets: BTreeMap<String, TargetPolicy>,
    unsettled: BTreeSet<KeyHash>,
    spent: BTreeMap<String, u64>,
}

impl Stage {
    /// Sets up all columns of a file: none may be left out.
    #[must_use]
    pub fn of(columns: &Columns, as_of: Time) -> Self {
        let mut hand = Hand::new(columns);
        let (mut identities, mut cases, mut first) = (Vec::new(), Vec::new(), 0);
        for (index, &end) in columns.identity_ends.iter().enumerate() {
            let name = hand.sym(at(&columns.identity, index));
            hand.person(index, name);
            let mut encoder = Encoder::new("trueup.staged");
            encoder.number(index as i64);
            identities.push(Identity { name, digest: encoder.finish(), person: Some(index as u32), cases: first..end });
            for row in first..end {
                cases.push(hand.case(row as usize));
            }
            first = end;
        }
        let batch = Batch { identities: 0..identities.len() as u32, cases: 0..cases.len() as u32, too_large: false };
        let Hand { snapshot, recorded, scopes, .. } = hand;
        let targets = scopes.iter().map(|scope| (scope.target.clone(), everything())).collect();
        let cases = Cases {
            snapshot,
            links: Links::default(),
            recorded,
            unlisted: Vec::new(),
            apart: Vec::new(),
            identities,
            cases,
            batches: vec![batch],
        };
        Stage { cases, as_of, scopes: Scopes(scopes), targets, unsettled: BTreeSet::new(), spent: BTreeMap::new() }
    }

    /// What a host plans when the rule answers this: changes in plan order, and what is held, a line each.
    #[must_use]
    pub fn plan(&self, rule: &RuleFacts, answers: VerdictColumns) -> String {
        let answers = [BatchVerdict { result: Ok(answers), fuel: 0, log: Vec::new() }];
        let adoptions = self.adoptions(rule.module);
        let policy = self.policy(rule.module, &adoptions);
        let decided = decide(&self.cases, &answers, &policy, 1);
        let draft = Draft { cases: &self.cases, decided: &decided, policy, rule, inputs: self.inputs(rule) };
        let mut bytes = Vec::new();
        if let Err(error) = seal(&draft, 1, &mut bytes, &Silent) {
            return format!("there is no plan: {error}\n");
        }
        render(&String::from_utf8_lossy(&bytes))
    }

    /// The bounds under which it is decided.
    pub(crate) fn policy<'a>(&'a self, module: Digest, adoptions: &'a [Adoption]) -> Policy<'a> {
        let Stage { as_of, scopes, targets, unsettled, spent, .. } = self;
        Policy { as_of: *as_of, scopes, targets, adoptions, module, denials: &[], unsettled, spent }
    }

    /// Every scope was looked at under this rule: a case file says what a rule does every day.
    pub(crate) fn adoptions(&self, module: Digest) -> Vec<Adoption> {
        let bare = self.policy(module, &[]);
        let adopted = |(i, scope): (usize, &Scope)| Adoption {
            scope: bare.adoption_name(i),
            mode: scope.mode,
            module,
            at: Time::from_seconds(1),
        };
        self.scopes.0.iter().enumerate().map(adopted).collect()
    }

    fn inputs(&self, rule: &RuleFacts) -> Inputs {
        let none = Digest::of(b"");
        Inputs {
            amends: None,
            as_of: self.as_of,
            clock: Time::NONE,
            denials: None,
            facts: none,
            limits: None,
            planner: PLANNER,
            profile: rule.profile.clone(),
            recorded: none,
            rule: rule.label(),
            rule_module: rule.module,
            scopes: none,
            settings: none,
            tenant: "cases".to_owned(),
            undoes: None,
            unsettled: None,
            verdicts: none,
        }
    }
}

fn everything() -> TargetPolicy {
    TargetPolicy { attributes: AttributeMask::ALL, accounts: true, rotates: true, landing_bound: LANDING_SECONDS }
}

/// The lines of a plan for people.
fn render(plan: &str) -> String {
    let mut lines = Vec::new();
    for line in plan.lines() {
        if let Ok(change) = serde_json::from_str::<Change>(line) {
            let gates: Vec<&str> = change.gates.iter().map(|gate| gate.kind.name()).collect();
            let waits = if gates.is_empty() { String::new() } else { format!("; waits for {}", gates.join(", ")) };
            let Change { wave, tier, kind, key, reason, .. } = &change;
            let what = kind.name();
            lines.push(format!("wave {}  {what:<8} {key}  ({}; tier {tier}{waits})", wave.0, reason.code));
        } else if let Ok(held) = serde_json::from_str::<HeldLine>(line) {
            let HeldLine { by, effect, key, reason, .. } = &held;
            lines.push(format!("held by the {by}  {key}  ({effect}: {})", reason.code));
        }
    }
    if lines.is_empty() {
        lines.push("nothing is planned".to_owned());
    }
    lines.join("\n") + "\n"
}

fn at<T: Copy + Default>(column: &[T], row: usize) -> T {
    column.get(row).copied().unwrap_or_default()
}

/// Deals columns out into facts.
struct Hand<'a> {
    columns: &'a Columns,
    /// The symbol of each text.
    syms: Vec<Sym>,
    snapshot: Snapshot,
    recorded: Vec<Recorded>,
    scopes: Vec<Scope>,
}

impl<'a> Hand<'a> {
    fn new(columns: &'a Columns) -> Self {
        let mut snapshot = Snapshot::default();
        let (mut syms, mut from) = (Vec::new(), 0);
        for &end in &columns.text_ends {
            syms.push(snapshot.symbols.intern(columns.heap.get(from..end as usize).unwrap_or_default()));
            from = end as usize;
        }
        Hand { columns, syms, snapshot, recorded: Vec::new(), scopes: Vec::new() }
    }

    fn sym(&self, text: u32) -> Sym {
        at(&self.syms, text as usize)
    }

    fn person(&mut self, index: usize, identity: Sym) {
        let columns = self.columns;
        let kind = match at(&columns.identity_kind, index) {
            1 => IdentityKind::Person,
            2 => IdentityKind::Machine,
            3 => IdentityKind::Group,
            _ => IdentityKind::Unknown,
        };
        let status = match at(&columns.identity_status, index) {
            1 => IdentityStatus::Active,
            2 => IdentityStatus::OnLeave,
            3 => IdentityStatus::Leaving,
            4 => IdentityStatus::Left,
            _ => IdentityStatus::Unknown,
        };
        self.snapshot.people.push(Person {
            identity,
            kind,
            status,
            owner: self.sym(at(&columns.identity_owner, index)),
            unit: self.sym(at(&columns.identity_unit, index)),
            moved_at: Time::from_seconds(at(&columns.identity_moved_at, index)),
            ends_at: Time::from_seconds(at(&columns.identity_ends_at, index)),
        });
    }

    fn case(&mut self, row: usize) -> Case {
        let columns = self.columns;
        let sides = [at(&columns.desired, row), at(&columns.observed, row), at(&columns.recorded, row)].map(side);
        let [desired_side, observed_side, recorded_side] = sides;
        let (desired, observed) = (self.desired(row, desired_side), self.observed(row, observed_side));
        let bits = at(&columns.traits, row);
        let why = at(&columns.unknown_why, row);
        let name = |sym: u32| self.snapshot.symbols.text(self.sym(sym)).to_owned();
        let (target, holder) = (name(at(&columns.target, row)), name(at(&columns.holder, row)));
        let object = name(at(&columns.object, row));
        let key = CaseKey::hash(subject(at(&columns.subject, row)), &target, &holder, &object);
        Case {
            desired: Some(desired),
            observed: (observed_side != Side::Absent).then_some(observed),
            recorded: self.recorded(key, recorded_side, bits),
            key,
            desired_side,
            observed_side,
            recorded_side,
            desired_why: unknown(why & 0xf),
            observed_why: unknown(why >> 4),
            differs: at(&columns.differs, row),
            traits: bits,
            scope: self.scope(&target, bits),
            entitlement: self.entitlement(row, bits),
            undesired_since: Time::from_seconds(at(&columns.undesired_since, row)),
            disabled_since: Time::from_seconds(at(&columns.disabled_since, row)),
        }
    }

    fn fact(&self, row: usize, side: Side) -> Fact {
        let columns = self.columns;
        let [target, holder, object] =
            [&columns.target, &columns.holder, &columns.object].map(|column| self.sym(at(column, row)));
        let mut fact = Fact::new(subject(at(&columns.subject, row)), target, holder, object);
        fact.flags = FactFlags(if side == Side::Disabled { FactFlags::DISABLED } else { 0 });
        fact.owner = self.sym(at(&columns.owner, row));
        fact
    }

    fn desired(&mut self, row: usize, side: Side) -> u32 {
        let columns = self.columns;
        let mut fact = self.fact(row, side);
        fact.level = self.sym(at(&columns.desired_level, row));
        fact.purpose = self.sym(at(&columns.purpose, row));
        fact.record = self.sym(at(&columns.record, row));
        fact.approver = self.sym(at(&columns.approver, row));
        fact.replaces = self.sym(at(&columns.replaces, row));
        fact.not_before = Time::from_seconds(at(&columns.not_before, row));
        fact.expires_at = Time::from_seconds(at(&columns.desired_expires_at, row));
        self.snapshot.desired.push(fact);
        self.snapshot.desired.len() as u32 - 1
    }

    fn observed(&mut self, row: usize, side: Side) -> u32 {
        let (columns, bits) = (self.columns, at(&self.columns.traits, row));
        let mut fact = self.fact(row, side);
        if bits & traits::INHERITED != 0 {
            fact.flags.0 |= FactFlags::INHERITED;
        }
        if bits & traits::IMMUTABLE != 0 {
            fact.flags.0 |= FactFlags::IMMUTABLE;
        }
        fact.level = self.sym(at(&columns.observed_level, row));
        fact.purpose = self.sym(at(&columns.observed_purpose, row));
        fact.via = self.sym(at(&columns.via, row));
        fact.expires_at = Time::from_seconds(at(&columns.observed_expires_at, row));
        fact.last_used = Time::from_seconds(at(&columns.last_used, row));
        self.snapshot.observed.push(fact);
        self.snapshot.observed.len() as u32 - 1
    }

    fn recorded(&mut self, key: KeyHash, side: Side, bits: u32) -> Option<u32> {
        let flags = [
            (bits & traits::CLAIMED != 0, Recorded::CLAIMED),
            (side == Side::Disabled, Recorded::DISABLED),
            (bits & traits::WITHHELD != 0, Recorded::WITHHELD),
        ];
        let flags = flags.into_iter().filter(|(set, _)| *set).fold(0, |flags, (_, flag)| flags | flag);
        if side == Side::Absent && flags == 0 {
            return None;
        }
        let state = if side == Side::Absent { StateHash::ABSENT } else { StateHash(1) };
        self.recorded.push(Recorded { flags, ..Recorded::new(key, state, 1) });
        Some(self.recorded.len() as u32 - 1)
    }

    /// The first case of a target says whether extras stay there.
    fn scope(&mut self, target: &str, bits: u32) -> Option<u16> {
        let mode = if bits & traits::ADDITIVE != 0 { Mode::Additive } else { Mode::Authoritative };
        let found = self.scopes.iter().position(|scope| scope.target == target && scope.mode == mode);
        let index = found.unwrap_or_else(|| {
            self.scopes.push(Scope { target: target.to_owned(), objects: "*".to_owned(), mode });
            self.scopes.len() - 1
        });
        u16::try_from(index).ok()
    }

    fn entitlement(&mut self, row: usize, bits: u32) -> Option<u32> {
        let columns = self.columns;
        self.snapshot.entitlements.push(Entitlement {
            target: self.sym(at(&columns.target, row)),
            object: self.sym(at(&columns.object, row)),
            tier: at(&columns.tier, row),
            privileged: bits & traits::PRIVILEGED != 0,
            break_glass: bits & traits::BREAK_GLASS != 0,
            exclusion: self.sym(at(&columns.exclusion, row)),
            owner: Sym::EMPTY,
            min_holders: 0,
            parent: Sym::EMPTY,
        });
        u32::try_from(self.snapshot.entitlements.len() - 1).ok()
    }
}

const fn side(code: u8) -> Side {
    match code {
        0 => Side::Absent,
        1 => Side::Present,
        2 => Side::Disabled,
        _ => Side::Unknown,
    }
}

const fn subject(code: u8) -> Subject {
    match code {
        0 => Subject::Account,
        1 => Subject::Grant,
        _ => Subject::Credential,
    }
}

const fn unknown(code: u8) -> WhyUnknown {
    match code {
        0 => WhyUnknown::Known,
        1 => WhyUnknown::Incomplete,
        2 => WhyUnknown::Stale,
        3 => WhyUnknown::Uncovered,
        4 => WhyUnknown::Disputed,
        _ => WhyUnknown::Shrunk,
    }
}
