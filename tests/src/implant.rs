//! Single functions and bytes of a core module replaced: a module made at random is given what it needs to be asked anything. Owns
//! what is put in; how sections stand is for `graft`.

use anyhow::{Context as _, Result};

use crate::graft::{Core, number, put};

/// Sections of a core module that are read or changed here.
const EXPORT: u8 = 7;
const CODE: u8 = 10;

/// Names of a rule's functions, as a component finds them.
const DESCRIBE: &str = "trueup:rules/rule@1.0.0#describe";
const DESCRIBED: &str = "cabi_post_trueup:rules/rule@1.0.0#describe";
const JUDGE: &str = "trueup:rules/rule@1.0.0#judge";
const ALLOCATE: &str = "cabi_realloc";

/// Where the description is put: in the middle of the first page of memory.
const TOLD: usize = 0x8000;
/// How many reasons are told, each `r` without a text.
const REASONS: usize = 3;

impl Core {
    /// Gives a module of a rule's shape a description that is one, and an allocator that allocates: it can then be judged with.
    ///
    /// # Errors
    /// When it does not have a rule's shape.
    pub fn describable(&mut self) -> Result<()> {
        // The number of the place, and the end.
        let told = [&[0, 0x41][..], &signed(TOLD), &[0x0b]].concat();
        self.function(DESCRIBE, |_| told)?;
        self.function(DESCRIBED, |_| vec![0, 0x0b])?;
        // Gives the end of memory, and grows memory by what was asked for and a page.
        let allocate = [0, 0x3f, 0, 0x41, 16, 0x74, 0x20, 3, 0x41, 16, 0x76, 0x41, 1, 0x6a, 0x40, 0, 0x1a, 0x0b];
        self.function(ALLOCATE, |_| allocate.to_vec())?;
        self.put_data(TOLD, &described())
    }

    /// Lets what `judge` gives be a place in the first page of memory, so that there is something to read.
    ///
    /// # Errors
    /// When it does not have a rule's shape.
    pub fn answering(&mut self) -> Result<()> {
        let place = [&[0x41][..], &signed(0xfff8), &[0x71, 0x0b]].concat();
        self.function(JUDGE, |mut body| {
            body.pop();
            body.extend_from_slice(&place);
            body
        })
    }

    /// Replaces the body of an exported function: locals, code and `end`.
    fn function(&mut self, export: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Result<()> {
        let own = self.exported(export)?.checked_sub(self.imported_functions()?).context("an import is exported")?;
        let section = self.section(CODE);
        let (count, mut rest) = number(section)?;
        let (mut bytes, mut change) = (Vec::with_capacity(section.len()), Some(change));
        put(&mut bytes, count);
        for index in 0..count {
            let (length, body) = number(rest)?;
            let (body, behind) = body.split_at_checked(length).context("a body ends too early")?;
            let body = match change.take_if(|_| index == own) {
                Some(change) => change(body.to_vec()),
                None => body.to_vec(),
            };
            put(&mut bytes, body.len());
            bytes.extend_from_slice(&body);
            rest = behind;
        }
        *section = bytes;
        Ok(())
    }

    /// The number of an exported function.
    fn exported(&mut self, wanted: &str) -> Result<usize> {
        let (count, mut rest) = number(self.section(EXPORT))?;
        for _ in 0..count {
            let (length, text) = number(rest)?;
            let (name, behind) = text.split_at_checked(length).context("a name ends too early")?;
            let (kind, behind) = behind.split_first().context("an export ends too early")?;
            let (index, behind) = number(behind)?;
            if *kind == 0 && name == wanted.as_bytes() {
                return Ok(index);
            }
            rest = behind;
        }
        anyhow::bail!("`{wanted}` is not exported")
    }

    /// Adds bytes that stand at this place of memory when the module starts.
    ///
    /// # Errors
    /// When the module is none.
    pub fn put_data(&mut self, place: usize, bytes: &[u8]) -> Result<()> {
        let mut segment = [&[0, 0x41][..], &signed(place), &[0x0b]].concat();
        put(&mut segment, bytes.len());
        segment.extend_from_slice(bytes);
        self.segments(1, &segment)
    }
}

/// A description as it lies in memory: name, version, no columns, no settings, reasons, not canonical; then what that names.
fn described() -> Vec<u8> {
    let texts = TOLD + 44;
    let reasons = TOLD + 64;
    let lists = [texts, 5, texts + 5, 1, 0, 0, 0, 0, reasons, REASONS, 0];
    let mut bytes: Vec<u8> = lists.iter().flat_map(|number| (*number as u32).to_le_bytes()).collect();
    bytes.extend_from_slice(b"smith1");
    bytes.extend((0..REASONS).map(|reason| b'a' + reason as u8));
    bytes.resize(reasons - TOLD, 0);
    for reason in 0..REASONS {
        bytes.extend([texts + 6 + reason, 1, 0, 0].iter().flat_map(|number| (*number as u32).to_le_bytes()));
    }
    bytes
}

/// A number in signed LEB128.
fn signed(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x40 {
        bytes.push(number as u8 & 0x7f | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}
