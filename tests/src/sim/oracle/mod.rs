//! What must hold, whatever happens: judged from the plan, from what became durable, and from the targets' own journals.
//! Shares no code with the engine: statuses, namespaces and evidence are worked out here a second time. The first rule that
//! is broken is kept; each has its file: `sending` (before a request leaves), `effects` (what lands), `evidence` (what is
//! recorded), `joining` (the journals against the log), `ending` (what a run and the whole story come to).

mod effects;
mod ending;
mod evidence;
mod joining;
mod sending;

use std::collections::{BTreeMap, BTreeSet};

use trueup::commit::{End, Event, Outcome};
use trueup::model::{Change, ChangeId, Denial, GateKind, PlanId};
use trueup::target::{Class, Profile};

use super::target::Landed;

/// A rule was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which: a guarantee's or an invariant's id.
    pub rule: &'static str,
    /// How.
    pub words: String,
    /// When.
    pub tick: i64,
}

/// A change as the oracle names it: the plan's, or an emergency's (`true`) of the same name.
pub type Who = (bool, ChangeId);

/// What the durable events of a change say, in the oracle's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Nothing of it can be on its way.
    Fresh,
    /// It may be on its way.
    Sent,
    /// A person has it.
    Manual,
    /// It was acknowledged or seen.
    Applied,
    /// The case moved, or the target refused: about to end.
    Over,
    /// Confirmed.
    Confirmed,
    /// Ended, by name.
    Ended(&'static str),
}

/// What is known of one change.
pub(super) struct Fact {
    pub change: Change,
    /// Its place in the plan; emergencies have none.
    pub index: Option<usize>,
    pub spaces: Vec<String>,
}

/// A request that can still take effect.
pub(super) struct Flight {
    pub who: Who,
    /// Who sent it, and the fence by which the target still judges it.
    pub epoch: u64,
    /// It was sent after another one took over, who cannot know of it until the target refuses it.
    pub stale: bool,
    pub fence: u64,
    pub target: String,
    pub spaces: Vec<String>,
}

/// Reads of one case for one change by one writer.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    /// Agreeing ones in a row since the last write.
    pub agree: u32,
    /// When the last agreeing one, and the last other one, was served.
    pub last: i64,
    pub missed: i64,
}

/// The state that a read showed last.
pub(super) type Shown = trueup::model::State;

/// One process.
#[derive(Default)]
pub(super) struct Writer {
    pub started: i64,
    pub fenced: bool,
    pub in_doubt: BTreeSet<Who>,
    pub opened: BTreeSet<(ChangeId, GateKind)>,
    pub first: BTreeSet<Who>,
    pub writes: BTreeMap<Who, u32>,
    pub sent: u64,
    pub throttled: BTreeMap<Who, i64>,
    pub reads: BTreeMap<Who, Reads>,
    pub shown: BTreeMap<Who, Shown>,
    pub announced: Vec<Denial>,
    pub confirmed: BTreeMap<(String, bool), u32>,
    pub settled_before: usize,
}

/// A denial on its way.
pub(super) struct Called {
    pub denial: Denial,
    pub announced: i64,
    pub durable: bool,
    pub settled: Option<i64>,
}

/// The judge.
pub struct Oracle {
    pub(super) plan: PlanId,
    pub(super) slice: usize,
    pub(super) order: Vec<ChangeId>,
    pub(super) profiles: BTreeMap<String, Profile>,
    pub(super) facts: BTreeMap<Who, Fact>,
    /// Durable events of each change, with the writer's epoch.
    pub(super) events: BTreeMap<Who, Vec<(u64, Event)>>,
    pub(super) writers: BTreeMap<u64, Writer>,
    pub(super) current: u64,
    pub(super) flights: BTreeMap<u64, Flight>,
    /// Changes that a stale owner had accepted before the target saw the new one's fence: nobody else hears of it.
    pub(super) unheard: BTreeSet<Who>,
    /// The highest fence that each target keeps.
    pub(super) fences: BTreeMap<String, u64>,
    pub(super) journal: Vec<Landed>,
    /// What durable leaves tell of intents.
    told: BTreeMap<Who, Vec<joining::Told>>,
    delivered_twice: BTreeMap<Who, u32>,
    /// Mutations that were matched with a leaf.
    pub joined: u64,
    pub(super) called: Vec<Called>,
    /// Whether reads lag longer than the profiles say.
    pub(super) misjudged: bool,
    /// Since when the clock has been wrong, and whether it stands still.
    pub(super) clock_off: Option<(i64, bool)>,
    broken: Option<Broken>,
}

impl Oracle {
    /// A judge of this plan.
    #[must_use]
    pub fn new(plan: PlanId, slice: usize, profiles: BTreeMap<String, Profile>, changes: &[Change], misjudged: bool) -> Self {
        let mut oracle = Oracle {
            plan,
            slice,
            order: changes.iter().map(|change| change.id).collect(),
            profiles,
            facts: BTreeMap::new(),
            events: BTreeMap::new(),
            writers: BTreeMap::new(),
            current: 0,
            flights: BTreeMap::new(),
            unheard: BTreeSet::new(),
            fences: BTreeMap::new(),
            journal: Vec::new(),
            told: BTreeMap::new(),
            delivered_twice: BTreeMap::new(),
            joined: 0,
            called: Vec::new(),
            misjudged,
            clock_off: None,
            broken: None,
        };
        for (index, change) in changes.iter().enumerate() {
            oracle.know(change, Some(index));
        }
        oracle
    }

    /// The first rule that was broken.
    #[must_use]
    pub const fn broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// A rule was broken.
    pub fn breaks(&mut self, rule: &'static str, tick: i64, words: String) {
        self.broken.get_or_insert(Broken { rule, words, tick });
    }

    pub(super) fn check(&mut self, holds: bool, rule: &'static str, tick: i64, words: impl FnOnce() -> String) {
        if !holds {
            self.breaks(rule, tick, words());
        }
    }

    fn know(&mut self, change: &Change, index: Option<usize>) {
        let spaces = self.profiles.get(&change.key.target).map(|profile| spaces(profile, change)).unwrap_or_default();
        let fact = Fact { change: change.clone(), index, spaces };
        self.facts.entry((index.is_none(), change.id)).or_insert(fact);
    }

    /// A newer plan took over: these are left of the old one, and nothing of them may be sent again.
    pub fn only(&mut self, changes: &[Change]) {
        // Slices are counted anew, and say nothing of places in the whole plan.
        (self.order, self.slice) = (changes.iter().map(|change| change.id).collect(), 0);
        for change in changes {
            if let Some(fact) = self.facts.get_mut(&(false, change.id)) {
                fact.change.gates.clone_from(&change.gates);
            }
        }
    }

    /// A change ended because a newer plan took over.
    pub fn replanned(&mut self, change: ChangeId, event: Event) {
        self.events.entry((false, change)).or_default().push((self.current, event));
    }

    /// An emergency change came up.
    pub fn know_emergency(&mut self, change: &Change) {
        self.know(change, None);
    }

    /// A process takes over at an epoch.
    pub fn started(&mut self, epoch: u64, tick: i64, opened: BTreeSet<(ChangeId, GateKind)>, denials: &[Denial]) {
        self.current = epoch;
        let in_doubt = self.facts.keys().filter(|who| self.stand(**who) == Stand::Sent).copied().collect();
        let announced = denials.to_vec();
        self.writers.insert(epoch, Writer { started: tick, in_doubt, opened, announced, ..Writer::default() });
    }

    /// A denial was announced to a process.
    pub fn announced(&mut self, epoch: u64, tick: i64, denial: &Denial) {
        if !self.called.iter().any(|called| same_call(&called.denial, denial)) {
            let (durable, settled) = (denial.settled_at.is_some(), denial.settled_at.is_some().then_some(tick));
            self.called.push(Called { denial: denial.clone(), announced: tick, durable, settled });
        }
        if let Some(writer) = self.writers.get_mut(&epoch) {
            writer.announced.push(denial.clone());
        }
    }

    /// The clock goes wrong, or right again.
    pub const fn clock(&mut self, off: Option<(i64, bool)>) {
        self.clock_off = off;
    }

    /// Where a change stands by what is durable.
    #[must_use]
    pub fn stand(&self, who: Who) -> Stand {
        let Some((_, event)) = self.events.get(&who).and_then(|events| events.last()) else { return Stand::Fresh };
        stand_after(event)
    }

    pub(super) fn events_of(&self, who: Who) -> &[(u64, Event)] {
        self.events.get(&who).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn class(&self, target: &str) -> Class {
        self.profiles.get(target).map_or(Class::K0, |profile| profile.class)
    }
}

/// Where a change stands after an event: its last one tells it all.
fn stand_after(event: &Event) -> Stand {
    match event {
        Event::Intent { .. } => Stand::Sent,
        Event::Confirmed { .. } => Stand::Confirmed,
        Event::Ended { end, .. } => Stand::Ended(end_name(end)),
        Event::Outcome { outcome, .. } => match outcome {
            Outcome::Acked | Outcome::Observed | Outcome::Issued { .. } => Stand::Applied,
            Outcome::Throttled { .. } | Outcome::NotApplied => Stand::Fresh,
            Outcome::Ambiguous { .. } | Outcome::Accepted { .. } | Outcome::Orphaned { .. } => Stand::Sent,
            Outcome::Opened { .. } | Outcome::Claimed { .. } | Outcome::Overdue => Stand::Manual,
            _ => Stand::Over,
        },
        _ => Stand::Over,
    }
}

const fn end_name(end: &End) -> &'static str {
    match end {
        End::Superseded => "superseded",
        End::BlockedBy { .. } => "blocked_by",
        End::Expired => "expired",
        End::Failed => "failed",
        End::NotObserved => "not_observed",
        End::Replanned => "replanned",
        End::Denied => "denied",
        End::Unverifiable => "unverifiable",
        _ => "unheard of",
    }
}

/// What a change's writes must not overlap in.
fn spaces(profile: &Profile, change: &Change) -> Vec<String> {
    use trueup::target::Policies;
    let key = &change.key;
    let mut all = vec![format!("holder {}/{}", key.target, key.holder)];
    if !key.object.is_empty() {
        all.push(format!("object {}/{}", key.target, key.object));
        match profile.policies {
            Policies::Whole => all.push(format!("document {}", key.target)),
            Policies::Before(end) => {
                let document = key.object.rsplit_once(end).map_or(key.object.as_str(), |(first, _)| first);
                all.push(format!("document {}/{document}", key.target));
            }
            _ => {}
        }
    }
    all
}

/// Whether there is access once a change took effect.
pub(super) fn gives(change: &Change) -> bool {
    change.after.as_ref().is_some_and(|holding| holding.enabled)
}

pub(super) fn same_call(left: &Denial, right: &Denial) -> bool {
    (&left.target, &left.holder, &left.object, left.at) == (&right.target, &right.holder, &right.object, right.at)
}

pub(super) fn short(who: Who) -> String {
    format!("{}{}", if who.0 { "emergency " } else { "" }, who.1.0.short())
}
