//! Rule modules made hostile: the core module of a sound component is opened, given what no compiler would write, and put back.
//! Owns the byte form of a module as far as it is changed; reads nothing that a host wrote.

use anyhow::{Context as _, Result, ensure};

/// Sections of a core module that are changed, and the order in which all stand.
const TYPE: u8 = 1;
const IMPORT: u8 = 2;
const FUNCTION: u8 = 3;
const MEMORY: u8 = 5;
const START: u8 = 8;
const DATA_COUNT: u8 = 12;
const CODE: u8 = 10;
const DATA: u8 = 11;
const ORDER: [u8; 13] = [0, TYPE, IMPORT, FUNCTION, 4, MEMORY, 13, 6, 7, START, 9, DATA_COUNT, CODE];
/// The section of a component that holds a core module, and the one that holds a component.
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;
/// What modules and components begin with.
const HEAD_BYTES: usize = 8;

/// The core module of a component, section by section.
pub struct Core {
    head: Vec<u8>,
    sections: Vec<(u8, Vec<u8>)>,
}

/// Changes the largest core module of a component, which is the rule.
///
/// # Errors
/// When it is no component that a rule builder made.
pub fn graft(component: &[u8], change: impl FnOnce(&mut Core) -> Result<()>) -> Result<Vec<u8>> {
    let mut whole = Core::read(component)?;
    let modules = whole.sections.iter_mut().filter(|(id, _)| *id == CORE_MODULE);
    let (_, module) = modules.max_by_key(|(_, bytes)| bytes.len()).context("no core module")?;
    let mut core = Core::read(module)?;
    change(&mut core)?;
    *module = core.bytes();
    Ok(whole.bytes())
}

/// The bytes of the core module that [`graft`] changes.
///
/// # Errors
/// As for [`graft`].
pub fn core_of(component: &[u8]) -> Result<Vec<u8>> {
    let mut core = Vec::new();
    graft(component, |found| {
        core = found.bytes();
        Ok(())
    })?;
    Ok(core)
}

/// A component with so many components in one another at its end.
///
/// # Errors
/// As for [`graft`].
pub fn nested(component: &[u8], depth: usize) -> Result<Vec<u8>> {
    let head = component.get(..HEAD_BYTES).context("no head")?;
    // From within: how long each is, and what stands before the next.
    let (mut length, mut before) = (HEAD_BYTES, Vec::new());
    for _ in 0..depth {
        let mut section = vec![COMPONENT];
        put(&mut section, length);
        length += HEAD_BYTES + section.len();
        before.push(section);
    }
    let mut bytes = component.to_vec();
    bytes.push(COMPONENT);
    put(&mut bytes, length);
    for section in before.iter().rev() {
        bytes.extend_from_slice(head);
        bytes.extend_from_slice(section);
    }
    bytes.extend_from_slice(head);
    Ok(bytes)
}

impl Core {
    /// The sections of a module.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let (head, mut rest) = bytes.split_at_checked(HEAD_BYTES).context("no head")?;
        let mut sections = Vec::new();
        while let Some((id, body)) = rest.split_first() {
            let (length, body) = number(body)?;
            let (section, behind) = body.split_at_checked(length).context("a section ends too early")?;
            sections.push((*id, section.to_vec()));
            rest = behind;
        }
        Ok(Core { head: head.to_vec(), sections })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone();
        for (id, section) in &self.sections {
            bytes.push(*id);
            put(&mut bytes, section.len());
            bytes.extend_from_slice(section);
        }
        bytes
    }

    /// A section, which is made where there is none: empty, but for its count.
    pub(crate) fn section(&mut self, id: u8) -> &mut Vec<u8> {
        let rank = |id: u8| ORDER.iter().position(|other| *other == id).unwrap_or(ORDER.len());
        let known = self.sections.iter().position(|(other, _)| *other == id);
        // Custom sections stand anywhere; what is named last in the order stands behind all others.
        let behind = self.sections.iter().position(|(other, _)| *other != 0 && rank(*other) > rank(id));
        let at = known.unwrap_or(behind.unwrap_or(self.sections.len()));
        if known.is_none() {
            self.sections.insert(at, (id, vec![0]));
        }
        &mut self.sections[at].1
    }

    /// Adds `items`, so many, to a section that is a list. Gives how many there were.
    fn append(&mut self, id: u8, count: usize, items: &[u8]) -> Result<usize> {
        let section = self.section(id);
        let (before, rest) = number(section)?;
        let mut bytes = Vec::with_capacity(section.len() + items.len() + 8);
        put(&mut bytes, before + count);
        bytes.extend_from_slice(rest);
        bytes.extend_from_slice(items);
        *section = bytes;
        Ok(before)
    }

    /// Adds so many functions without parameters and results, all with this body: locals, code and `end`. Gives the number of
    /// the first.
    ///
    /// # Errors
    /// When the module is none.
    pub fn functions(&mut self, count: usize, body: &[u8]) -> Result<usize> {
        let kind = self.append(TYPE, 1, &[0x60, 0, 0])?;
        let imported = self.imported_functions()?;
        let (mut kinds, mut bodies) = (Vec::new(), Vec::new());
        for _ in 0..count {
            put(&mut kinds, kind);
            put(&mut bodies, body.len());
            bodies.extend_from_slice(body);
        }
        let defined = self.append(FUNCTION, count, &kinds)?;
        ensure!(self.append(CODE, count, &bodies)? == defined, "as many bodies as functions");
        Ok(imported + defined)
    }

    /// Adds code that nothing calls: so many bytes of it, about, which no other number makes the same.
    ///
    /// # Errors
    /// When the module is none.
    pub fn ballast(&mut self, number: u32, bytes: usize) -> Result<()> {
        /// Of each function, in bytes.
        const BODY: usize = 400;
        for at in 0..bytes.div_ceil(BODY) {
            // No locals; then constants added up, and dropped.
            let mut body = vec![0, 0x41, 0];
            for term in 0..BODY / 4 {
                // `i32.const`, in two bytes, and `i32.add`.
                let term = number.wrapping_mul(31).wrapping_add(at as u32 * 7 + term as u32) & 0x1fff | 0x40;
                body.extend_from_slice(&[0x41, term as u8 & 0x7f | 0x80, (term >> 7) as u8 & 0x3f, 0x6a]);
            }
            body.extend_from_slice(&[0x1a, 0x0b]);
            self.functions(1, &body)?;
        }
        Ok(())
    }

    /// Lets a new function with this body run before any other.
    ///
    /// # Errors
    /// When the module is none.
    pub fn start(&mut self, body: impl FnOnce(usize) -> Vec<u8>) -> Result<()> {
        let own = self.imported_functions()? + self.defined()?;
        let function = self.functions(1, &body(own))?;
        ensure!(function == own, "functions are numbered in order");
        let mut section = Vec::new();
        put(&mut section, function);
        *self.section(START) = section;
        Ok(())
    }

    /// Adds so many empty data segments.
    ///
    /// # Errors
    /// When the module is none.
    pub fn data(&mut self, count: usize) -> Result<()> {
        // Passive, of no bytes.
        self.segments(count, &[1, 0].repeat(count))
    }

    /// Adds so many data segments, as their section says them.
    pub(crate) fn segments(&mut self, count: usize, segments: &[u8]) -> Result<()> {
        let before = self.append(DATA, count, segments)?;
        let mut counted = Vec::new();
        put(&mut counted, before + count);
        *self.section(DATA_COUNT) = counted;
        Ok(())
    }

    /// Adds a memory or a table, as its section says it.
    ///
    /// # Errors
    /// When the module is none.
    pub fn storage(&mut self, section: u8, kind: &[u8]) -> Result<()> {
        self.append(section, 1, kind).map(drop)
    }

    /// Makes the memory one of this kind.
    pub fn memory(&mut self, kind: &[u8]) {
        *self.section(MEMORY) = [&[1], kind].concat();
    }

    fn defined(&mut self) -> Result<usize> {
        Ok(number(self.section(FUNCTION))?.0)
    }

    pub(crate) fn imported_functions(&mut self) -> Result<usize> {
        let section = self.section(IMPORT).clone();
        let (count, mut rest) = number(&section)?;
        let mut functions = 0;
        for _ in 0..count {
            for _ in 0..2 {
                let (length, text) = number(rest)?;
                rest = text.get(length..).context("a name ends too early")?;
            }
            let (kind, behind) = rest.split_first().context("an import ends too early")?;
            rest = match kind {
                0 => {
                    functions += 1;
                    number(behind)?.1
                }
                1 => limits(behind.get(1..).context("a table ends too early")?)?,
                2 => limits(behind)?,
                _ => behind.get(2..).context("a global ends too early")?,
            };
        }
        Ok(functions)
    }
}

fn limits(bytes: &[u8]) -> Result<&[u8]> {
    let (flags, rest) = bytes.split_first().context("limits end too early")?;
    let (_, mut rest) = number(rest)?;
    if flags & 1 == 1 {
        rest = number(rest)?.1;
    }
    Ok(rest)
}

/// Appends a number in LEB128.
pub fn put(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

pub(crate) fn number(bytes: &[u8]) -> Result<(usize, &[u8])> {
    let (mut number, mut shift) = (0, 0);
    for (at, byte) in bytes.iter().enumerate().take(5) {
        number |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return Ok((number, bytes.get(at + 1..).unwrap_or_default()));
        }
    }
    anyhow::bail!("a number ends too early")
}
