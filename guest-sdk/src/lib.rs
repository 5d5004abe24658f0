//! Write trueup rules as ordinary Rust functions.
//!
//! A rule looks at one [`Case`] at a time: what is desired, observed and
//! recorded about one account, grant or credential. It answers with a
//! [`Verdict`]. The function below is the whole rule; built for
//! `wasm32-unknown-unknown` it becomes a component, and under `cargo test` it is
//! called natively on the case files beside it.
//!
//! ```
//! use trueup_guest::prelude::*;
//!
//! #[derive(Settings)]
//! pub struct Settings {
//!     /// Days after which unused access goes.
//!     #[setting(default = 90, min = 1)]
//!     unused_days: i64,
//! }
//!
//! #[derive(Reasons, Clone, Copy, Debug, PartialEq)]
//! pub enum Why {
//!     /// Nobody has used it for too long.
//!     Unused,
//! }
//!
//! #[rule(name = "dormant-admins", columns(last_used, not_before))]
//! pub fn dormant_admins(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
//!     let unused = case.unused_for(Days(cx.settings.unused_days), cx);
//!     (case.is_privileged() && unused).then(|| Verdict::absent(Why::Unused))
//! }
//!
//! trueup_guest::cases!();
//! # fn main() {}
//! ```
//!
//! A rule sees no clock, file or network. It answers by row, so it can name
//! nothing that it was not shown, and the host checks every answer.
//!
//! From nothing to a tested rule in ten minutes: `docs/guide.md`. What comes back
//! when something is wrong: `docs/mistakes.md`.
//!
//! Common questions have a word on [`Case`], [`Identity`] and [`Context`], which
//! also remembers until when its answer is good. Twenty policies to copy from
//! are in `docs/cookbook.md`. Besides its cases a rule can be held to laws on
//! identities drawn at random: [`laws!`].

#[cfg(all(target_family = "wasm", not(all(target_arch = "wasm32", target_os = "unknown"))))]
compile_error!(
    "a rule is built for wasm32-unknown-unknown, the target that gives it no access to anything: \
     pass `--target wasm32-unknown-unknown`"
);

// The attribute's code names this crate, here too.
extern crate self as trueup_guest;

mod answers;
mod batch;
#[doc(hidden)]
pub mod bindings;
mod column;
#[doc(hidden)]
pub mod component;
mod context;
mod fault;
pub mod log;
mod questions;
mod reasons;
mod rule;
mod settings;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod time;
mod vendor;
mod verdict;
mod view;
mod watch;
pub mod wire;
mod words;

#[cfg(test)]
mod tests;

pub use answers::Answers;
pub use context::Context;
pub use fault::Fault;
pub use reasons::Reasons;
pub use rule::NativeRule;
pub use settings::{Given, SettingType, Settings, defaults};
pub use time::{Days, Hours, Seconds, Time};
pub use trueup_guest_macros::{Reasons, Settings, rule};
pub use verdict::{Effect, Finished, Guard, Opinion, Verdict};
pub use view::{Case, Identity};
pub use words::{Attributes, IdentityKind, Key, Side, Status, Subject, WhyUnknown};

/// Everything that a rule's source names.
pub mod prelude {
    pub use crate::{
        Answers, Attributes, Case, Context, Days, Effect, Fault, Guard, Hours, Identity, IdentityKind, Key, Reasons, Seconds,
        Settings, Side, Status, Subject, Time, Verdict, WhyUnknown, rule,
    };
}

/// What the attribute's code names.
#[doc(hidden)]
pub mod __private {
    pub use crate::reasons::table;
    pub use crate::rule::{Rule, each};
}

/// Runs the rule's case files under `cargo test`.
///
/// `cases!()` runs the folder `cases` beside the crate's manifest against the
/// `RULE` of the same module; other folders are named as in
/// `cases!("cases", "../least-access/cases")`. Every case must get the answer
/// that it expects, and every reason of the rule must be given by some case.
/// `TRUEUP_BLESS=1` rewrites the expectations instead.
#[macro_export]
macro_rules! cases {
    () => {
        $crate::cases!("cases");
    };
    ($($folder:literal),+ $(,)?) => {
        #[cfg(all(test, not(target_arch = "wasm32")))]
        #[test]
        fn cases() {
            $crate::testing::run(&RULE, env!("CARGO_MANIFEST_DIR"), &[$($folder),+]);
        }
    };
}

/// Holds the rule to the laws of [`testing::Law`] under `cargo test`, on
/// identities that are drawn at random, the same in every run.
///
/// `laws!()` tries the `RULE` of the same module. A rule with vendor columns or
/// required settings names them, and one that does not mean to keep a law leaves
/// it out: `laws!(|laws| laws.vendor("owners", &["1", "2"]).without(Law::Order))`.
#[macro_export]
macro_rules! laws {
    () => {
        $crate::laws!(|laws| laws);
    };
    ($change:expr) => {
        #[cfg(all(test, not(target_arch = "wasm32")))]
        #[test]
        fn laws() {
            #[allow(unused_imports, reason = "an exception names it")]
            use $crate::testing::{Law, Laws};
            let change: fn(Laws<'static>) -> Laws<'static> = $change;
            let never = change(Laws::of(&RULE)).check();
            assert!(
                never.is_empty() || ::std::env::var_os("TRUEUP_SEED").is_some(),
                "no identity was drawn that gets these reasons; name settings or vendor columns, or try more: {never:?}"
            );
        }
    };
}

/// Gives a module the contract's exports.
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($rule:ident) => {
        type __Exported = $crate::component::Exported<$rule>;
        $crate::bindings::__export_bindings!(__Exported with_types_in ::trueup_guest::bindings);
    };
}
