//! The byte form of a page: its dictionary, then rows of fixed size, all little-endian. Owns the form, not the file.
//! Reading never trusts a length: what it says must be there.

use super::assemble::renumber_fact;
use super::{Cursor, Page};
use crate::model::{Entitlement, Fact, FactFlags, IdentityKind, IdentityStatus, Person, Subject, Sym, Symbols, Time};

/// Bytes of one fact: subject, flags, scan, line, twelve texts, three instants.
const FACT_BYTES: usize = 4 + 4 + 48 + 24;
/// Bytes of one identity.
const PERSON_BYTES: usize = 2 + 12 + 16;
/// Bytes of one catalogue row.
const ENTITLEMENT_BYTES: usize = 2 + 2 + 20;

/// What bytes that no page was written as are refused with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a page: {0}")]
pub(super) struct FrameError(&'static str);

impl FrameError {
    /// Rows are missing.
    pub(super) const SHORT: FrameError = FrameError("it ends too early");
}

/// Appends the form of a page.
pub(super) fn encode(page: &Page, out: &mut Vec<u8>) {
    put_option(out, page.next.as_ref().map(|cursor| cursor.0.as_str()));
    put_option(out, page.incomplete.as_deref());
    out.push(u8::from(page.total.is_some()));
    out.extend_from_slice(&page.total.unwrap_or(0).to_le_bytes());
    put_u32(out, page.symbols.len() as u32);
    for (_, text) in page.symbols.iter() {
        put_text(out, text);
    }
    put_u32(out, page.facts.len() as u32);
    page.facts.iter().for_each(|fact| put_fact(out, fact));
    put_u32(out, page.people.len() as u32);
    for person in &page.people {
        out.extend_from_slice(&[person.kind as u8, person.status as u8]);
        put_syms(out, &[person.identity, person.owner, person.unit]);
        put_times(out, &[person.moved_at, person.ends_at]);
    }
    put_u32(out, page.entitlements.len() as u32);
    for row in &page.entitlements {
        out.extend_from_slice(&[row.tier, u8::from(row.privileged) | u8::from(row.break_glass) << 1]);
        out.extend_from_slice(&row.min_holders.to_le_bytes());
        put_syms(out, &[row.target, row.object, row.exclusion, row.owner, row.parent]);
    }
}

/// Appends the form of facts alone, with the texts that they use. `numbers` is kept between calls.
pub(super) fn encode_facts(facts: &[Fact], symbols: &Symbols, numbers: &mut Vec<u32>, out: &mut Vec<u8>) {
    numbers.resize(symbols.len().max(numbers.len()), 0);
    let mut texts = vec![Sym::EMPTY];
    let mut rows = facts.to_vec();
    for fact in &mut rows {
        renumber_fact(fact, |sym| match numbers.get_mut(sym.0 as usize) {
            Some(number) => {
                if *number == 0 {
                    *number = texts.len() as u32;
                    texts.push(sym);
                }
                Sym(*number)
            }
            None => Sym::EMPTY,
        });
    }
    put_u32(out, texts.len() as u32);
    for sym in texts {
        put_text(out, symbols.text(sym));
        if let Some(number) = numbers.get_mut(sym.0 as usize) {
            *number = 0;
        }
    }
    put_u32(out, rows.len() as u32);
    rows.iter().for_each(|fact| put_fact(out, fact));
}

/// Reads facts back over a dictionary that other frames have texts in too.
pub(super) fn decode_facts(bytes: &[u8], symbols: &mut Symbols, facts: &mut Vec<Fact>) -> Result<(), FrameError> {
    let mut reader = Reader { rest: bytes, texts: 0 };
    let texts = reader.count(4)?;
    let mut map = Vec::with_capacity(texts as usize);
    for _ in 0..texts {
        map.push(symbols.intern(reader.text()?));
    }
    reader.texts = texts;
    for _ in 0..reader.count(FACT_BYTES)? {
        let mut fact = reader.fact()?;
        renumber_fact(&mut fact, |sym| map.get(sym.0 as usize).copied().unwrap_or_default());
        facts.push(fact);
    }
    if reader.rest.is_empty() { Ok(()) } else { Err(FrameError("bytes follow its last row")) }
}

fn put_fact(out: &mut Vec<u8>, fact: &Fact) {
    out.extend_from_slice(&[fact.subject as u8, fact.flags.0]);
    out.extend_from_slice(&fact.scan.to_le_bytes());
    put_u32(out, fact.line);
    put_syms(out, &[fact.target, fact.holder, fact.object, fact.level, fact.identity, fact.owner]);
    put_syms(out, &[fact.purpose, fact.record, fact.approver, fact.via, fact.replaces, fact.managed_by]);
    put_times(out, &[fact.not_before, fact.expires_at, fact.last_used]);
}

fn put_u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_u32(out, text.len() as u32);
    out.extend_from_slice(text.as_bytes());
}

fn put_option(out: &mut Vec<u8>, text: Option<&str>) {
    out.push(u8::from(text.is_some()));
    put_text(out, text.unwrap_or(""));
}

fn put_syms(out: &mut Vec<u8>, syms: &[Sym]) {
    syms.iter().for_each(|sym| put_u32(out, sym.0));
}

fn put_times(out: &mut Vec<u8>, times: &[Time]) {
    times.iter().for_each(|time| out.extend_from_slice(&time.seconds().to_le_bytes()));
}

/// Reads a page back.
pub(super) fn decode(bytes: &[u8]) -> Result<Page, FrameError> {
    let mut reader = Reader { rest: bytes, texts: 0 };
    let mut page = Page { next: reader.option()?.map(Cursor), incomplete: reader.option()?, ..Page::default() };
    let (some, total) = (reader.flag()?, reader.u64()?);
    page.total = some.then_some(total);
    let texts = reader.count(4)?;
    for number in 0..texts {
        if page.symbols.intern(reader.text()?) != Sym(number) {
            return Err(FrameError("its dictionary repeats a text"));
        }
    }
    reader.texts = texts;
    let facts = reader.count(FACT_BYTES)?;
    page.facts.reserve_exact(facts as usize);
    for _ in 0..facts {
        page.facts.push(reader.fact()?);
    }
    for _ in 0..reader.count(PERSON_BYTES)? {
        page.people.push(reader.person()?);
    }
    for _ in 0..reader.count(ENTITLEMENT_BYTES)? {
        page.entitlements.push(reader.entitlement()?);
    }
    if reader.rest.is_empty() { Ok(page) } else { Err(FrameError("bytes follow its last row")) }
}

struct Reader<'a> {
    rest: &'a [u8],
    /// How many texts the dictionary has: what a number must be below.
    texts: u32,
}

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(FrameError("it ends too early"))?;
        self.rest = rest;
        Ok(*head)
    }

    fn u32(&mut self) -> Result<u32, FrameError> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, FrameError> {
        self.take().map(u64::from_le_bytes)
    }

    fn flag(&mut self) -> Result<bool, FrameError> {
        match self.take()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(FrameError("a mark is neither set nor unset")),
        }
    }

    /// A number of things of at least `size` bytes each, all of which fit into what is left.
    fn count(&mut self, size: usize) -> Result<u32, FrameError> {
        let count = self.u32()?;
        if (count as usize).saturating_mul(size) > self.rest.len() {
            return Err(FrameError("it holds fewer rows than it says"));
        }
        Ok(count)
    }

    fn text(&mut self) -> Result<&'a str, FrameError> {
        let length = self.u32()? as usize;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(FrameError("a text ends too early"))?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| FrameError("a text is not UTF-8"))
    }

    fn option(&mut self) -> Result<Option<String>, FrameError> {
        let some = self.flag()?;
        let text = self.text()?;
        Ok(some.then(|| text.to_owned()))
    }

    fn sym(&mut self) -> Result<Sym, FrameError> {
        let number = self.u32()?;
        if number < self.texts { Ok(Sym(number)) } else { Err(FrameError("a number is not in its dictionary")) }
    }

    fn time(&mut self) -> Result<Time, FrameError> {
        self.take().map(|bytes| Time::from_seconds(i64::from_le_bytes(bytes)))
    }

    fn fact(&mut self) -> Result<Fact, FrameError> {
        let [subject, flags] = self.take()?;
        let subject = match subject {
            0 => Subject::Account,
            1 => Subject::Grant,
            2 => Subject::Credential,
            _ => return Err(FrameError("a subject is unknown")),
        };
        Ok(Fact {
            subject,
            flags: FactFlags(flags),
            scan: u16::from_le_bytes(self.take()?),
            line: self.u32()?,
            target: self.sym()?,
            holder: self.sym()?,
            object: self.sym()?,
            level: self.sym()?,
            identity: self.sym()?,
            owner: self.sym()?,
            purpose: self.sym()?,
            record: self.sym()?,
            approver: self.sym()?,
            via: self.sym()?,
            replaces: self.sym()?,
            managed_by: self.sym()?,
            not_before: self.time()?,
            expires_at: self.time()?,
            last_used: self.time()?,
        })
    }

    fn person(&mut self) -> Result<Person, FrameError> {
        use IdentityKind as K;
        use IdentityStatus as S;
        let [kind, status] = self.take()?;
        let unknown = FrameError("a kind or status is unknown");
        Ok(Person {
            kind: *[K::Unknown, K::Person, K::Machine, K::Group].get(usize::from(kind)).ok_or(unknown)?,
            status: *[S::Unknown, S::Active, S::OnLeave, S::Leaving, S::Left].get(usize::from(status)).ok_or(unknown)?,
            identity: self.sym()?,
            owner: self.sym()?,
            unit: self.sym()?,
            moved_at: self.time()?,
            ends_at: self.time()?,
        })
    }

    fn entitlement(&mut self) -> Result<Entitlement, FrameError> {
        let [tier, marks] = self.take()?;
        if tier > 3 || marks > 3 {
            return Err(FrameError("a tier or mark is unknown"));
        }
        Ok(Entitlement {
            tier,
            privileged: marks & 1 != 0,
            break_glass: marks & 2 != 0,
            min_holders: u16::from_le_bytes(self.take()?),
            target: self.sym()?,
            object: self.sym()?,
            exclusion: self.sym()?,
            owner: self.sym()?,
            parent: self.sym()?,
        })
    }
}
