//! Judging: the only user of wasmtime. Owns the sandbox, the columns that cross its boundary, and the checks that make an
//! answer well formed; whether an answer may be followed is for `decide`.

mod asking;
mod memory;
mod packed;
mod settings;
mod verdicts;

#[cfg(not(feature = "wasm"))]
mod absent;

#[cfg(feature = "wasm")]
mod admit;
#[cfg(feature = "wasm")]
mod bindings;
#[cfg(feature = "wasm")]
mod cache;
#[cfg(feature = "wasm")]
mod canon;
#[cfg(feature = "wasm")]
mod code;
#[cfg(feature = "wasm")]
mod columns;
#[cfg(feature = "wasm")]
mod engine;
#[cfg(feature = "wasm")]
mod fault;
#[cfg(feature = "wasm")]
mod guard;
#[cfg(feature = "wasm")]
mod info;
#[cfg(feature = "wasm")]
mod judge;
#[cfg(feature = "wasm")]
mod library;
#[cfg(feature = "wasm")]
mod limits;
#[cfg(feature = "wasm")]
mod log;
#[cfg(feature = "wasm")]
mod module;
#[cfg(feature = "cli")]
mod plain;
#[cfg(feature = "wasm")]
mod pool;
#[cfg(feature = "wasm")]
mod profile;
#[cfg(feature = "wasm")]
mod sandbox;
#[cfg(feature = "wasm")]
mod shares;
#[cfg(feature = "wasm")]
mod shown;
#[cfg(feature = "cli")]
mod stacks;
#[cfg(feature = "wasm")]
mod text;
#[cfg(feature = "wasm")]
mod validate;
#[cfg(feature = "wasm")]
mod worker;

pub use asking::{Judging, KeyKind};
pub use memory::Memory;
pub use packed::{pack, unpack};
pub use settings::{SettingInfo, SettingKind, SettingValue, Settings, SettingsError};
pub use verdicts::{BatchVerdict, Fault, RuleFacts, VerdictColumns, VerdictsDigest, verdicts_digest};

#[cfg(not(feature = "wasm"))]
pub use absent::{Module, judge_all};
#[cfg(feature = "wasm")]
pub use admit::{AdmitError, Built};
#[cfg(feature = "wasm")]
pub use cache::{CacheError, CodeCache};
#[cfg(feature = "wasm")]
pub use columns::Column;
#[cfg(feature = "wasm")]
pub use engine::{EngineError, RuleEngine};
#[cfg(feature = "wasm")]
pub use judge::judge_all;
#[cfg(feature = "wasm")]
pub use library::Library;
#[cfg(feature = "wasm")]
pub use limits::RuleLimits;
#[cfg(feature = "wasm")]
pub use module::Module;
#[cfg(feature = "cli")]
pub use plain::{Measured, all_columns};
#[cfg(feature = "wasm")]
pub use pool::Pool;
#[cfg(feature = "wasm")]
pub use profile::{ENGINE, PROFILE, profile_digest, profile_text};
#[cfg(feature = "cli")]
pub use stacks::{Called, engine_for_stacks};
#[cfg(feature = "wasm")]
pub use worker::{Worker, compile_here};

#[cfg(all(test, feature = "wasm"))]
mod tests;
