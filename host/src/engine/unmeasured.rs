//! Nothing is counted: the feature `metrics` is off.
#![allow(clippy::unused_self, reason = "stands in for the room that counts")]

use super::{Applied, Engine, EngineError, Planned};
use crate::commit::Outcomes;

impl Engine {
    pub(super) const fn measure_call<T>(&self, _: &str, _: &Result<T, EngineError>) {}

    pub(super) const fn measure_plan(&self, _: &Planned) {}

    pub(super) const fn measure_commit(&self, _: &Outcomes) {}

    pub(super) const fn measure_applied(&self, _: &Applied) {}
}
