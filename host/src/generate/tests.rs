//! What the generator promises: the same bytes for the same seed, the published shapes, a month that adds up, and each
//! story in its place.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::model::{CaseKey, Digest, Holding, IdentityKind, IdentityStatus, Subject};

const STEADY: Options = Options {
    stories: false,
    mess: Mess {
        two_spellings: false,
        half_empty: false,
        malformed: false,
        moved: false,
        renamed: false,
        unlisted: false,
        emptied: false,
    },
};

fn small() -> Shape {
    Shape { people: 500, machines: 150, teams: 40, entitlements: 2_000, ..Profile::Demo.shape() }
}

fn digest(estate: &Estate, day: u16) -> Digest {
    let mut all = Vec::new();
    for (name, bytes) in estate.source_bytes(day).unwrap() {
        all.extend_from_slice(name.as_bytes());
        all.extend_from_slice(&bytes);
    }
    for row in estate.observed(day) {
        all.extend_from_slice(format!("{row:?}").as_bytes());
    }
    Digest::of(&all)
}

fn states(rows: impl Iterator<Item = ObservedRow>) -> BTreeMap<CaseKey, Holding> {
    let mut states = BTreeMap::new();
    for row in rows {
        let former = states.insert(row.key(), row.holding());
        assert_eq!(former, None, "{} is held twice", row.key());
    }
    states
}

#[test]
fn the_same_seed_gives_the_same_bytes_in_any_order_of_calls() {
    let (one, two) = (Estate::new(Profile::Demo, 42), Estate::new(Profile::Demo, 42));
    let forward = [0, 17].map(|day| digest(&one, day));
    let _ = two.changes_on(20).count();
    let backward = [17, 0].map(|day| digest(&two, day));
    assert_eq!(forward, [backward[1], backward[0]]);
    assert_ne!(forward[0], digest(&Estate::new(Profile::Demo, 43), 0));
}

/// What was generated stays what is generated: benchmarks and the demo's texts refer to it. Change this on purpose only.
#[test]
fn the_bytes_of_a_seed_are_those_of_every_machine() {
    assert_eq!(
        digest(&Estate::with(small(), 1, Options::default()), 0).to_string(),
        "3e4b0e64c1c5823c2359b4b6b9461394866c53dbc195b66eeb112827e5cc1074"
    );
}

/// Grants of each person on day 0, ascending.
fn per_person(shape: Shape) -> Vec<u32> {
    let mut all = Vec::new();
    for seed in 1..=2 {
        let estate = Estate::with(shape, seed, STEADY);
        let people = estate.people(0).filter(|p| p.kind == IdentityKind::Person && p.status != IdentityStatus::Left);
        let mut held: BTreeMap<String, u32> = people.map(|p| (p.identity, 0)).collect();
        for row in estate.grants(0) {
            held.entry(row.identity).and_modify(|n| *n += 1);
        }
        all.extend(held.into_values());
    }
    all.sort_unstable();
    all
}

/// Asserts that a measure is what was published, to so many percent.
fn near(what: &str, measured: f64, published: f64, percent: f64) {
    let off = (measured / published - 1.0).abs() * 100.0;
    assert!(off <= percent, "{what}: {measured:.1}, published {published:.1}, {off:.1} % off");
}

#[test]
fn people_hold_as_many_grants_as_published() {
    for (profile, mean, p50, p95, max) in
        [(Profile::Community, 4.2, Some(2.0), 14.0, 74.0), (Profile::Enterprise, 53.0, None, 346.0, 733.0)]
    {
        let held = per_person(profile.shape());
        let quantile = |q: usize| f64::from(held[held.len() * q / 1_000]);
        near("mean", held.iter().map(|&n| f64::from(n)).sum::<f64>() / held.len() as f64, mean, 3.0);
        if let Some(p50) = p50 {
            near("p50", quantile(500), p50, 0.0);
        }
        near("p95", quantile(950), p95, 5.0);
        near("max", f64::from(held[held.len() - 1]), max, 3.0);
    }
}

#[test]
fn one_entitlement_is_held_by_as_many_as_published() {
    let estate = Estate::with(Profile::Enterprise.shape(), 5, STEADY);
    let mut holders: BTreeMap<(String, String), u32> = BTreeMap::new();
    for row in estate.grants(0) {
        *holders.entry((row.target, row.object)).or_default() += 1;
    }
    let mut counts: Vec<u32> = holders.into_values().collect();
    counts.sort_unstable();
    let working = f64::from(Profile::Enterprise.shape().working());
    near("most holders, as a share", f64::from(counts[counts.len() - 1]) / working, 4_184.0 / 10_021.0, 5.0);
    assert!(counts[counts.len() / 2] <= 20, "most entitlements have few holders, not {}", counts[counts.len() / 2]);
}

#[test]
fn profiles_have_the_size_that_they_promise() {
    for (profile, identities, grants, targets) in [(Profile::Demo, 3_400, 100_000, 12), (Profile::S, 5_000, 100_000, 20)] {
        let estate = Estate::with(profile.shape(), 9, STEADY);
        assert_eq!((estate.people(0).count(), estate.targets().count()), (identities, targets));
        near(profile.name(), estate.grants(0).count() as f64, f64::from(grants), 2.0);
    }
    // The large ones by their identities' counts, which a sample shows to be what is drawn.
    for (profile, identities, grants, targets) in [(Profile::M, 50_000, 2_000_000, 100), (Profile::L, 250_000, 20_000_000, 400)] {
        let estate = Estate::with(profile.shape(), 9, STEADY);
        assert_eq!((estate.identities(), estate.targets().count()), (identities, targets));
        let population = &estate.population;
        let count = |who| if population.identity(who).gone { 0 } else { population.count(&population.identity(who)) };
        near(profile.name(), estate.all().map(count).sum::<u64>() as f64, f64::from(grants), 2.0);
        for who in estate.all().step_by(997) {
            let drawn = population.slots(&population.identity(who));
            assert_eq!(drawn.iter().filter(|slot| slot.life.listed(0)).count() as u64, count(who));
        }
    }
}

#[test]
fn machines_are_orphaned_dormant_and_keyed_as_published() {
    let shape = Shape { people: 640, machines: 20_000, ..Profile::N.shape() };
    let estate = Estate::with(shape, 3, STEADY);
    let people: BTreeMap<String, PersonRow> = estate.people(0).map(|p| (p.identity.clone(), p)).collect();
    let machines = || people.values().filter(|p| p.kind == IdentityKind::Machine);
    let orphan = |p: &&PersonRow| people.get(&p.owner).is_none_or(|owner| owner.status == IdentityStatus::Left);
    near("orphaned", machines().filter(orphan).count() as f64, 2_000.0, 6.0);
    let month = midnight(0).plus(-90 * 86_400);
    let (mut keys, mut accounts, mut dormant) = (0, BTreeSet::new(), BTreeSet::new());
    for row in estate.observed(0).filter(|row| people.contains_key(&row.holder)) {
        match row.subject {
            Subject::Credential => keys += 1,
            Subject::Account if people[&row.holder].kind == IdentityKind::Machine => {
                accounts.insert(row.holder.clone());
                if row.last_used < month {
                    dormant.insert(row.holder);
                }
            }
            _ => {}
        }
    }
    assert_eq!(accounts.len(), 20_000, "each machine has an account");
    near("dormant", dormant.len() as f64, 7_600.0, 4.0);
    near("keys", f64::from(keys), 30_000.0, 2.0);
}

#[test]
fn a_month_changes_as_much_as_published_or_as_asked_for() {
    for churn in [Profile::Demo.shape().churn, 300, 10_000] {
        let estate = Estate::with(Shape { churn, ..Profile::Demo.shape() }, 11, STEADY);
        let facts = estate.grants(0).count() as f64;
        let (mut added, mut removed, mut largest) = (0.0, 0.0, 0);
        for day in 1..=DAYS {
            let changes: Vec<DesiredChange> = estate.changes_on(day).collect();
            added += changes.iter().filter(|c| c.before.is_none()).count() as f64;
            removed += changes.iter().filter(|c| c.after.is_none()).count() as f64;
            largest = largest.max(changes.len());
        }
        near("facts a day, in millionths", (added + removed) / f64::from(DAYS) / facts * 1e6, f64::from(churn), 8.0);
        near("additions", added / (added + removed), 0.58, 5.0);
        let usual = f64::from(churn) / 1e6 * facts;
        assert!((largest as f64) < 5.0 * usual, "no day is far from the others: {largest}, usually {usual}");
    }
}

#[test]
fn on_a_bulk_day_one_grant_in_twenty_ends() {
    let estate = Estate::with(Shape { bulk_day: 17, ..small() }, 11, STEADY);
    let removed = |day| estate.changes_on(day).filter(|change| change.after.is_none()).count() as f64;
    near("removals", removed(17) / estate.grants(0).count() as f64, 0.05, 10.0);
    assert!(removed(16) * 10.0 < removed(17) && removed(18) * 10.0 < removed(17));
}

#[test]
fn every_change_of_a_month_starts_from_what_was_there() {
    let estate = Estate::with(small(), 4, Options::default());
    let mut now = states(estate.reconciled(0));
    for day in 1..=DAYS {
        for change in estate.changes_on(day) {
            let before = match change.after {
                Some(after) => now.insert(change.key.clone(), after),
                None => now.remove(&change.key),
            };
            assert_eq!(before, change.before, "day {day}: {}", change.key);
        }
        assert_eq!(now, states(estate.reconciled(day)), "day {day}");
    }
}

#[test]
fn without_stories_targets_hold_what_was_meant_the_day_before() {
    let estate = Estate::with(small(), 4, STEADY);
    for day in [0, 1, 9, DAYS] {
        let direct = states(estate.observed(day).filter(|row| row.via.is_empty()));
        assert_eq!(direct, states(estate.reconciled(day.saturating_sub(1))), "day {day}");
        let at = instant(day);
        let listed: BTreeSet<_> = estate.grants(day).filter(|r| r.live_at(at)).map(|r| (r.target, r.holder, r.object)).collect();
        let grants = estate.reconciled(day).filter(|row| row.subject == Subject::Grant);
        assert_eq!(listed, grants.map(|r| (r.target, r.holder, r.object)).collect(), "day {day}");
    }
}

#[test]
fn what_is_inherited_is_desired_by_nobody() {
    let estate = Estate::with(small(), 4, Options::default());
    let held = states(estate.observed(3));
    let inherited: Vec<ObservedRow> = estate.observed(3).filter(|row| !row.via.is_empty()).collect();
    assert!(inherited.len() > 5, "{}", inherited.len());
    let desired: BTreeSet<String> = estate.grants(3).map(|row| row.object).collect();
    for row in inherited {
        assert!(!desired.contains(&row.object));
        assert!(held.contains_key(&CaseKey { object: row.via.clone(), ..row.key() }), "{} has its parent", row.key());
    }
}

#[test]
fn rows_name_what_the_catalogue_and_the_directory_know() {
    let estate = Estate::with(small(), 8, Options::default());
    let known: BTreeSet<(String, String)> = estate.entitlements().map(|e| (e.target, e.object)).collect();
    for day in [0, 15, DAYS] {
        let people: BTreeSet<String> = estate.people(day).map(|p| p.identity).collect();
        let accounts: BTreeSet<(String, String)> =
            estate.all().flat_map(|who| estate.listed(who, day).accounts).map(|a| (a.target, a.holder)).collect();
        for row in estate.grants(day) {
            assert!(known.contains(&(row.target.clone(), row.object.clone())), "{row:?}");
            assert!(accounts.contains(&(row.target.clone(), row.holder.clone())), "{row:?}");
            assert!(people.contains(&row.identity) && people.contains(&row.approver), "{row:?}");
            assert_ne!(row.identity, row.approver, "{row:?}");
        }
    }
}

#[test]
fn nobody_holds_what_excludes_each_other_but_the_one_in_the_story() {
    let estate = Estate::with(Profile::Demo.shape(), 2, Options::default());
    let exclusion: BTreeMap<(String, String), String> =
        estate.entitlements().filter(|e| !e.exclusion.is_empty()).map(|e| ((e.target, e.object), e.exclusion)).collect();
    let mut held: BTreeMap<(String, &str), u32> = BTreeMap::new();
    for row in estate.grants(DAYS) {
        if let Some(group) = exclusion.get(&(row.target, row.object)) {
            *held.entry((row.identity, group)).or_default() += 1;
        }
    }
    let both: Vec<_> = held.iter().filter(|&(_, &n)| n > 1).map(|((who, _), _)| who.as_str()).collect();
    assert_eq!((both, held.len() > 100), (vec!["noemi.sparrow"], true));
}

#[cfg(feature = "files")]
mod read;
mod scripted;
