//! The determinism profile: everything that makes the same component give the same answers. Its name and text are part
//! of every plan, so any change here that can change an answer needs a new name.

use std::num::NonZeroUsize;

use wasmtime::{Config, InstanceAllocationStrategy, WasmBacktraceDetails, WasmFeatures};

use crate::limits::{BATCH_CLOSES_AFTER_CASES, BATCH_HOLDS_CASES, IDENTITY_HOLDS_CASES};
use crate::model::Digest;

/// The profile's name.
pub const PROFILE: &str = "trueup-det-1";

/// The contract that this host speaks.
pub(crate) const CONTRACT: &str = "trueup:rules@1.0.0";

/// The engine. What an instruction costs may move between its major versions; a test holds this to the lock file.
pub const ENGINE: &str = "wasmtime 48";

/// A rule's call stack, in bytes. Part of the profile, because where it ends decides whether a deep recursion answers.
pub(crate) const STACK_BYTES: usize = 512 << 10;

/// Frames that a trap names: enough to find the place, few enough for one line.
pub(crate) const FRAMES: usize = 5;

/// What the profile says, one property per line.
#[must_use]
pub fn profile_text() -> String {
    format!(
        "{PROFILE}\n\
         contract: {CONTRACT}\n\
         engine: {ENGINE}, cranelift\n\
         imports: the log alone; no clock, randomness, files, network or environment\n\
         floats: not-a-number values are canonical\n\
         features: components, mutable globals, saturating conversions, sign extension, reference types, several values, \
         bulk memory, extended constants, vectors; nothing else, so no threads, no relaxed vectors, no garbage collection\n\
         stack: {STACK_BYTES} bytes\n\
         success: decided by fuel; wall time only interrupts, and never answers\n\
         state: a fresh instance for each batch\n\
         batches: whole identities in order of sha-256, closed after {BATCH_CLOSES_AFTER_CASES} cases at three zero bits, \
         at most {BATCH_HOLDS_CASES}; identities up to {IDENTITY_HOLDS_CASES}\n"
    )
}

/// Stands for the profile in a plan.
#[must_use]
pub fn profile_digest() -> Digest {
    Digest::of(profile_text().as_bytes())
}

/// What a component may use of WebAssembly: what compilers emit for ordinary code. A list of what is on, so that nothing is
/// on because an embedder's build of the engine has it, or because a new version brings it.
const FEATURES: WasmFeatures = WasmFeatures::COMPONENT_MODEL
    .union(WasmFeatures::MUTABLE_GLOBAL)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::SIMD);

/// The engine's configuration under the profile.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .shared_memory(false)
        .gc_support(false)
        .relaxed_simd_deterministic(true)
        .wasm_features(FEATURES.complement(), false)
        .cranelift_nan_canonicalization(true)
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES)
        // Pooled instances have leaked data into one another before; a fresh mapping costs microseconds per batch. An embedder
        // may choose otherwise: see `pool`. Answers are the same.
        .allocation_strategy(InstanceAllocationStrategy::OnDemand)
        // Named outright: the default asks the environment.
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .wasm_backtrace_max_frames(NonZeroUsize::new(FRAMES));
    config
}

#[cfg(test)]
mod tests {
    use super::{ENGINE, PROFILE, profile_text};

    #[test]
    fn the_text_names_the_engine_that_is_built_in() -> std::io::Result<()> {
        let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"))?;
        let version = lock.split("name = \"wasmtime\"\nversion = \"").nth(1).and_then(|rest| rest.split('.').next());
        assert_eq!(version.map(|major| format!("wasmtime {major}")).as_deref(), Some(ENGINE));
        assert!(profile_text().starts_with(PROFILE));
        Ok(())
    }
}
