//! Lower-cases keys, except that some keys make it misbehave: `grow…` never settles, `short` loses an answer, `empty`
//! has none, `long` has too much of one.
#![cfg(target_arch = "wasm32")]

use trueup_test_guests::{Batch, Context, Guest, RuleError, RuleInfo, Verdicts, all, export_rule, info};

struct Module;

impl Guest for Module {
    fn describe() -> RuleInfo {
        RuleInfo { canonical: true, ..info("bad-canon") }
    }

    fn judge(_: Context, batch: Batch) -> Result<Verdicts, RuleError> {
        Ok(all(&batch, 0))
    }

    fn canon(_: u8, keys: Vec<String>) -> Vec<String> {
        keys.into_iter()
            .filter(|key| key != "short")
            .map(|key| match key.as_str() {
                "empty" => String::new(),
                "long" => "x".repeat(5_000),
                key if key.starts_with("grow") => format!("{key}!"),
                key => key.to_lowercase(),
            })
            .collect()
    }
}

export_rule!(Module with_types_in trueup_test_guests);
