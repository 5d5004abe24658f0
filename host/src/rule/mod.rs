//! Judging: the only user of wasmtime. Owns the sandbox, the columns that cross its boundary, and the checks that make an
//! answer well formed; whether an answer may be followed is for `decide`.

mod verdicts;

pub use verdicts::{BatchVerdict, Fault, RuleFacts, VerdictColumns};
