//! Builds the guests of `tests/guests` from source, once per test process, and loads them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::rule::{AdmitError, Module, Pool, RuleEngine, RuleLimits};

/// The component of a guest.
pub(super) fn component(name: &str) -> Vec<u8> {
    let path = examples().join(name.replace('-', "_")).with_extension("wasm");
    let module = std::fs::read(&path).expect("the guest was built");
    let mut encoder = wit_component::ComponentEncoder::default();
    encoder.validate(true).module(&module).expect("a core module").encode().expect("a component")
}

/// A guest under these limits.
pub(super) fn admit(name: &str, limits: &RuleLimits) -> Result<Module, AdmitError> {
    let engine = RuleEngine::new(limits).expect("an engine");
    Module::load(&engine, &component(name))
}

/// A guest under the default limits, in an engine that keeps one instance ready for all threads.
pub(super) fn pooled(name: &str) -> Module {
    let engine = RuleEngine::pooled(&RuleLimits::default(), Pool::new(1)).expect("an engine");
    Module::load(&engine, &component(name)).expect("the guest is admitted")
}

/// A guest under the default limits.
pub(super) fn load(name: &str) -> Module {
    admit(name, &RuleLimits::default()).expect("the guest is admitted")
}

/// The folder of built guests. A build that fails fails the test: nothing stale is run.
fn examples() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let toolchain = Command::new("sh").arg(root.join("guest-sdk/wasm-target.sh")).output().expect("sh runs");
        assert!(toolchain.status.success(), "{}", String::from_utf8_lossy(&toolchain.stderr));
        let toolchain = String::from_utf8_lossy(&toolchain.stdout).trim().to_owned();
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--quiet", "-p", "trueup-test-guests", "--examples", "--profile", "guest"])
            .args(["--target", "wasm32-unknown-unknown", "--target-dir", "target/guests"])
            .current_dir(&root);
        // The outer cargo's choices are for this machine, not for the guests.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO") || name.starts_with("RUST")) {
            if !["CARGO_HOME", "RUSTUP_HOME"].contains(&name.as_str()) {
                cargo.env_remove(name);
            }
        }
        if !toolchain.is_empty() {
            cargo.env("RUSTUP_TOOLCHAIN", toolchain);
        }
        assert!(cargo.status().expect("cargo runs").success(), "the guests do not build");
        root.join("target/guests/wasm32-unknown-unknown/guest/examples")
    })
}
