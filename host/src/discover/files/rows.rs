//! Turns cells into rows of a page. Owns aliases, levels in keys, and what each kind of row must have.

use super::alias::Aliases;
use super::cells::{Cell, Cells, Problem};
use super::{Field, FileConfig, RowKind};
use crate::discover::Page;
use crate::limits::PAGE_ROWS;
use crate::model::{Entitlement, Fact, FactFlags, IdentityKind, IdentityStatus, Person, Subject, Sym};

const KINDS: [(&str, IdentityKind); 4] = [
    ("person", IdentityKind::Person),
    ("machine", IdentityKind::Machine),
    ("group", IdentityKind::Group),
    ("unknown", IdentityKind::Unknown),
];

const STATUSES: [(&str, IdentityStatus); 5] = [
    ("active", IdentityStatus::Active),
    ("on_leave", IdentityStatus::OnLeave),
    ("leaving", IdentityStatus::Leaving),
    ("left", IdentityStatus::Left),
    ("unknown", IdentityStatus::Unknown),
];

/// What a row of a mixed file is.
#[derive(Clone, Copy)]
enum Mixed {
    Fact(Subject),
    Person,
    Entitlement,
}

const MIXED: [(&str, Mixed); 7] = [
    ("grant", Mixed::Fact(Subject::Grant)),
    ("account", Mixed::Fact(Subject::Account)),
    ("credential", Mixed::Fact(Subject::Credential)),
    ("person", Mixed::Person),
    ("machine", Mixed::Person),
    ("group", Mixed::Person),
    ("entitlement", Mixed::Entitlement),
];

/// A page in the making.
pub(super) struct Rows<'c> {
    config: &'c FileConfig,
    aliases: &'c Aliases,
    pub(super) page: Page,
    /// What each field held last: neighbours often hold the same, and comparing costs less than hashing.
    last: [Sym; Field::COUNT],
    scratch: String,
    key: String,
}

/// The record of a row whose file names none. Not the file's name: splitting a file changes no fact.
const LISTED: &str = "listed";

impl<'c> Rows<'c> {
    pub(super) fn new(config: &'c FileConfig, aliases: &'c Aliases) -> Self {
        let last = [Sym::EMPTY; Field::COUNT];
        let mut page = Page::default();
        page.symbols.reserve(PAGE_ROWS as usize);
        page.facts.reserve(PAGE_ROWS as usize);
        Rows { config, aliases, page, last, scratch: String::new(), key: String::new() }
    }

    /// Adds a row.
    pub(super) fn add(&mut self, cells: &Cells<'_>, line: u64) -> Result<(), Problem> {
        match self.config.kind {
            RowKind::Grants => self.fact(Subject::Grant, cells, line),
            RowKind::Accounts => self.fact(Subject::Account, cells, line),
            RowKind::Credentials => self.fact(Subject::Credential, cells, line),
            RowKind::People => self.person(cells),
            RowKind::Entitlements => self.entitlement(cells),
            RowKind::Mixed => match cells.one_of(Field::Kind, None, &MIXED)? {
                Mixed::Fact(subject) => self.fact(subject, cells, line),
                Mixed::Person => self.person(cells),
                Mixed::Entitlement => self.entitlement(cells),
            },
        }
    }

    fn fact(&mut self, subject: Subject, cells: &Cells<'_>, line: u64) -> Result<(), Problem> {
        let target = match &self.config.target {
            Some(target) => intern(&mut self.page, &mut self.last, Field::Target, target),
            None => self.plain(Field::Target, cells.required(Field::Target)?),
        };
        let holder = self.named(Field::Holder, cells.required(Field::Holder)?);
        let (object, level) = match subject {
            Subject::Account => (Sym::EMPTY, self.text(cells, Field::Level)?),
            Subject::Grant | Subject::Credential => self.object(cells)?,
        };
        let enabled = cells.mark(Field::Enabled, true)?;
        let fact = Fact {
            flags: FactFlags(if enabled { 0 } else { FactFlags::DISABLED }),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            level,
            identity: self.text(cells, Field::Identity)?,
            owner: self.text(cells, Field::Owner)?,
            purpose: self.text(cells, Field::Purpose)?,
            record: self.record(cells)?,
            approver: self.text(cells, Field::Approver)?,
            replaces: self.named(Field::Replaces, cells.text(Field::Replaces)?),
            not_before: cells.time(Field::NotBefore)?,
            expires_at: cells.time(Field::ExpiresAt)?,
            last_used: cells.time(Field::LastUsed)?,
            ..Fact::new(subject, target, holder, object)
        };
        self.page.facts.push(fact);
        Ok(())
    }

    fn person(&mut self, cells: &Cells<'_>) -> Result<(), Problem> {
        let person = Person {
            identity: self.plain(Field::Identity, cells.required(Field::Identity)?),
            kind: cells.one_of(Field::Kind, Some(IdentityKind::Unknown), &KINDS)?,
            status: cells.one_of(Field::Status, Some(IdentityStatus::Unknown), &STATUSES)?,
            owner: self.text(cells, Field::Owner)?,
            unit: self.text(cells, Field::Unit)?,
            moved_at: cells.time(Field::MovedAt)?,
            ends_at: cells.time(Field::EndsAt)?,
        };
        self.page.people.push(person);
        Ok(())
    }

    fn entitlement(&mut self, cells: &Cells<'_>) -> Result<(), Problem> {
        let target = match &self.config.target {
            Some(target) => intern(&mut self.page, &mut self.last, Field::Target, target),
            None => self.text(cells, Field::Target)?,
        };
        let row = Entitlement {
            target,
            object: self.object(cells)?.0,
            tier: cells.tier()?,
            privileged: cells.mark(Field::Privileged, false)?,
            break_glass: cells.mark(Field::BreakGlass, false)?,
            exclusion: self.text(cells, Field::Exclusion)?,
            owner: self.text(cells, Field::Owner)?,
            min_holders: cells.min_holders()?,
            parent: self.named(Field::Parent, cells.text(Field::Parent)?),
        };
        self.page.entitlements.push(row);
        Ok(())
    }

    /// The object and the level, which is empty when it is part of the object.
    fn object(&mut self, cells: &Cells<'_>) -> Result<(Sym, Sym), Problem> {
        let object = cells.required(Field::Object)?;
        if self.config.level_in_key.is_empty() {
            return Ok((self.named(Field::Object, object), self.text(cells, Field::Level)?));
        }
        let level = cells.text(Field::Level)?;
        let object = self.aliases.apply(object, &mut self.scratch).unwrap_or(object);
        if level.is_empty() || !level_is_key(&self.config.level_in_key, object) {
            let object = intern(&mut self.page, &mut self.last, Field::Object, object);
            return Ok((object, self.plain(Field::Level, level)));
        }
        self.key.clear();
        self.key.extend([object, "#", level]);
        Ok((intern(&mut self.page, &mut self.last, Field::Object, &self.key), Sym::EMPTY))
    }

    /// The record that justifies a row. Where a file has none to name, being listed is the record; an empty one is none.
    fn record(&mut self, cells: &Cells<'_>) -> Result<Sym, Problem> {
        match cells.get(Field::Record) {
            Cell::Absent => Ok(self.plain(Field::Record, LISTED)),
            _ => self.text(cells, Field::Record),
        }
    }

    fn text(&mut self, cells: &Cells<'_>, field: Field) -> Result<Sym, Problem> {
        let text = cells.text(field)?;
        Ok(self.plain(field, text))
    }

    fn plain(&mut self, field: Field, text: &str) -> Sym {
        intern(&mut self.page, &mut self.last, field, text)
    }

    /// A holder or object in the target's spelling.
    fn named(&mut self, field: Field, text: &str) -> Sym {
        let text = self.aliases.apply(text, &mut self.scratch).unwrap_or(text);
        intern(&mut self.page, &mut self.last, field, text)
    }
}

fn intern(page: &mut Page, last: &mut [Sym; Field::COUNT], field: Field, text: &str) -> Sym {
    if text.is_empty() {
        return Sym::EMPTY;
    }
    match last.get_mut(field as usize) {
        Some(last) if page.symbols.text(*last) == text => *last,
        Some(last) => {
            *last = page.symbols.intern(text);
            *last
        }
        None => page.symbols.intern(text),
    }
}

/// Whether the level of this type of object is part of its key.
fn level_is_key(types: &[String], object: &str) -> bool {
    types.iter().any(|kind| {
        let rest = object.strip_prefix(kind.as_str());
        kind == "*" || rest.is_some_and(|rest| kind.ends_with(':') || rest.starts_with(':'))
    })
}
