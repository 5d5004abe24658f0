//! What goes wrong between what is meant and what a file says. Owns the distortions and their days; never what is meant.

use std::borrow::Cow;

use super::names;
use super::population::place;
use super::rows::GrantRow;
use super::sources::System;

/// The day on which the export of crm is half empty.
pub(super) const HALF_EMPTY_DAY: u16 = 16;
/// The day from which some logins are spelled otherwise.
pub(super) const SPELLING_DAY: u16 = 18;
/// The day on which the wiki comes under management.
pub(super) const WIKI_DAY: u16 = 20;
/// The day from which the wiki's source lists all that is there.
pub(super) const WIKI_LISTED_DAY: u16 = 22;
/// The day from which the registry's source uses the organisation's new name.
pub(super) const RENAMED_DAY: u16 = 23;

/// Which distortions apply when sources are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mess {
    /// Some logins of the code hosts are spelled `Ada-Quill` for `ada-quill`.
    pub two_spellings: bool,
    /// The export of crm holds 45 % of its rows.
    pub half_empty: bool,
    /// One row of `grants.tsv` has an expiry that is no instant.
    pub malformed: bool,
    /// 70 % of the rows of `grants.tsv` are in `moved/grants.tsv` instead.
    pub moved: bool,
    /// The registry's organisation goes by its new name.
    pub renamed: bool,
    /// The wiki's source lists a third of what the wiki holds.
    pub unlisted: bool,
    /// `grants.tsv` holds no rows, as when another system takes over.
    pub emptied: bool,
}

/// One distortion, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessKind {
    /// See [`Mess::two_spellings`].
    TwoSpellings,
    /// See [`Mess::half_empty`].
    HalfEmpty,
    /// See [`Mess::malformed`].
    Malformed,
    /// See [`Mess::moved`].
    Moved,
    /// See [`Mess::renamed`].
    Renamed,
    /// See [`Mess::unlisted`].
    Unlisted,
    /// See [`Mess::emptied`].
    Emptied,
}

impl MessKind {
    /// All of them.
    pub const ALL: [MessKind; 7] = [
        MessKind::TwoSpellings,
        MessKind::HalfEmpty,
        MessKind::Malformed,
        MessKind::Moved,
        MessKind::Renamed,
        MessKind::Unlisted,
        MessKind::Emptied,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            MessKind::TwoSpellings => "two-spellings",
            MessKind::HalfEmpty => "half-empty",
            MessKind::Malformed => "malformed",
            MessKind::Moved => "moved",
            MessKind::Renamed => "renamed",
            MessKind::Unlisted => "unlisted",
            MessKind::Emptied => "emptied",
        }
    }

    /// What it does, in a few words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            MessKind::TwoSpellings => "some logins of the code hosts are spelled in two ways",
            MessKind::HalfEmpty => "the export of `crm` holds 45 % of its rows",
            MessKind::Malformed => "the end of one row of `grants.tsv` is no instant",
            MessKind::Moved => "70 % of the rows of `grants.tsv` are in `moved/grants.tsv`, which nobody reads",
            MessKind::Renamed => "the organisation of `registry` goes by a new name",
            MessKind::Unlisted => "a third of what `wiki` holds is listed",
            MessKind::Emptied => "`grants.tsv` holds no rows, as when another system takes over",
        }
    }

    /// The target without which it does nothing.
    #[must_use]
    pub const fn target(self) -> &'static str {
        match self {
            MessKind::TwoSpellings => "github",
            MessKind::HalfEmpty => "crm",
            MessKind::Malformed | MessKind::Moved | MessKind::Emptied => "directory",
            MessKind::Renamed => "registry",
            MessKind::Unlisted => "wiki",
        }
    }
}

impl FromIterator<MessKind> for Mess {
    fn from_iter<I: IntoIterator<Item = MessKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Mess::default(), |mut mess, kind| {
            match kind {
                MessKind::TwoSpellings => mess.two_spellings = true,
                MessKind::HalfEmpty => mess.half_empty = true,
                MessKind::Malformed => mess.malformed = true,
                MessKind::Moved => mess.moved = true,
                MessKind::Renamed => mess.renamed = true,
                MessKind::Unlisted => mess.unlisted = true,
                MessKind::Emptied => mess.emptied = true,
            }
            mess
        })
    }
}

impl Mess {
    /// What goes wrong on a day of the scripted month.
    #[must_use]
    pub fn on(day: u16) -> Self {
        Mess {
            two_spellings: day >= SPELLING_DAY,
            half_empty: day == HALF_EMPTY_DAY,
            malformed: false,
            moved: false,
            renamed: day >= RENAMED_DAY,
            unlisted: (WIKI_DAY..WIKI_LISTED_DAY).contains(&day),
            emptied: false,
        }
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Mess) -> Self {
        Mess {
            two_spellings: self.two_spellings || other.two_spellings,
            half_empty: self.half_empty || other.half_empty,
            malformed: self.malformed || other.malformed,
            moved: self.moved || other.moved,
            renamed: self.renamed || other.renamed,
            unlisted: self.unlisted || other.unlisted,
            emptied: self.emptied || other.emptied,
        }
    }
}

/// What becomes of one row of grants.
pub(super) enum Fate {
    /// It is written, perhaps distorted.
    Written,
    /// It is not written.
    Lost,
    /// It is written to another file.
    Moved,
}

/// How the rows of one identity come out.
pub(super) struct Distortion {
    mess: Mess,
    dice: super::dice::Dice,
    /// The protagonist of the spelling story.
    speller: bool,
    /// A protagonist: among the lost where some are lost, among the moved where some are moved.
    member: bool,
}

impl Distortion {
    pub(super) fn new(mess: Mess, dice: super::dice::Dice, name: &str, member: bool) -> Self {
        Distortion { mess, dice: dice.at(place::MESS), speller: name == super::stories::SPELLED, member }
    }

    /// Distorts the identity's row with this number, and says what becomes of it.
    pub(super) fn apply(&self, system: System, number: u64, row: &mut GrantRow) -> Fate {
        let Mess { two_spellings, half_empty, moved, renamed, unlisted, emptied, .. } = self.mess;
        let among = |salt, parts| self.member || self.dice.at(salt).at(number).chance(parts);
        match system {
            System::Crm if half_empty && among(0, 550_000) => return Fate::Lost,
            System::Wiki if unlisted && among(1, 650_000) => return Fate::Lost,
            System::Requests if emptied => return Fate::Lost,
            System::Requests if moved && among(2, 700_000) => return Fate::Moved,
            System::Git if two_spellings && (self.speller || self.dice.at(3).chance(2_000)) => {
                row.holder = names::respelled(&row.holder);
            }
            _ => {}
        }
        if renamed && row.target == "registry" {
            row.object = rename(&row.object).into_owned();
        }
        Fate::Written
    }
}

/// The object's name after the organisation's renaming.
fn rename(object: &str) -> Cow<'_, str> {
    match object.strip_prefix("repo:").and_then(|rest| rest.strip_prefix(names::ORG)) {
        Some(rest) => Cow::Owned(format!("repo:{}{rest}", names::ORG_RENAMED)),
        None => Cow::Borrowed(object),
    }
}

/// The prefixes of the registry's objects, before the renaming and after it: what an alias maps.
#[must_use]
pub fn renaming() -> (String, String) {
    (format!("repo:{}/", names::ORG), format!("repo:{}/", names::ORG_RENAMED))
}
