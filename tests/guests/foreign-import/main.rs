//! A rule that asks a clock. It is a good component; no host of rules links it.
#![cfg(target_arch = "wasm32")]

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "foreign-import/clocks.wit"],
        inline: "package trueup:foreign; world foreign { import wasi:clocks/wall-clock@0.2.0; include trueup:rules/rule-module@1.0.0; }",
        world: "trueup:foreign/foreign",
        generate_all,
    });
}

use bindings::exports::trueup::rules::rule::{Batch, Context, Guest, RuleError, RuleInfo, Verdicts};
use bindings::wasi::clocks::wall_clock;

struct Module;

impl Guest for Module {
    fn describe() -> RuleInfo {
        RuleInfo {
            name: "foreign-import".into(),
            version: wall_clock::now().to_string(),
            columns: Vec::new(),
            settings: Vec::new(),
            reasons: Vec::new(),
            canonical: false,
        }
    }

    fn judge(_: Context, _: Batch) -> Result<Verdicts, RuleError> {
        Err(RuleError { code: "clock".into(), message: wall_clock::now().to_string(), case: None })
    }

    fn canon(_: u8, keys: Vec<String>) -> Vec<String> {
        keys
    }
}

bindings::export!(Module with_types_in bindings);
