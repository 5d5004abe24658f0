//! What one call may take: counts what the instance grows, and takes in its log. Lives in the instance's store.

use wasmtime::{ResourceLimiter, Result};

use super::bindings::trueup::rules::{log, types};
use super::limits::{CORE_PARTS, RuleLimits};
use super::log::Log;

/// A limit that was passed; as an error, on its way through the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rule ran out of {limit}")]
pub(crate) struct Exceeded {
    pub(crate) limit: &'static str,
    pub(crate) used: u64,
    pub(crate) allowed: u64,
}

/// The state of one call.
pub(crate) struct Guard {
    pub(crate) limits: RuleLimits,
    pub(crate) log: Log,
    /// The last growth that was refused. The module may do without, or fail; then this is why.
    pub(crate) refused: Option<Exceeded>,
    memory: u64,
    table: u64,
}

impl Guard {
    pub(crate) fn new(limits: RuleLimits) -> Self {
        Guard { limits, log: Log::default(), refused: None, memory: 0, table: 0 }
    }

    /// Linear memory of the instance, in bytes: it only grows.
    pub(crate) fn memory(&self) -> u64 {
        self.memory
    }
}

/// Adds what is to be grown to what is used, unless that is more than allowed.
fn grow(total: &mut u64, current: usize, desired: usize, limit: &'static str, allowed: u64) -> Option<Exceeded> {
    let used = total.saturating_add(desired.saturating_sub(current) as u64);
    if used > allowed {
        return Some(Exceeded { limit, used, allowed });
    }
    *total = used;
    None
}

impl ResourceLimiter for Guard {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let refused = grow(&mut self.memory, current, desired, "memory", self.limits.memory_bytes);
        let granted = refused.is_none();
        self.refused = refused.or(self.refused.take());
        Ok(granted)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let refused = grow(&mut self.table, current, desired, "table elements", self.limits.table_elements);
        let granted = refused.is_none();
        self.refused = refused.or(self.refused.take());
        Ok(granted)
    }

    fn instances(&self) -> usize {
        CORE_PARTS
    }

    fn tables(&self) -> usize {
        CORE_PARTS
    }

    fn memories(&self) -> usize {
        CORE_PARTS
    }
}

impl types::Host for Guard {}

impl log::Host for Guard {
    fn write(&mut self, level: u8, message: String) -> Result<()> {
        self.log
            .write(level, &message, &self.limits)
            .map_err(|used| Exceeded { limit: "log", used, allowed: self.limits.log_bytes }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::{Exceeded, Guard, RuleLimits};
    use wasmtime::ResourceLimiter as _;

    #[test]
    fn memories_are_counted_together() {
        let limits = RuleLimits { memory_bytes: 100, table_elements: 10, ..RuleLimits::default() };
        let mut guard = Guard::new(limits);
        for (current, desired, granted) in [(0, 60, true), (0, 30, true), (60, 71, false), (60, 70, true), (70, 71, false)] {
            assert_eq!(guard.memory_growing(current, desired, None).ok(), Some(granted), "{current} to {desired}");
        }
        assert_eq!(guard.refused, Some(Exceeded { limit: "memory", used: 101, allowed: 100 }));
        assert_eq!(guard.table_growing(0, 10, None).ok(), Some(true));
        assert_eq!(guard.table_growing(10, 12, None).ok(), Some(false));
        assert_eq!(guard.refused, Some(Exceeded { limit: "table elements", used: 12, allowed: 10 }));
    }
}
