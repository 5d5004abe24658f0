//! Rule modules that misbehave, or that show how they were called: one folder, one example, one module each. Written
//! against the contract's bare bindings, so that they can say what the guest kit does not let a rule say.
//!
//! A module misbehaves only for a batch that holds the identity `poison`, so that a test can see the others go on.
//! Natively everything here is empty. To build them all as core modules, each then to be wrapped as a component:
//!
//! ```sh
//! RUSTUP_TOOLCHAIN="$(sh guest-sdk/wasm-target.sh)" cargo build -p trueup-test-guests --examples \
//!     --target wasm32-unknown-unknown --profile guest --target-dir target/guests
//! # → target/guests/wasm32-unknown-unknown/guest/examples/<name with underscores>.wasm
//! ```
#![cfg(target_arch = "wasm32")]

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "rule-module",
        pub_export_macro: true,
        default_bindings_module: "trueup_test_guests",
        export_macro_name: "export_rule",
    });
}

pub use bindings::*;
pub use exports::trueup::rules::rule::{Batch, Context, Guest, RuleError, RuleInfo, Verdicts};
pub use trueup::rules::types::{Reason, SettingInfo, SettingKind, SettingValue};

/// `after` of a case that waits for none.
pub const NONE: u32 = u32::MAX;

/// What a module says of itself: no optional columns, one reason `marked`, and one text setting `form`.
#[must_use]
pub fn info(name: &str) -> RuleInfo {
    RuleInfo {
        name: name.into(),
        version: "1.0.0".into(),
        columns: Vec::new(),
        settings: vec![SettingInfo {
            name: "form".into(),
            kind: SettingKind::Text,
            help: "which misbehaviour".into(),
            default: Some(SettingValue::Text(String::new())),
        }],
        reasons: vec![Reason { code: "marked".into(), text: "this module says so of everything".into() }],
        canonical: false,
    }
}

/// The setting `form`.
#[must_use]
pub fn form(context: &Context) -> &str {
    match context.settings.iter().find(|setting| setting.name == "form").map(|setting| &setting.value) {
        Some(SettingValue::Text(form)) => form,
        _ => "",
    }
}

/// A text of the batch.
#[must_use]
pub fn text(batch: &Batch, id: u32) -> &str {
    let end = |id: u32| batch.text_ends[id as usize] as usize;
    &batch.heap[if id == 0 { 0 } else { end(id - 1) }..end(id)]
}

/// The identity of each case, as an index into `batch.identity`.
#[must_use]
pub fn identities(batch: &Batch) -> Vec<usize> {
    let mut all = Vec::with_capacity(batch.subject.len());
    for (index, end) in batch.identity_ends.iter().enumerate() {
        all.resize(*end as usize, index);
    }
    all
}

/// Whether this batch is the one to misbehave for.
#[must_use]
pub fn poisoned(batch: &Batch) -> bool {
    batch.identity.iter().any(|&name| text(batch, name) == "poison")
}

/// Every case answered with one effect, for the reason `marked`.
#[must_use]
pub fn all(batch: &Batch, effect: u8) -> Verdicts {
    let cases = batch.subject.len();
    Verdicts {
        case: (0..cases as u32).collect(),
        effect: vec![effect; cases],
        reason: vec![0; cases],
        mask: Vec::new(),
        tier: Vec::new(),
        rank: Vec::new(),
        after: Vec::new(),
        flags: Vec::new(),
        until: Vec::new(),
        valid_until: 0,
    }
}

/// Makes a module of a function from context and batch to verdicts or an error.
#[macro_export]
macro_rules! module {
    ($name:literal, $judge:path) => {
        $crate::module!($name, $judge, $crate::info);
    };
    ($name:literal, $judge:path, $info:path) => {
        struct Module;

        impl $crate::Guest for Module {
            fn describe() -> $crate::RuleInfo {
                $info($name)
            }

            fn judge(context: $crate::Context, batch: $crate::Batch) -> Result<$crate::Verdicts, $crate::RuleError> {
                $judge(&context, &batch)
            }

            fn canon(_: u8, keys: Vec<String>) -> Vec<String> {
                keys
            }
        }

        $crate::export_rule!(Module with_types_in $crate);
    };
}
