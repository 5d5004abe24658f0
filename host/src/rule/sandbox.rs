//! One call into a fresh instance: the only place where a rule's code runs. No state survives a call.

use std::sync::Arc;

use wasmtime::Store;

use super::bindings::exports::trueup::rules::rule::Guest;
use super::bindings::{RuleModule, RuleModulePre};
use super::engine::{TICKS_PER_SECOND, Ticker};
use super::guard::Guard;
use super::limits::RuleLimits;
use super::pool::Places;
use super::{Fault, fault};

/// A module that is ready to run.
#[derive(Clone)]
pub(crate) struct Sandbox {
    pub(crate) pre: RuleModulePre<Guard>,
    /// Where instances are kept ready, and how large they may be there.
    pub(crate) places: Option<(Arc<Places>, RuleLimits)>,
    /// Keeps the backstop going for as long as there is something to stop.
    pub(crate) _ticker: Arc<Ticker>,
}

/// What a call came to.
pub(crate) struct Called<R> {
    pub(crate) result: Result<R, Fault>,
    /// Fuel that the call used, the start of the instance left out.
    pub(crate) fuel: u64,
    pub(crate) log: Vec<(u8, String)>,
}

impl Sandbox {
    /// Makes an instance, lets `call` use it with a budget for so many items, and throws it away.
    pub(crate) fn call<R>(
        &self,
        limits: &RuleLimits,
        items: usize,
        call: impl FnOnce(&mut Store<Guard>, &Guest) -> wasmtime::Result<R>,
    ) -> Called<R> {
        let mut limits = *limits;
        let place = self.places.as_ref().map(|(places, most)| {
            limits.memory_bytes = limits.memory_bytes.min(most.memory_bytes);
            limits.table_elements = limits.table_elements.min(most.table_elements);
            places.take()
        });
        let mut store = Store::new(self.pre.engine(), Guard::new(limits));
        let budget = limits.fuel(items);
        let (result, fuel) = match self.start(&mut store) {
            Err(fault) => (Err(fault), 0),
            Ok(rule) => {
                let result = store.set_fuel(budget).and_then(|()| call(&mut store, rule.trueup_rules_rule()));
                let left = store.get_fuel().unwrap_or(0);
                (result.map_err(|error| fault::of(&error, store.data(), budget)), budget.saturating_sub(left))
            }
        };
        let log = store.into_data().log.into_lines();
        // Only now is its memory free for others.
        drop(place);
        Called { result, fuel, log }
    }

    fn start(&self, store: &mut Store<Guard>) -> Result<RuleModule, Fault> {
        let limits = store.data().limits;
        store.limiter(|guard| guard);
        store.set_hostcall_fuel(usize::try_from(limits.host_call_bytes).unwrap_or(usize::MAX));
        // The tick under way is shorter than a whole one.
        store.set_epoch_deadline(limits.wall_seconds.saturating_mul(TICKS_PER_SECOND).saturating_add(1));
        store.set_fuel(limits.fuel_start).and_then(|()| self.pre.instantiate(&mut *store)).map_err(|error| {
            match fault::of(&error, store.data(), limits.fuel_start) {
                Fault::Limit { limit: "fuel", used, allowed } => Fault::Limit { limit: "fuel to start", used, allowed },
                other => other,
            }
        })
    }
}
