//! Which files an estate's sources are, and for which targets each of them speaks. Writes none.

use super::catalogue::{Catalogue, Class, TargetSpec};
use super::mess::WIKI_DAY;

/// A system whose record decides who is granted what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum System {
    /// Access requests: everything that nothing else decides.
    Requests,
    /// A repository of teams' files.
    Git,
    /// The infrastructure's declared state.
    Cloud,
    /// An export of the business application's own list.
    Crm,
    /// The wiki's spaces; managed only from some day of the month on.
    Wiki,
}

impl System {
    pub(super) const ALL: [System; 5] = [System::Requests, System::Git, System::Cloud, System::Crm, System::Wiki];

    /// Which system decides over a target.
    pub(super) fn of(target: &TargetSpec) -> Self {
        match (target.class, target.name.as_str()) {
            (Class::Code | Class::Registry, _) => System::Git,
            (Class::Cloud, _) => System::Cloud,
            (_, "crm") => System::Crm,
            (_, "wiki") => System::Wiki,
            _ => System::Requests,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            System::Requests => "requests",
            System::Git => "git",
            System::Cloud => "cloud",
            System::Crm => "crm-export",
            System::Wiki => "wiki-spaces",
        }
    }

    /// Its file.
    pub(super) const fn file(self) -> &'static str {
        match self {
            System::Requests => "grants.tsv",
            System::Git => "grants-git.tsv",
            System::Cloud => "grants-cloud.tsv",
            System::Crm => "grants-crm.tsv",
            System::Wiki => "grants-wiki.tsv",
        }
    }
}

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// Identities, as JSON Lines.
    People,
    /// Accounts, as JSON Lines.
    Accounts,
    /// Credentials, as JSON Lines.
    Credentials,
    /// The catalogue, as JSON Lines.
    Entitlements,
    /// Grants, as TSV with a header.
    Grants,
}

/// One file of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The source's name.
    pub name: &'static str,
    /// The file's name in the directory.
    pub file: &'static str,
    /// What its rows are.
    pub kind: FileKind,
    /// The targets that it speaks for; none for identities and the catalogue.
    pub covers: Vec<String>,
    /// Whether a manifest beside it says how many rows there are.
    pub manifest: bool,
    /// The first day on which it exists; before, its targets are not managed.
    pub from_day: u16,
}

/// The files of an estate, one for each that has any target to speak for. Scripted: the wiki comes under management
/// only in the course of the month.
pub(super) fn files(catalogue: &Catalogue, keys: bool, scripted: bool) -> Vec<SourceFile> {
    let covered = |system: Option<System>| {
        let speaks = |t: &&TargetSpec| system.is_none_or(|s| System::of(t) == s);
        catalogue.targets.iter().filter(speaks).map(|t| t.name.clone()).collect::<Vec<String>>()
    };
    let plain = |name, file, kind, covers| SourceFile { name, file, kind, covers, manifest: true, from_day: 0 };
    let mut files = vec![
        plain("hr", "people.jsonl", FileKind::People, Vec::new()),
        plain("catalogue", "entitlements.jsonl", FileKind::Entitlements, Vec::new()),
        plain("directory-accounts", "accounts.jsonl", FileKind::Accounts, covered(None)),
    ];
    if keys {
        files.push(plain("key-registry", "credentials.jsonl", FileKind::Credentials, covered(None)));
    }
    let grants = System::ALL.map(|system| SourceFile {
        manifest: system != System::Crm,
        from_day: if scripted && system == System::Wiki { WIKI_DAY } else { 0 },
        ..plain(system.name(), system.file(), FileKind::Grants, covered(Some(system)))
    });
    files.extend(grants.into_iter().filter(|file| !file.covers.is_empty()));
    files
}
