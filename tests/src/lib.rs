//! The harness of trueup's tests: what they share, and the programs that try more than a test suite has time for.

#[cfg(feature = "store")]
pub mod bench;
#[cfg(feature = "whole")]
pub mod browser;
#[cfg(feature = "whole")]
pub mod cli;
#[cfg(feature = "whole")]
pub mod errors;
#[cfg(feature = "whole")]
pub mod estate;
#[cfg(feature = "store")]
pub mod flip;
#[cfg(feature = "whole")]
pub mod graft;
#[cfg(feature = "whole")]
pub mod guests;
#[cfg(feature = "whole")]
pub mod history;
#[cfg(feature = "whole")]
mod implant;
#[cfg(feature = "whole")]
pub mod kill;
#[cfg(feature = "whole")]
pub mod replayed;
#[cfg(feature = "whole")]
pub mod reruns;
pub mod sim;
#[cfg(feature = "whole")]
pub mod smith;
#[cfg(feature = "whole")]
pub mod walk;

/// A layer of tests cannot run here: says so, and fails where all of them must.
///
/// # Panics
/// With `REQUIRE_ALL=1`.
#[cfg(feature = "whole")]
pub fn missing(what: &str) {
    assert!(std::env::var_os("REQUIRE_ALL").is_none_or(|all| all != "1"), "this layer needs {what}");
    eprintln!("skipped: this layer needs {what}");
}

/// The README's examples, compiled.
#[cfg(all(doctest, feature = "whole"))]
#[doc = include_str!("../../README.md")]
pub struct Readme;
