//! From a place in a module's code to functions and lines of source, those included that the compiler put into others. Reads what
//! the compiler wrote for debuggers; where it wrote nothing, there is nothing.

use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use wasmparser::{Parser, Payload};

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

/// A function at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Its name, without the compiler's own letters and numbers.
    pub(super) function: String,
    /// File and line.
    pub(super) line: Option<(String, u32)>,
}

/// What a module tells of its code.
pub(super) struct Names<'a> {
    context: Option<Context<Bytes<'a>>>,
}

impl<'a> Names<'a> {
    /// Of a core module that was not stripped.
    pub(super) fn of(module: &'a [u8]) -> Self {
        let sections: Vec<(&str, &[u8])> = Parser::new(0)
            .parse_all(module)
            .filter_map(|payload| match payload.ok()? {
                Payload::CustomSection(custom) => Some((custom.name(), custom.data())),
                _ => None,
            })
            .collect();
        let load = |id: SectionId| {
            let found = sections.iter().find(|(name, _)| *name == id.name());
            Ok::<_, addr2line::gimli::Error>(EndianSlice::new(found.map_or(&[][..], |(_, data)| data), LittleEndian))
        };
        let context = Dwarf::load(load).and_then(Context::from_dwarf);
        Names { context: context.ok() }
    }

    /// The functions at a place of the section of code, the innermost first; the last one is a function of the module itself.
    pub(super) fn at(&self, place: u64) -> Vec<Named> {
        let mut found = Vec::new();
        let Some(context) = &self.context else { return found };
        let Ok(mut frames) = context.find_frames(place).skip_all_loads() else { return found };
        while let Ok(Some(frame)) = frames.next() {
            let Some(name) = frame.function.as_ref().and_then(|name| name.raw_name().ok()) else { continue };
            let line = frame.location.and_then(|at| Some((at.file?.to_owned(), at.line?)));
            found.push(Named { function: readable(&name), line });
        }
        found
    }
}

/// A name as its author wrote it.
pub(super) fn readable(name: &str) -> String {
    let name = format!("{:#}", rustc_demangle::demangle(name));
    // What crate versions are told apart by is no part of a name.
    let mut plain = String::with_capacity(name.len());
    let mut rest = name.as_str();
    while let Some((before, after)) = rest.split_once('[') {
        let hash = after.split_once(']').filter(|(hash, _)| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()));
        plain.push_str(before);
        match hash {
            Some((_, after)) => rest = after,
            None => {
                plain.push('[');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    of_function(&plain)
}

/// A closure is its function's: an author thinks of both as one.
fn of_function(name: &str) -> String {
    let parts = name.split("::").filter(|part| *part != "{{closure}}" && !part.starts_with("{closure#"));
    parts.collect::<Vec<_>>().join("::")
}

/// Whether a function is the standard library's: put into another one, its cost is that one's.
pub(super) fn is_standard(named: &Named) -> bool {
    let bare = named.function.trim_start_matches(['<', '&', '*', '(']);
    let by_name = ["core::", "alloc::", "std::", "compiler_builtins::"].iter().any(|library| bare.starts_with(library));
    by_name || named.line.as_ref().is_some_and(|(file, _)| file.contains("/library/") && file.contains("/rustc/"))
}

#[cfg(test)]
mod tests {
    use super::{Named, is_standard, readable};

    #[test]
    fn names_are_shown_as_they_were_written() {
        for (mangled, plain) in [
            ("_ZN7dormant3hot17h0123456789abcdefE", "dormant::hot"),
            ("_RNvCs1234_7mycrate3foo", "mycrate::foo"),
            ("judge[0123456789abcdef]::{closure#0}", "judge"),
            ("warm::hot::{{closure}}", "warm::hot"),
            ("<[u8; 4]>::first", "<[u8; 4]>::first"),
            ("memcmp", "memcmp"),
        ] {
            assert_eq!(readable(mangled), plain);
        }
        let named = |function: &str, file: &str| Named { function: function.to_owned(), line: Some((file.to_owned(), 1)) };
        for (function, file, standard) in [
            ("<core::ops::Range<u32> as Iterator>::next", "src/lib.rs", true),
            ("push", "/rustc/0123/library/alloc/src/vec/mod.rs", true),
            ("corelib::x", "src/lib.rs", false),
            ("<trueup_guest::Case as core::fmt::Debug>::fmt", "/home/ada/library/src/lib.rs", false),
        ] {
            assert_eq!(is_standard(&named(function, file)), standard, "{function}");
        }
    }
}
