//! The case file format: what a rule is shown and what it should answer, as
//! JSON that reads like documentation.
//!
//! One format serves `cargo test` of a rule's crate and `trueup rule test` of the
//! shipped component. This crate knows neither: a [`Judge`] is whatever turns
//! [`Columns`] into [`Verdicts`].
//!
//! ```json
//! {
//!   "about": "Access that has run out goes, whatever the sources still list.",
//!   "as_of": "2026-03-01",
//!   "settings": { "unused-days": 90 },
//!   "identities": [
//!     {
//!       "identity": "ada",
//!       "cases": [
//!         {
//!           "grant": { "target": "git", "object": "repo:payments" },
//!           "desired": { "state": "present", "expires_at": "2026-02-28" },
//!           "observed": "present",
//!           "expect": { "effect": "absent", "reason": "expired" }
//!         }
//!       ]
//!     }
//!   ]
//! }
//! ```
//!
//! What a case leaves out has a plain meaning: an identity is an active person,
//! a holder carries the identity's name, a side is absent, desired access has a
//! record behind it, and attributes differ where both sides state them
//! differently (`differs` overrides). A case that expects no answer says
//! `"expect": "no opinion"`; a file whose rule should refuse says
//! `"expect_error": "<code>"`.
//!
//! Three shapes are found without code. A file of `identities` as above. A file
//! with a `table`: each row is an identity and its one case side by side, with
//! `defaults` for what rows leave out, and a `name`. And a folder with a file
//! `case.json`, whose answers stand in `verdicts.golden` beside it, and what a
//! host would do about them in `plan.golden`. All may be TOML instead of JSON:
//! `case.toml`, with the same names.

mod bless;
mod build;
mod columns;
mod error;
mod expect;
mod file;
mod from_toml;
mod golden;
mod render;
mod report;
mod run;
mod side;
mod table;
mod time;

#[cfg(test)]
mod tests;

pub use columns::{Columns, Context, RuleError, RuleInfo, SettingValue, VendorColumn, VendorValues, Verdicts};
pub use error::CaseError;
pub use expect::{Expect, Verdict};
pub use file::{Case, CaseFile};
pub use golden::{PLAN, VERDICTS};
pub use render::render_file;
pub use report::{Answered, Cost, FileCost, Problem, Report, code};
pub use run::{Judge, Mode, find, run};
pub use time::{parse_instant, render_instant};
