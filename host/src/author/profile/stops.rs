//! Lets a module stop at any instruction when its fuel is spent. The engine looks at fuel where functions and loops begin, so that
//! what a stretch of plain instructions uses would be told of whatever comes after it. Here an empty loop is put before each
//! instruction, which costs no fuel, and it is remembered which instruction stands before it.

use wasmparser::{BinaryReaderError, FunctionBody, Operator, Parser, Payload};

/// `loop`, without parameters and results, and its `end`.
const STOP: [u8; 3] = [0x03, 0x40, 0x0b];
const CUSTOM: u8 = 0;
const CODE: u8 = 10;
/// What is written for lines and names of source: it speaks of places that move.
const DEBUG: &str = ".debug_";

/// A module with stops in it.
pub(super) struct Stopping {
    /// Its bytes.
    pub(super) module: Vec<u8>,
    /// Imported functions: the first own one has this index.
    imported: u32,
    /// For each own function, places in ascending order: bytes behind the beginning of its body here, and where the instruction
    /// that is meant stands in the section of code there.
    functions: Vec<Vec<(u32, u64)>>,
}

impl Stopping {
    /// Puts stops into a core module.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn of(module: &[u8]) -> Result<Self, BinaryReaderError> {
        let mut stopping = Stopping { module: module.get(..8).unwrap_or_default().to_vec(), imported: 0, functions: Vec::new() };
        let (mut code, mut left, mut start) = (Vec::new(), 0, 0);
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            match &payload {
                Payload::CodeSectionStart { count, unchecked_range, .. } => {
                    (left, start) = (*count, unchecked_range.start);
                    put(&mut code, u64::from(*count));
                    continue;
                }
                Payload::CodeSectionEntry(body) => {
                    stopping.function(module, body, start, &mut code)?;
                    left -= 1;
                    if left == 0 {
                        section(&mut stopping.module, CODE, &code);
                    }
                    continue;
                }
                Payload::CustomSection(custom) if custom.name().starts_with(DEBUG) => continue,
                Payload::ImportSection(imports) => {
                    for import in imports.clone().into_imports() {
                        stopping.imported += u32::from(matches!(import?.ty, wasmparser::TypeRef::Func(_)));
                    }
                }
                _ => {}
            }
            if let Some((id, range)) = payload.as_section() {
                section(&mut stopping.module, id, slice(module, range.start, range.end));
            }
        }
        Ok(stopping)
    }

    /// Copies a function with stops, and remembers its places.
    fn function(
        &mut self,
        module: &[u8],
        body: &FunctionBody<'_>,
        start: u64,
        code: &mut Vec<u8>,
    ) -> Result<(), BinaryReaderError> {
        let mut operators = body.get_operators_reader()?;
        let range = body.range();
        let first = operators.original_position();
        let mut own = slice(module, range.start, first).to_vec();
        let mut places = vec![(0, first - start)];
        // The instruction that was carried out when this stop is come to.
        let mut before = None;
        while !operators.eof() {
            let (operator, at) = operators.read_with_offset()?;
            if let Some(before) = before {
                places.push((here(&own), before));
                own.extend_from_slice(&STOP);
            }
            places.push((here(&own), at - start));
            own.extend_from_slice(slice(module, at, operators.original_position()));
            before = Some(if jumps(&operator) { operators.original_position() - start } else { at - start });
        }
        put(code, own.len() as u64);
        code.extend_from_slice(&own);
        self.functions.push(places);
        Ok(())
    }

    /// Where an instruction of a function stands in the section of code of the module that this was made of.
    pub(super) fn place(&self, function: u32, offset: u32) -> Option<u64> {
        let places = self.functions.get(function.checked_sub(self.imported)? as usize)?;
        let after = places.partition_point(|(here, _)| *here <= offset);
        places.get(after.checked_sub(1)?).map(|(_, there)| *there)
    }
}

/// What does not go on with the instruction behind it.
fn jumps(operator: &Operator<'_>) -> bool {
    matches!(operator, Operator::Br { .. } | Operator::BrTable { .. } | Operator::Return | Operator::Unreachable)
}

fn here(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn slice(module: &[u8], from: u64, to: u64) -> &[u8] {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    module.get(place(from)..place(to)).unwrap_or_default()
}

fn section(module: &mut Vec<u8>, id: u8, bytes: &[u8]) {
    debug_assert!(id != CUSTOM || !bytes.is_empty(), "a custom section has a name");
    module.push(id);
    put(module, bytes.len() as u64);
    module.extend_from_slice(bytes);
}

/// A number as WebAssembly writes it (LEB128).
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::Stopping;

    /// One imported function, and one own: `i32.const 1; i32.const 2; i32.add; drop; call 0`.
    const MODULE: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x07\x01\x01a\x01b\0\0\x03\x02\x01\0\
        \x0a\x0c\x01\x0a\0\x41\x01\x41\x02\x6a\x1a\x10\0\x0b";

    #[test]
    fn stops_stand_between_instructions_and_mean_the_one_before() {
        wasmparser::validate(MODULE).expect("a module");
        let stopping = Stopping::of(MODULE).expect("a module");
        wasmparser::validate(&stopping.module).expect("still a module");
        // Five instructions with a stop of three bytes behind each; the last one is `end`.
        assert_eq!(stopping.module.len(), MODULE.len() + 5 * 3);
        // Behind two counts and the number of locals: the first instruction, each stop, each further instruction.
        for (here, there) in
            [(0, 3), (1, 3), (3, 3), (6, 5), (8, 5), (11, 7), (12, 7), (15, 8), (16, 8), (19, 9), (21, 9), (24, 11)]
        {
            let found = stopping.place(1, here);
            assert_eq!(found, Some(there), "{here}");
        }
        assert_eq!((stopping.place(0, 1), stopping.place(2, 1)), (None, None));
        assert!(Stopping::of(b"text").is_err() || Stopping::of(b"text").is_ok_and(|empty| empty.functions.is_empty()));
    }
}
