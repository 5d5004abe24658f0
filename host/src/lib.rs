//! trueup trues up what access is with what it should be. See the repository's README for a tour.

#![deny(unsafe_code)]

pub mod audit;
#[cfg(feature = "cli")]
pub mod author;
#[cfg(feature = "cli")]
pub mod cli;
pub mod commit;
pub mod correlate;
mod courier;
pub mod debt;
pub mod decide;
pub mod discover;
#[cfg(feature = "sqlite")]
pub mod engine;
#[cfg(feature = "sqlite")]
pub mod export;
#[cfg(feature = "generate")]
pub mod generate;
pub mod ledger;
pub mod limits;
pub mod link;
pub mod model;
pub mod notary;
pub mod plan;
#[cfg(feature = "planted")]
pub mod planted;
#[cfg(not(feature = "planted"))]
mod planted;
mod post;
pub mod progress;
pub mod rule;
pub mod target;
pub mod telemetry;

pub use async_trait::async_trait;
#[cfg(feature = "sqlite")]
pub use commit::{Clock, Outcomes};
pub use discover::{Cursor, DiscoverError, Page, Snapshot, Source};
#[cfg(feature = "sqlite")]
pub use engine::{Applied, Engine, EngineError, Lift, Options, Parts, Planned, Release, Revocation};
pub use model::{Mode, Scope, Scopes, Time};
#[cfg(feature = "wasm")]
pub use rule::{Module, RuleEngine, RuleLimits};
pub use target::{Profile, Target};
