//! An estate: what its sources mean and what its targets hold, on each day of a month. Every row is a function of the
//! profile, the seed and the day; only the stories' few players are kept. Owns no file.

use super::calendar::{self, DAYS};
use super::holdings::Slot;
use super::mess::Mess;
use super::month::{DesiredChange, apply, difference};
use super::population::{Identity, Population};
use super::rows::{AccountRow, EntitlementRow, GrantRow, ObservedRow, PersonRow};
use super::shape::{Profile, Shape};
use super::sources::{SourceFile, files};
use super::stories::{ForeignEdit, Script, Story};
use crate::model::Time;

/// Switches of an estate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether stories are played, and whether day 0 finds some access that was set up by hand. Without, what sources
    /// mean on a day is what targets hold once that day is reconciled, and nothing else ever moves.
    pub stories: bool,
    /// What goes wrong with files on every day, beside what the stories bring.
    pub mess: Mess,
}

impl Default for Options {
    fn default() -> Self {
        Options { stories: true, mess: Mess::default() }
    }
}

/// A generated estate. Cheap to make and to clone: it holds no rows.
#[derive(Clone, Debug)]
pub struct Estate {
    pub(super) population: Population,
    pub(super) script: Option<Script>,
    options: Options,
}

/// All rows of one identity that a pass over the sources needs.
pub(super) struct Listed {
    pub(super) person: Option<PersonRow>,
    pub(super) accounts: Vec<AccountRow>,
    pub(super) keys: Vec<GrantRow>,
    pub(super) grants: Vec<GrantRow>,
}

/// Targets that the stories play in. An estate with fewer has no stories.
const STAGE: u16 = 12;

impl Estate {
    /// An estate with its stories. The same profile and seed give the same rows, on every machine.
    #[must_use]
    pub fn new(profile: Profile, seed: u64) -> Self {
        Self::with(profile.shape(), seed, Options::default())
    }

    /// An estate of any size.
    #[must_use]
    pub fn with(shape: Shape, seed: u64, options: Options) -> Self {
        let population = Population::new(shape, seed);
        let script = (options.stories && shape.targets >= STAGE).then(|| Script::new(&population.catalogue));
        Estate { population, script, options }
    }

    /// The instant at which a day's sources are read.
    #[must_use]
    pub fn instant(day: u16) -> Time {
        calendar::instant(day)
    }

    /// The names of its targets.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.population.catalogue.targets.iter().map(|t| t.name.as_str())
    }

    /// The files of its sources.
    #[must_use]
    pub fn sources(&self) -> Vec<SourceFile> {
        let keys = self.population.shape.machines > 0 && self.population.shape.keys > 0 || self.script.is_some();
        files(&self.population.catalogue, keys, self.script.is_some())
    }

    /// What goes wrong with the files of a day.
    #[must_use]
    pub fn mess_on(&self, day: u16) -> Mess {
        let scripted = if self.script.is_some() { Mess::on(day) } else { Mess::default() };
        scripted.and(self.options.mess)
    }

    /// The stories, in order of their days.
    #[must_use]
    pub fn stories(&self) -> &[Story] {
        self.script.as_ref().map_or(&[], |script| &script.stories)
    }

    /// What people do in targets by hand on a day, before its plan is made.
    #[must_use]
    pub fn foreign_edits_on(&self, day: u16) -> Vec<ForeignEdit> {
        let edits = self.script.iter().flat_map(|script| &script.edits);
        edits.filter(|edit| edit.day == day).cloned().collect()
    }

    /// How many identities there are, players included.
    #[must_use]
    pub fn identities(&self) -> u32 {
        self.population.len() + self.script.as_ref().map_or(0, |script| script.members.len() as u32)
    }

    /// What is known of each identity on a day.
    pub fn people(&self, day: u16) -> impl Iterator<Item = PersonRow> {
        self.all().filter_map(move |who| match self.cast(who) {
            Some(member) => member.person_on(day),
            None => Some(self.population.person_row(&self.population.identity(who))),
        })
    }

    /// The grants that sources mean to list on a day, expired ones included where their source has not noticed yet.
    pub fn grants(&self, day: u16) -> impl Iterator<Item = GrantRow> {
        self.all().flat_map(move |who| match self.cast(who) {
            Some(member) => member.grants_on(day),
            None => {
                let (identity, slots) = self.drawn(who);
                self.population.grants(&identity, &slots, day)
            }
        })
    }

    /// The catalogue.
    pub fn entitlements(&self) -> impl Iterator<Item = EntitlementRow> {
        let catalogue = &self.population.catalogue;
        let drawn = catalogue.targets.iter().flat_map(move |t| (0..t.size).map(move |local| catalogue.row(t, local)));
        drawn.chain(self.script.iter().flat_map(|script| script.entitlements.iter().cloned()))
    }

    /// What targets hold on a day before its plan is made, if all that was meant on the day before has been reconciled:
    /// accounts, credentials and grants of each identity in turn. Day 0 is what was found: what is meant that day, and
    /// what drifted. What people do by hand on the day has happened.
    pub fn observed(&self, day: u16) -> impl Iterator<Item = ObservedRow> {
        let edits = self.foreign_edits_on(day);
        self.all().flat_map(move |who| {
            let mut rows = self.before(who, day);
            apply(&edits, self.cast(who).map_or("", |member| member.name.as_str()), &self.population.catalogue, &mut rows);
            rows
        })
    }

    /// What targets hold once all that is meant on a day has been reconciled. What is inherited or was never desired is
    /// not among it.
    pub fn reconciled(&self, day: u16) -> impl Iterator<Item = ObservedRow> {
        self.all().flat_map(move |who| self.held(who, day))
    }

    /// How what is meant on a day differs from the day before; nothing on day 0.
    pub fn changes_on(&self, day: u16) -> impl Iterator<Item = DesiredChange> {
        let days = day.checked_sub(1).filter(|_| day <= DAYS).map(|before| (before, day));
        days.into_iter().flat_map(move |(before, day)| {
            self.all()
                .filter(move |&who| self.may_turn(who, day))
                .flat_map(move |who| difference(self.name(who), self.held(who, before), self.held(who, day)))
        })
    }

    /// The rows that sources mean to list for one identity.
    pub(super) fn listed(&self, who: u32, day: u16) -> Listed {
        if let Some(member) = self.cast(who) {
            let (person, accounts) = (member.person_on(day), member.accounts_on(day));
            return Listed { person, accounts, keys: member.keys_on(day), grants: member.grants_on(day) };
        }
        let (identity, slots) = self.drawn(who);
        Listed {
            person: Some(self.population.person_row(&identity)),
            accounts: self.population.accounts(&identity, &slots),
            keys: self.population.keys(&identity),
            grants: self.population.grants(&identity, &slots, day),
        }
    }

    fn held(&self, who: u32, day: u16) -> Vec<ObservedRow> {
        if let Some(member) = self.cast(who) {
            return member.held(day);
        }
        let (identity, slots) = self.drawn(who);
        self.population.held(&identity, &slots, day)
    }

    fn before(&self, who: u32, day: u16) -> Vec<ObservedRow> {
        let before = day.saturating_sub(1);
        if let Some(member) = self.cast(who) {
            return member.held(before);
        }
        let (identity, slots) = self.drawn(who);
        let mut rows = self.population.held(&identity, &slots, before);
        let inherited = self.population.inherited(&identity, &rows);
        if day == 0 && self.options.stories {
            rows = self.population.found(&identity, &slots, rows);
        }
        rows.extend(inherited);
        rows
    }

    /// Whether what is meant for an identity may be another than the day before.
    fn may_turn(&self, who: u32, day: u16) -> bool {
        self.cast(who).is_some() || self.drawn(who).1.iter().any(|slot| slot.life.turns(day))
    }

    pub(super) fn all(&self) -> std::ops::Range<u32> {
        0..self.identities()
    }

    /// The player with this number; none for who is drawn.
    pub(super) fn cast(&self, who: u32) -> Option<&super::cast::Member> {
        let index = who.checked_sub(self.population.len())?;
        self.script.as_ref()?.members.get(index as usize)
    }

    fn drawn(&self, who: u32) -> (Identity, Vec<Slot>) {
        let identity = self.population.identity(who);
        let slots = self.population.slots(&identity);
        (identity, slots)
    }

    fn name(&self, who: u32) -> String {
        self.cast(who).map_or_else(|| self.population.identity(who).name, |member| member.name.clone())
    }
}
