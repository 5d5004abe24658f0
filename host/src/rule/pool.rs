//! Instances whose memory is kept ready between calls, so that a fresh one costs no page faults. Owns how many there may be at once:
//! who finds none free waits, and no rule is blamed for it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::limits::RuleLimits;

/// Core instances, and tables, of one component: an encoded rule has three.
const PARTS: u32 = 4;
/// Memories of one component: a rule has one.
const MEMORIES: u32 = 2;
/// What is kept ready of a table, in bytes: some hundreds of functions.
const TABLE_RESIDENT_BYTES: usize = 16 << 10;

/// How much is kept ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pool {
    /// Calls at the same time, over all tenants. Two for each processor leave none idle.
    pub instances: u32,
    /// Memory of each that is kept, in bytes, and cleared instead of being given back. A batch of 4,096 cases takes about 2 MiB.
    pub resident_bytes: usize,
}

impl Pool {
    /// So many calls at the same time, with the usual memory.
    #[must_use]
    pub const fn new(instances: u32) -> Self {
        Pool { instances, resident_bytes: 2 << 20 }
    }

    /// Lets the engine take its instances from such a pool, none of which has more memory and tables than these limits say.
    pub(super) fn configure(self, limits: &RuleLimits, config: &mut Config) {
        let instances = self.instances.max(1);
        let (core, memories) = (instances.saturating_mul(PARTS), instances.saturating_mul(MEMORIES));
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(instances)
            .total_core_instances(core)
            .max_core_instances_per_component(PARTS)
            .total_tables(core)
            .max_tables_per_component(PARTS)
            .table_elements(size(limits.table_elements))
            .total_memories(memories)
            .max_memories_per_component(MEMORIES)
            .max_memory_size(size(limits.memory_bytes))
            .linear_memory_keep_resident(self.resident_bytes)
            .table_keep_resident(TABLE_RESIDENT_BYTES)
            .max_unused_warm_slots(memories)
            // Where the system can tell which pages were written, only these are cleared.
            .pagemap_scan(Enabled::Auto);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
}

/// Places for instances.
pub(crate) struct Places {
    free: Mutex<u32>,
    freed: Condvar,
}

impl Places {
    pub(super) fn new(pool: Pool) -> Arc<Self> {
        Arc::new(Places { free: Mutex::new(pool.instances.max(1)), freed: Condvar::new() })
    }

    /// Waits for a place.
    pub(super) fn take(&self) -> Place<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Place(self)
    }
}

/// A place that is taken until this is dropped.
pub(super) struct Place<'p>(&'p Places);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
