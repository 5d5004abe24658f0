//! Whether a file may become a rule: what is checked before any of its code is linked, and every reason to say no.

use std::collections::BTreeMap;

use wasmparser::{Parser, Payload};

use super::Fault;
use super::limits::{NESTED_PARTS, RuleLimits, SECTION_BYTES};
use super::profile::CONTRACT;
use super::text;

/// The custom section in which the guest kit says what it built.
const SECTION: &str = "trueup:rule";
const LOG: &str = "trueup:rules/log";
const TYPES: &str = "trueup:rules/types";
const RULE: &str = "trueup:rules/rule";
/// Longest text that an answer repeats of a file, in bytes.
const SHOWN: u64 = 200;

/// Why a file is no rule for this host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdmitError {
    /// It is too large to compile.
    #[error("the module has {used} bytes, more than the {allowed} allowed; build it optimised and stripped")]
    TooLarge {
        /// Its size.
        used: u64,
        /// The limit.
        allowed: u64,
    },
    /// It is machine code, which nothing could confine.
    #[error("the module is compiled machine code; hand over the WebAssembly component that it was compiled from")]
    Precompiled,
    /// It is something else.
    #[error("the module is no WebAssembly; hand over the component that the rule builder writes")]
    NotWasm,
    /// It is not wrapped as a component.
    #[error("the module is a core WebAssembly module, not a component; build it with `trueup rule build`, which wraps it")]
    CoreModule,
    /// It is damaged, or uses what the profile leaves out.
    #[error("the module is not valid: {detail}")]
    Invalid {
        /// What the parser or the compiler says.
        detail: String,
    },
    /// It was built for another contract.
    #[error("the module is built for contract {found}{kit}; this host supports {supported}: build it with a matching guest kit")]
    Contract {
        /// The contract that it names.
        found: String,
        /// ` with guest kit 1.4`, where it says so.
        kit: String,
        /// What this host speaks.
        supported: String,
    },
    /// It wants more than a rule may have.
    #[error(
        "the module imports `{name}`; a rule may import `trueup:rules/log` alone, so remove what uses clocks, randomness, files, \
         network or environment"
    )]
    ForeignImport {
        /// The import.
        name: String,
    },
    /// It offers no rule.
    #[error("the module does not export `{name}`; mark the rule's function with the guest kit's `rule` attribute")]
    MissingExport {
        /// What is missing.
        name: String,
    },
    /// What it exports does not have the contract's shape.
    #[error("the module does not fit contract {CONTRACT}: {detail}")]
    Shape {
        /// What the linker says.
        detail: String,
    },
    /// Compiling it took too long.
    #[error("the module took more than {allowed} s of processor time to compile; split its largest functions, or have fewer")]
    CompileTime {
        /// The limit, in seconds.
        allowed: u64,
    },
    /// Compiling it took too much memory.
    #[error("the module took more than {allowed} MiB of memory to compile; split its largest functions, or have fewer")]
    CompileMemory {
        /// The limit, in MiB.
        allowed: u64,
    },
    /// What compiles modules does not work: nothing is known of the module.
    #[error("the compiler's process failed, whatever the module is: {problem}")]
    Worker {
        /// What happened.
        problem: String,
    },
    /// It could not describe itself.
    #[error("the module failed to describe itself: {0}")]
    Describe(Fault),
    /// What it says of itself is not acceptable.
    #[error("the module describes itself wrongly: {problem}")]
    Info {
        /// What is wrong, and where.
        problem: String,
    },
}

/// What the guest kit wrote into a module, for people. Nothing is decided by it but the contract.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Built {
    /// The contract, like `trueup:rules@1.0.0`.
    pub contract: String,
    /// Everything it says: `contract`, `sdk`, `name`, `version` and what later kits add.
    pub facts: BTreeMap<String, String>,
}

/// Checks everything that can be checked without compiling.
pub(crate) fn inspect(bytes: &[u8], limits: &RuleLimits) -> Result<Option<Built>, AdmitError> {
    if bytes.len() as u64 > limits.component_bytes {
        return Err(AdmitError::TooLarge { used: bytes.len() as u64, allowed: limits.component_bytes });
    }
    if bytes.starts_with(b"\x7fELF") || wasmtime::Engine::detect_precompiled(bytes).is_some() {
        return Err(AdmitError::Precompiled);
    }
    if Parser::is_core_wasm(bytes) {
        return Err(AdmitError::CoreModule);
    }
    if !Parser::is_component(bytes) {
        return Err(AdmitError::NotWasm);
    }
    // The section comes first: what a module of another contract imports would only be confusing.
    let built = section(bytes)?;
    if let Some(built) = &built {
        check_contract(&built.contract, built.facts.get("sdk"))?;
    }
    check_surface(bytes)?;
    Ok(built)
}

fn invalid(error: &wasmparser::BinaryReaderError) -> AdmitError {
    // The parser's words may have several lines, and bytes of the file.
    AdmitError::Invalid { detail: text::shown(&error.to_string(), SHOWN) }
}

/// The guest kit's section, wherever in the component the encoder left it.
fn section(bytes: &[u8]) -> Result<Option<Built>, AdmitError> {
    for part in parts(bytes) {
        if let (_, Payload::CustomSection(section)) = part?
            && section.name() == SECTION
        {
            return read_section(section.data()).map(Some);
        }
    }
    Ok(None)
}

/// The parts of a component, each with how many others it stands in. What stands too deep is refused before anybody goes there:
/// each level is remembered, here and in the compiler.
fn parts(bytes: &[u8]) -> impl Iterator<Item = Result<(u32, Payload<'_>), AdmitError>> {
    let mut depth = 0_u32;
    Parser::new(0).parse_all(bytes).map(move |payload| {
        let (payload, at) = (payload.map_err(|error| invalid(&error))?, depth);
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } if depth == NESTED_PARTS => {
                let detail = format!("more than {NESTED_PARTS} components stand in one another");
                return Err(AdmitError::Invalid { detail });
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        Ok((at, payload))
    })
}

/// Reads `key=value;key=value`.
fn read_section(data: &[u8]) -> Result<Built, AdmitError> {
    if data.len() > SECTION_BYTES {
        let detail = format!("its section `{SECTION}` has {} bytes, more than {SECTION_BYTES}", data.len());
        return Err(AdmitError::Invalid { detail });
    }
    let data = String::from_utf8_lossy(data);
    let facts: BTreeMap<String, String> = data
        .split(';')
        .filter_map(|fact| fact.split_once('='))
        .map(|(key, value)| (text::shown(key.trim(), SHOWN), text::shown(value.trim(), SHOWN)))
        .collect();
    Ok(Built { contract: facts.get("contract").cloned().unwrap_or_default(), facts })
}

fn check_contract(found: &str, kit: Option<&String>) -> Result<(), AdmitError> {
    if speaks(CONTRACT, found) {
        return Ok(());
    }
    let found = if found.is_empty() { "(none named)" } else { found };
    Err(AdmitError::Contract {
        found: text::shown(found, SHOWN),
        kit: kit.map_or_else(String::new, |kit| format!(" with guest kit {kit}")),
        supported: supported(CONTRACT),
    })
}

/// Whether a host that speaks one contract takes modules that were built for another one: the same package and major version, and
/// of it no more than the host has. What a minor version adds stands beside what was there, so that an older module needs nothing
/// else than it did. Versions below 1.0 were drafts, and fit themselves alone.
fn speaks(host: &str, module: &str) -> bool {
    let (Some(host), Some(module)) = (version_of(host), version_of(module)) else { return false };
    let (package, [major, minor, patch]) = host;
    match module {
        (other, [m, n, p]) if other == package && m == major => {
            if major == 0 {
                [n, p] == [minor, patch]
            } else {
                n <= minor
            }
        }
        _ => false,
    }
}

/// `trueup:rules@1.0.0` as package and version, written as versions are.
fn version_of(contract: &str) -> Option<(&str, [u32; 3])> {
    let (package, version) = contract.split_once('@')?;
    let mut numbers = version.split('.').map(|number| {
        let plain = number.bytes().all(|b| b.is_ascii_digit()) && (number == "0" || !number.starts_with('0'));
        if plain { number.parse().ok() } else { None }
    });
    let version = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some((package, version))
}

/// What a host takes, in words.
fn supported(host: &str) -> String {
    match version_of(host) {
        Some((package, [major, 0, _])) => format!("{package}@{major}.0"),
        Some((package, [major, minor, _])) => format!("{package}@{major}.0 to {major}.{minor}"),
        None => host.to_owned(),
    }
}

/// Splits `package/interface@version` into `package/interface` and `package@version`.
fn contract_of(name: &str) -> Option<(&str, String)> {
    let (path, version) = name.split_once('@')?;
    let (package, _) = path.split_once('/')?;
    Some((path, format!("{package}@{version}")))
}

/// Imports the log alone, and exports a rule, both of this contract.
fn check_surface(bytes: &[u8]) -> Result<(), AdmitError> {
    let mut exported = false;
    for part in parts(bytes) {
        match part? {
            (0, Payload::ComponentImportSection(imports)) => {
                for import in imports {
                    check_import(import.map_err(|error| invalid(&error))?.name.name)?;
                }
            }
            (0, Payload::ComponentExportSection(exports)) => {
                for export in exports {
                    exported |= is_rule(export.map_err(|error| invalid(&error))?.name.name)?;
                }
            }
            _ => {}
        }
    }
    let name = CONTRACT.replace('@', "/rule@");
    if exported { Ok(()) } else { Err(AdmitError::MissingExport { name }) }
}

fn check_import(name: &str) -> Result<(), AdmitError> {
    match contract_of(name) {
        Some((LOG | TYPES, contract)) => check_contract(&contract, None),
        _ => Err(AdmitError::ForeignImport { name: text::shown(name, SHOWN) }),
    }
}

fn is_rule(name: &str) -> Result<bool, AdmitError> {
    match contract_of(name) {
        Some((RULE, contract)) => check_contract(&contract, None).map(|()| true),
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::{speaks, supported};

    #[test]
    fn a_host_takes_what_was_built_for_no_more_than_it_has() {
        let (one, four) = ("trueup:rules@1.0.0", "trueup:rules@1.4.0");
        for (module, by_one, by_four) in [
            ("trueup:rules@1.0.0", true, true),
            ("trueup:rules@1.0.3", true, true),
            ("trueup:rules@1.3.0", false, true),
            ("trueup:rules@1.4.9", false, true),
            ("trueup:rules@1.5.0", false, false),
            ("trueup:rules@0.1.0", false, false),
            ("trueup:rules@2.0.0", false, false),
            ("trueup:other@1.0.0", false, false),
            ("trueup:rules@1.0", false, false),
            ("trueup:rules@1.0.0.0", false, false),
            ("trueup:rules@1.0.0-draft", false, false),
            ("trueup:rules@1.00.0", false, false),
            ("trueup:rules@1.0.", false, false),
            ("trueup:rules@1.0.99999999999", false, false),
            ("trueup:rules", false, false),
            ("", false, false),
        ] {
            assert_eq!((speaks(one, module), speaks(four, module)), (by_one, by_four), "{module}");
        }
        assert!(speaks("trueup:rules@0.1.0", "trueup:rules@0.1.0") && !speaks("trueup:rules@0.1.0", "trueup:rules@0.1.1"));
        assert_eq!((supported(one), supported(four)), ("trueup:rules@1.0".to_owned(), "trueup:rules@1.0 to 1.4".to_owned()));
    }
}
