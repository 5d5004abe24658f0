//! Which verdicts on one identity are lowered: found in one pass over its cases and their effects.

use std::collections::BTreeMap;

use trueup_guest::prelude::*;

use crate::combination::parse;
use crate::{Settings, Why};

/// What a case is going to be, as far as duties go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    /// It is held, or may be, and stays.
    Stays,
    /// It is to be given.
    Comes,
    /// It is held still, and is to be taken away.
    Goes,
    /// It is held, and is about to stop working: nothing stands in the way of that.
    Rests,
}

/// One entitlement in the hands of an identity.
#[derive(Clone, Copy)]
struct Part<'a> {
    case: Case<'a>,
    course: Course,
}

impl<'a> Part<'a> {
    fn entitlement(&self) -> (&'a str, &'a str) {
        (self.case.target(), self.case.object())
    }
}

/// What one identity must not hold together, ready to lower verdicts.
pub struct Duties<'a> {
    guards: BTreeMap<u32, Guard<Why>>,
    parts: Vec<Part<'a>>,
}

impl<'a> Duties<'a> {
    /// Looks at all cases of an identity, each with the effect that the rules before have on it.
    ///
    /// # Errors
    /// When a combination of the settings cannot be read.
    pub fn of(settings: &Settings, cases: impl Iterator<Item = (Case<'a>, Effect)>) -> Result<Self, Fault> {
        let parts = cases
            .filter(|(case, _)| !case.is_account())
            .filter_map(|(case, effect)| course(case, effect).map(|course| Part { case, course }));
        let mut duties = Duties { guards: BTreeMap::new(), parts: parts.collect() };
        duties.exclude();
        for text in &settings.toxic_combinations {
            let members = parse(text)?;
            duties.combine(&members, settings.break_combinations_from_tier);
        }
        Ok(duties)
    }

    /// What is said of a case, if anything.
    pub fn guard(&self, case: Case<'a>) -> Option<Guard<Why>> {
        self.guards.get(&case.index()).copied()
    }

    /// At most one of each exclusion group. That the old one goes before the new one comes is for the host.
    fn exclude(&mut self) {
        let mut groups: BTreeMap<&str, Vec<Part<'a>>> = BTreeMap::new();
        for part in self.parts.iter().filter(|part| part.course != Course::Goes) {
            if let Some(group) = part.case.exclusion() {
                groups.entry(group).or_default().push(*part);
            }
        }
        for group in groups.values() {
            for part in group {
                // One entitlement through two accounts is one of the group.
                let mut others = group.iter().filter(|other| other.entitlement() != part.entitlement());
                match part.course {
                    Course::Comes if others.next().is_some() => self.hold(*part, Why::ExclusiveSecond),
                    Course::Stays if others.any(|other| other.course != Course::Comes) => self.hold(*part, Why::ExclusiveHeld),
                    _ => {}
                }
            }
        }
    }

    /// Not all of one combination.
    fn combine(&mut self, members: &[(&str, &str)], break_from: i64) {
        let found: Vec<Vec<Part<'a>>> = members.iter().map(|member| self.find(*member)).collect();
        if found.iter().any(Vec::is_empty) {
            return;
        }
        let all = |courses: &[Course]| found.iter().all(|parts| parts.iter().any(|part| courses.contains(&part.course)));
        if all(&[Course::Stays, Course::Rests]) {
            self.stands(&found, break_from);
        }
        let why = match all(&[Course::Stays, Course::Rests, Course::Comes]) {
            true => Why::ToxicCombination,
            false => Why::ToxicWaits,
        };
        for part in found.iter().flatten().filter(|part| part.course == Course::Comes) {
            self.hold(*part, why);
        }
    }

    /// All of it is held, and stays: its last entitlement goes if that is risky enough and can go, else a person looks.
    fn stands(&mut self, found: &[Vec<Part<'a>>], break_from: i64) {
        let last = found.last().into_iter().flatten().filter(|part| matches!(part.course, Course::Stays | Course::Rests));
        let breaks = |part: &Part<'a>| i64::from(part.case.tier()) >= break_from && can_go(part.case);
        if last.clone().all(|part| part.course == Course::Stays && breaks(part)) {
            for part in last {
                self.guards.insert(part.case.index(), Guard::Absent(Why::ToxicBroken));
            }
            return;
        }
        for part in found.iter().flatten() {
            self.hold(*part, Why::ToxicHeld);
        }
    }

    fn find(&self, member: (&str, &str)) -> Vec<Part<'a>> {
        self.parts.iter().filter(|part| part.entitlement() == member).copied().collect()
    }

    /// What is said first stands.
    fn hold(&mut self, part: Part<'a>, why: Why) {
        if matches!(part.course, Course::Stays | Course::Comes) {
            self.guards.entry(part.case.index()).or_insert(Guard::Hold(why));
        }
    }
}

/// What a case is going to be; nothing when it is not held, and is not to be given. What nobody knows may be held.
fn course(case: Case<'_>, effect: Effect) -> Option<Course> {
    match (case.observed(), effect) {
        (Side::Absent, Effect::Present) => Some(Course::Comes),
        (Side::Absent, _) => None,
        (_, Effect::Absent) => Some(Course::Goes),
        (_, Effect::Disabled) => Some(Course::Rests),
        (_, Effect::TrueUp) if case.desired() == Side::Disabled => Some(Course::Rests),
        _ => Some(Course::Stays),
    }
}

/// Whether a plan may take it: not what is kept for emergencies, comes from elsewhere, is not ours to take, or may not be there.
fn can_go(case: Case<'_>) -> bool {
    let extra = case.is_additive() && !case.is_claimed();
    !case.is_inherited() && !case.is_immutable() && !case.is_break_glass() && !case.is_unknown() && !extra
}
