//! Plans of random estates, executed in random orders that the barriers of committing allow, with failures: what the
//! catalogue demands holds after every single change.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use super::tests::{changes, seal_bytes};
use crate::correlate::{Case, Cases, Side};
use crate::decide::fixture::{Dice, HOUR, NOW, Reply, Row, Says, World, verdicts};
use crate::decide::{Decided, Refusal, decide};
use crate::model::{CaseKey, Change, ChangeId, ChangeKind, Mode, Subject};

const LEAST: usize = 2;
const OWNER: &str = "role:owner";
const GLASS: &str = "role:glass";
const PAYING: [&str; 3] = ["role:prepare", "role:approve", "role:audit"];
const KEYS: [(&str, &str); 3] = [("key:old", ""), ("key:one", "key:old"), ("key:two", "key:old")];

/// An estate of few people who hold few things, all of which the catalogue speaks of.
fn rows(dice: &mut Dice) -> Vec<Row> {
    let mut rows = Vec::new();
    for n in 0..3 + dice.below(4) {
        let who = format!("user{n}");
        let mut add = |dice: &mut Dice, subject, object: &str, change: &dyn Fn(&mut Row)| {
            let mut row = Row::new(&who, subject, object, dice.side(), dice.side());
            row.differs = 1;
            row.traits = 8;
            row.want.expires_at = NOW + 100 * HOUR;
            row.want.owner = "bob";
            let ends = if subject == Subject::Credential { NOW + HOUR } else { NOW - HOUR };
            row.have.expires_at = [0, 0, 0, NOW + HOUR, ends][dice.below(5) as usize];
            change(&mut row);
            rows.push(row);
        };
        if dice.below(2) == 0 {
            add(dice, Subject::Account, "", &|_| {});
        }
        for object in [OWNER, GLASS] {
            if dice.below(3) != 0 {
                add(dice, Subject::Grant, object, &|row| {
                    row.catalogue = Some((2, false, object == GLASS));
                    row.min_holders = if object == OWNER { LEAST as u16 } else { 0 };
                });
            }
        }
        for object in PAYING {
            if dice.below(2) == 0 {
                add(dice, Subject::Grant, object, &|row| {
                    row.catalogue = Some((1, false, false));
                    row.exclusion = "payments";
                });
            }
        }
        for (object, replaces) in KEYS {
            if dice.below(4) == 0 {
                add(dice, Subject::Credential, object, &|row| row.want = Says { replaces, ..row.want.clone() });
            }
        }
    }
    rows
}

fn reply(dice: &mut Dice, first: u32, count: u32) -> Option<Reply> {
    (dice.below(8) != 0).then(|| Reply {
        effect: [0, 1, 1, 1, 2, 2, 2, 3, 4, 6][dice.below(10) as usize],
        mask: 31,
        rank: dice.below(3) as i16 - 1,
        after: (dice.below(5) == 0).then(|| first + dice.below(u64::from(count)) as u32),
        exclusive: dice.below(4) == 0,
        until: [0, 0, 0, NOW + HOUR / 2][dice.below(4) as usize],
        ..Reply::default()
    })
}

fn planned(seed: u64) -> (World, Cases, Decided) {
    let mut dice = Dice(seed);
    let world = World::new(Mode::Authoritative);
    let cases = world.cases(&rows(&mut dice), 1 + dice.below(4) as usize);
    let identities: Vec<_> = cases.identities.iter().map(|identity| identity.cases.clone()).collect();
    let mut replies = Vec::new();
    for range in identities {
        replies.extend(range.clone().map(|_| reply(&mut dice, range.start, range.len() as u32)));
    }
    let decided = decide(&cases, &verdicts(&cases, |i, _| replies[i as usize]), &world.policy(), 2);
    (world, cases, decided)
}

/// What is held, and whether it works.
type State = BTreeMap<CaseKey, bool>;

struct Execution<'a> {
    cases: &'a Cases,
    state: State,
    found: State,
}

impl<'a> Execution<'a> {
    fn new(cases: &'a Cases) -> Self {
        let held = cases.cases.iter().filter(|case| case.observed_side != Side::Absent);
        // What nobody knows to work is held, and does not count as working; an account is believed to work.
        let works = |case: &Case, key: &CaseKey| match case.observed_side {
            Side::Unknown => key.subject == Subject::Account,
            side => side == Side::Present,
        };
        let state: State = held.filter_map(|case| cases.key(case).map(|key| (key.clone(), works(case, &key)))).collect();
        Execution { cases, found: state.clone(), state }
    }

    fn apply(&mut self, change: &Change) {
        match (&change.after, change.kind) {
            (None, _) => _ = self.state.remove(&change.key),
            // Access that is to end soon is no longer relied on.
            (Some(_), ChangeKind::Shorten) => _ = self.state.insert(change.key.clone(), false),
            (Some(after), _) => _ = self.state.insert(change.key.clone(), after.enabled),
        }
    }

    /// Who holds an object that works, through an account that works if there is one.
    fn holders(&self, state: &State, object: &str) -> usize {
        let is_account = |key: &CaseKey, holder: &str| key.subject == Subject::Account && key.holder == holder;
        let open = |holder: &str| {
            let mut all = self.cases.cases.iter().filter_map(|case| self.cases.key(case));
            !all.any(|key| is_account(&key, holder)) || state.iter().any(|(key, works)| is_account(key, holder) && *works)
        };
        let working = state.iter().filter(|(key, works)| key.object == object && **works && open(&key.holder));
        working.map(|(key, _)| &key.holder).collect::<BTreeSet<_>>().len()
    }

    /// What is not as it must be.
    fn wrong(&self) -> Option<String> {
        for (object, least) in [(OWNER, LEAST), (GLASS, 1)] {
            let (now, found) = (self.holders(&self.state, object), self.holders(&self.found, object));
            if now < least.min(found) {
                return Some(format!("{now} hold {object}, {found} did"));
            }
        }
        for identity in &self.cases.identities {
            let name = self.cases.snapshot.symbols.text(identity.name);
            let count =
                |state: &State| state.keys().filter(|key| key.holder == name && PAYING.contains(&key.object.as_str())).count();
            if count(&self.state) > count(&self.found).max(1) {
                return Some(format!("{name} holds {} of a group", count(&self.state)));
            }
        }
        let works = |key: &CaseKey| self.state.get(key).copied().unwrap_or(false);
        if !self.found.iter().any(|(key, worked)| key.object == "key:old" && *worked && !works(key)) {
            return None;
        }
        let desired = self.cases.cases.iter().filter(|case| case.is_desired()).filter_map(|case| self.cases.key(case));
        let mut new = desired.filter(|key| ["key:one", "key:two"].contains(&key.object.as_str()));
        new.find(|key| !works(key)).map(|key| format!("an old key is gone, and {key} does not work"))
    }
}

/// Executes a plan in an order that committing could choose; some changes fail. Says what went wrong, if anything.
fn execute(dice: &mut Dice, cases: &Cases, plan: &[Change], failures: bool) -> (usize, Option<String>) {
    let mut execution = Execution::new(cases);
    let mut left: Vec<&Change> = plan.iter().collect();
    let mut confirmed: BTreeSet<ChangeId> = BTreeSet::new();
    let place = |change: &Change| (change.wave, change.step);
    let mut done = 0;
    loop {
        let free = |change: &&&Change| {
            let earlier = |other: &&Change| other.component == change.component && place(other) < place(change);
            change.depends.iter().all(|id| confirmed.contains(id))
                && plan.iter().filter(|other| earlier(other)).all(|other| confirmed.contains(&other.id))
        };
        let free: Vec<usize> = left.iter().enumerate().filter(|(_, change)| free(change)).map(|(i, _)| i).collect();
        if free.is_empty() {
            return (done, None);
        }
        let change = left.remove(free[dice.below(free.len() as u64) as usize]);
        if failures && dice.below(8) == 0 {
            continue;
        }
        confirmed.insert(change.id);
        execution.apply(change);
        done += 1;
        if let Some(wrong) = execution.wrong() {
            return (done, Some(format!("after {} of {}: {wrong}", change.kind, change.key)));
        }
    }
}

#[test]
fn v13_v27_what_the_catalogue_demands_holds_after_every_change() {
    let mut refusals: BTreeMap<Refusal, u64> = BTreeMap::new();
    let (mut edges, mut found_without, mut done) = (0, 0, 0);
    for seed in 0..800 {
        let (world, cases, decided) = planned(seed);
        decided.held.iter().filter_map(|held| held.refusal).for_each(|refusal| *refusals.entry(refusal).or_default() += 1);
        edges += decided.edges.len();
        let plan = changes(&seal_bytes(&world, &cases, &decided, 1).1);
        let mut dice = Dice(seed ^ 0x5eed);
        for round in 0..4 {
            let (changes, wrong) = execute(&mut dice, &cases, &plan, round % 2 == 1);
            assert_eq!(wrong, None, "seed {seed}, round {round}");
            done += changes;
            assert!(round % 2 == 1 || changes == plan.len(), "seed {seed}: {changes} of {} could be executed", plan.len());
        }
        // In plan order too.
        let mut execution = Execution::new(&cases);
        for change in &plan {
            execution.apply(change);
            assert_eq!(execution.wrong(), None, "seed {seed}, in plan order, after {} of {}", change.kind, change.key);
        }
        // The test can fail: without the host's edges, some order breaks what they hold.
        if !decided.edges.is_empty() {
            let loose = Decided { edges: Vec::new(), ..decided };
            let plan = changes(&seal_bytes(&world, &cases, &loose, 1).1);
            found_without += (0..8).filter(|_| execute(&mut dice, &cases, &plan, false).1.is_some()).count();
        }
    }
    for refusal in [Refusal::Excluded, Refusal::LastHolder, Refusal::LastBreakGlass, Refusal::Unreplaced, Refusal::Cycle] {
        assert!(refusals.contains_key(&refusal), "{refusal:?} never occurred");
    }
    println!("{done} changes, {edges} edges, {found_without} violations without them, {refusals:?}");
    assert!(edges > 50, "{edges} edges");
    assert!(found_without > 50, "{found_without} violations were found without edges");
}
