//! From a rule's crate to its component: cargo compiles, `wit-component` wraps. Every call asks cargo, which knows what is
//! stale; nothing is taken from a place where an older build could have left it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

const TARGET: &str = "wasm32-unknown-unknown";

/// What a rule module exports.
pub(super) const INTERFACE: &str = "trueup:rules/rule";

/// The toolchain that `wasm-target.sh` links where rustup cannot download the target.
const LINKED: &str = "wasm";

/// Overrides the choice of toolchain.
const OVERRIDE: &str = "TRUEUP_WASM_TOOLCHAIN";

/// The profile of rule modules, given on the command line so that a crate in any workspace is built alike: small, fast, and
/// a panic is a trap, whose message the guest kit's hook has written by then.
pub(super) const PROFILE: [&str; 8] = [
    "profile.guest.inherits='release'",
    "profile.guest.opt-level=3",
    "profile.guest.lto=false",
    "profile.guest.codegen-units=1",
    "profile.guest.panic='abort'",
    "profile.guest.strip=true",
    "profile.guest.debug=false",
    "profile.guest.overflow-checks=false",
];

/// A stack of 64 KiB: each page of it that a fresh instance touches costs time.
const STACK: &str = "link-arg=-zstack-size=65536";

/// What cargo must not inherit from a cargo, rustup or rustc above this process: they speak of another crate or target.
const KEPT: [&str; 6] = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_", "CARGO_TERM_"];

/// How to build.
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    /// Features of the crate to turn on.
    pub features: Vec<String>,
    /// An example of the crate, in the place of its library.
    pub example: Option<String>,
    /// Where cargo keeps what it compiles; `target/guest` of the crate's workspace when absent.
    pub target_dir: Option<PathBuf>,
    /// Build without asking a registry.
    pub offline: bool,
}

/// A component, fresh from its sources.
#[derive(Clone, Debug)]
pub struct Built {
    /// The crate's name.
    pub name: String,
    /// The crate's version.
    pub version: String,
    /// The component's bytes.
    pub component: Vec<u8>,
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder holds no crate.
    #[error("`{0}` has no `Cargo.toml`; name the folder of a rule's crate")]
    NoCrate(PathBuf),
    /// Cargo or rustc could not be started.
    #[error("cannot start `{program}`; install Rust with rustup")]
    Start {
        /// The program.
        program: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// No toolchain has the target's library.
    #[error(
        "Rust cannot compile for {TARGET} here; run `rustup target add {TARGET}`, or `guest-sdk/wasm-target.sh` where rustup cannot download"
    )]
    NoTarget,
    /// The compiler refused the crate, or cargo its manifest; it has said why on standard error.
    #[error("the crate in `{0}` does not compile")]
    Compile(PathBuf),
    /// Cargo reported something else than was asked of it.
    #[error("cargo reported no module for the crate in `{0}`; it needs a library, `src/lib.rs`")]
    NoModule(PathBuf),
    /// The module could not be read.
    #[error("cannot read the module `{path}` that cargo reported")]
    Read {
        /// The module.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The module is no rule module.
    #[error("the module of `{name}` does not make a component: {problem}; a rule's crate has one function with `#[rule]`")]
    Encode {
        /// The crate's name.
        name: String,
        /// What is missing or too much.
        problem: String,
    },
}

/// Compiles a rule's crate and wraps the module as a component. The compiler's words go to standard error.
///
/// # Errors
/// When the crate, the toolchain or the target is missing, the crate does not compile, or it holds no rule. There is never
/// an older component in place of an error.
pub fn build_component(crate_dir: &Path, options: &BuildOptions) -> Result<Built, BuildError> {
    let (Package { name, version, .. }, module) = module(crate_dir, options, &[])?;
    let component = encode(&module).map_err(|unfit| BuildError::Encode { name: name.clone(), problem: unfit.to_string() })?;
    Ok(Built { name, version, component })
}

/// The crate's name and the core module that its component is made of, with the names and lines that are left out of what is
/// shipped. The code is the same.
///
/// # Errors
/// As for [`build_component`].
pub(super) fn unstripped(crate_dir: &Path, options: &BuildOptions) -> Result<(String, Vec<u8>), BuildError> {
    let (package, module) = module(crate_dir, options, &["-C", "strip=none", "-C", "debuginfo=1"])?;
    Ok((package.name, module))
}

/// Compiles the crate's module, with these further arguments for the compiler.
fn module(crate_dir: &Path, options: &BuildOptions, further: &[&str]) -> Result<(Package, Vec<u8>), BuildError> {
    if !crate_dir.join("Cargo.toml").is_file() {
        return Err(BuildError::NoCrate(crate_dir.to_path_buf()));
    }
    let toolchain = toolchain(crate_dir)?;
    let package = package(crate_dir, toolchain.as_deref())?;
    let target_dir = match &options.target_dir {
        Some(dir) => std::path::absolute(dir).unwrap_or_else(|_| dir.clone()),
        None => package.target_dir.join("guest"),
    };
    let mut cargo = command("cargo", crate_dir, toolchain.as_deref());
    arguments(&mut cargo, &target_dir, options);
    cargo.args(further);
    let path = compile(cargo, crate_dir, &package)?;
    let bytes = std::fs::read(&path).map_err(|source| BuildError::Read { path, source })?;
    Ok((package, bytes))
}

/// Why a core module makes no rule.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    /// No component comes of it; in the encoder's words.
    #[error("{0}")]
    Encoder(String),
    /// Any module makes some component, be it one without exports.
    #[error("it exports no `{INTERFACE}`")]
    NoRule,
}

/// Wraps a core module that carries the contract's description.
///
/// # Errors
/// What the module lacks.
pub(super) fn encode(module: &[u8]) -> Result<Vec<u8>, Unfit> {
    let mut encoder = ComponentEncoder::default();
    let encoded = encoder.validate(true).module(module).and_then(ComponentEncoder::encode);
    let component = encoded.map_err(|error| Unfit::Encoder(format!("{error:#}")))?;
    match exports_rule(&component) {
        Ok(true) => Ok(component),
        Ok(false) => Err(Unfit::NoRule),
        Err(error) => Err(Unfit::Encoder(error.to_string())),
    }
}

/// Whether a component itself, not one inside it, exports the contract's interface in any version.
fn exports_rule(component: &[u8]) -> wasmparser::Result<bool> {
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    if export?.name.name.split('@').next() == Some(INTERFACE) {
                        return Ok(true);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(false)
}

/// A program in the crate's folder, without what a cargo above has set.
pub(super) fn command(program: &str, crate_dir: &Path, toolchain: Option<&str>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(crate_dir);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(foreign) {
            command.env_remove(&name);
        }
    }
    if let Some(toolchain) = toolchain {
        command.env("RUSTUP_TOOLCHAIN", toolchain);
    }
    command
}

fn foreign(name: &str) -> bool {
    let cargo = name == "CARGO" || name.starts_with("CARGO_");
    let rust = ["RUSTC", "RUSTFLAGS", "RUSTDOC", "RUSTUP_TOOLCHAIN", "RUST_RECURSION_COUNT"];
    (cargo && !KEPT.iter().any(|kept| name.starts_with(kept))) || rust.iter().any(|prefix| name.starts_with(prefix))
}

/// The toolchain to name, if it is not the active one.
fn toolchain(crate_dir: &Path) -> Result<Option<String>, BuildError> {
    if let Some(named) = std::env::var(OVERRIDE).ok().filter(|named| !named.is_empty()) {
        return Ok(Some(named));
    }
    for candidate in [None, Some(LINKED)] {
        if has_target(crate_dir, candidate)? {
            return Ok(candidate.map(str::to_owned));
        }
    }
    Err(BuildError::NoTarget)
}

/// What compiles rules here, as `rustc --version` says it.
///
/// # Errors
/// When no toolchain has the target.
pub(super) fn toolchain_version(crate_dir: &Path) -> Result<String, BuildError> {
    let toolchain = toolchain(crate_dir)?;
    let output = command("rustc", crate_dir, toolchain.as_deref())
        .arg("--version")
        .output()
        .map_err(|source| BuildError::Start { program: "rustc", source })?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a toolchain holds the target's standard library.
fn has_target(crate_dir: &Path, toolchain: Option<&str>) -> Result<bool, BuildError> {
    let output = command("rustc", crate_dir, toolchain)
        .args(["--print", "target-libdir", "--target", TARGET])
        .stderr(Stdio::null())
        .output()
        .map_err(|source| BuildError::Start { program: "rustc", source })?;
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || folder.is_empty() {
        return Ok(false);
    }
    let Ok(files) = std::fs::read_dir(folder) else { return Ok(false) };
    Ok(files.flatten().any(|file| {
        let name = file.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd") && name.ends_with(".rlib")
    }))
}

struct Package {
    id: String,
    name: String,
    version: String,
    target_dir: PathBuf,
}

/// What cargo knows of the crate.
fn package(crate_dir: &Path, toolchain: Option<&str>) -> Result<Package, BuildError> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Listed>,
        target_directory: PathBuf,
    }
    #[derive(Deserialize)]
    struct Listed {
        id: String,
        name: String,
        version: String,
        manifest_path: PathBuf,
    }
    let failed = || BuildError::Compile(crate_dir.to_path_buf());
    let output = command("cargo", crate_dir, toolchain)
        .args(["metadata", "--no-deps", "--format-version=1"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| BuildError::Start { program: "cargo", source })?;
    if !output.status.success() {
        return Err(failed());
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).map_err(|_| failed())?;
    let manifest = std::fs::canonicalize(crate_dir.join("Cargo.toml")).map_err(|_| failed())?;
    let ours = |listed: &Listed| std::fs::canonicalize(&listed.manifest_path).is_ok_and(|path| path == manifest);
    let listed = metadata.packages.into_iter().find(ours).ok_or_else(failed)?;
    let Listed { id, name, version, .. } = listed;
    Ok(Package { id, name, version, target_dir: metadata.target_directory })
}

/// What is asked of cargo.
fn arguments(cargo: &mut Command, target_dir: &Path, options: &BuildOptions) {
    match &options.example {
        Some(example) => cargo.args(["rustc", "--example", example]),
        None => cargo.args(["rustc", "--lib", "--crate-type=cdylib"]),
    };
    cargo.args(["--profile=guest", "--target", TARGET]);
    cargo.args(["--message-format=json-render-diagnostics", "--target-dir"]).arg(target_dir);
    for setting in PROFILE {
        cargo.args(["--config", setting]);
    }
    if !options.features.is_empty() {
        cargo.args(["--features", &options.features.join(",")]);
    }
    if options.offline {
        cargo.arg("--offline");
    }
    // For this crate alone: a rule that it links must not export the contract a second time.
    cargo.args(["--", "--cfg", "trueup_component", "-C", STACK]);
}

/// Runs cargo and returns the module that it reports, compiled now or found fresh.
fn compile(mut cargo: Command, crate_dir: &Path, package: &Package) -> Result<PathBuf, BuildError> {
    let output = cargo.stderr(Stdio::inherit()).output().map_err(|source| BuildError::Start { program: "cargo", source })?;
    if !output.status.success() {
        return Err(BuildError::Compile(crate_dir.to_path_buf()));
    }
    reported(&output.stdout, &package.id).ok_or_else(|| BuildError::NoModule(crate_dir.to_path_buf()))
}

/// The module of a package among cargo's messages.
fn reported(messages: &[u8], id: &str) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        #[serde(default)]
        package_id: String,
        #[serde(default)]
        filenames: Vec<PathBuf>,
    }
    let lines = messages.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    let ours = lines.filter(|message| message.reason == "compiler-artifact" && message.package_id == id);
    ours.flat_map(|message| message.filenames).find(|path| path.extension() == Some(OsStr::new("wasm")))
}
