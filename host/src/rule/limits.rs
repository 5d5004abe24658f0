//! Every bound on a rule module, each with the reason for its value.

use serde::{Deserialize, Serialize};

use crate::model::{Digest, canonical_json};

/// What a rule module may use. The defaults suit a tenant of ten million grants; a vendor may set each per tenant.
///
/// Verdicts may depend on these (a smaller budget turns a verdict into a fault), so a plan records them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuleLimits {
    /// Size of the component. A rule with the standard library, unstripped, takes about 2 MiB; compiling takes time and
    /// memory in proportion, and nothing inside the sandbox bounds that.
    pub component_bytes: u64,
    /// All linear memories together. The largest identity takes about 20 MiB, and the guest kit's allocator never gives
    /// back.
    pub memory_bytes: u64,
    /// All tables together. A table holds the functions that are called indirectly: some hundreds.
    pub table_elements: u64,
    /// Fuel for starting an instance. Not part of a batch's budget, because it differs between platforms.
    pub fuel_start: u64,
    /// Fuel for any call, whatever its size.
    pub fuel_base: u64,
    /// Further fuel per case (or key). A whole comparison takes about 1,300; this leaves room for forty of them.
    pub fuel_per_case: u64,
    /// Wall time of one call, in seconds: the operator's backstop against what fuel does not count. Its firing is an
    /// infrastructure fault, so it lies far above what the fuel of an ordinary batch can take.
    pub wall_seconds: u64,
    /// All texts of one batch. Fields are bounded by themselves; this bounds what one identity can add up to.
    pub input_bytes: u64,
    /// What one call may hand to the host. Verdicts of the largest identity take 2.4 MiB.
    pub host_call_bytes: u64,
    /// Log lines kept per batch, the last ones: what a person reads.
    pub log_lines: u64,
    /// Bytes kept of one log line.
    pub log_line_bytes: u64,
    /// Bytes written to the log per batch, kept or not: beyond it the rule is stopped, because fuel does not count what
    /// the host does for it.
    pub log_bytes: u64,
    /// Bytes kept of an error's text.
    pub error_bytes: u64,
}

impl Default for RuleLimits {
    fn default() -> Self {
        RuleLimits {
            component_bytes: 16 << 20,
            memory_bytes: 128 << 20,
            table_elements: 20_000,
            fuel_start: 10_000_000,
            fuel_base: 10_000_000,
            fuel_per_case: 50_000,
            wall_seconds: 60,
            input_bytes: 64 << 20,
            host_call_bytes: 16 << 20,
            log_lines: 200,
            log_line_bytes: 1_024,
            log_bytes: 16 << 20,
            error_bytes: 4_096,
        }
    }
}

impl RuleLimits {
    /// Names limits that are not the usual ones: verdicts may depend on them, so that plans record them.
    pub(super) fn digest(&self) -> Option<Digest> {
        // Numbers are always JSON.
        (*self != Self::default()).then(|| Digest::of(canonical_json(self).unwrap_or_default().as_bytes()))
    }

    /// The budget of a call over so many cases or keys.
    #[must_use]
    pub fn fuel(&self, cases: usize) -> u64 {
        self.fuel_base.saturating_add(self.fuel_per_case.saturating_mul(cases as u64))
    }
}

/// Texts of a rule's description, in bytes. They appear in every report, so they are short.
pub(crate) const NAME_BYTES: usize = 128;
/// Longest help or reason text, in bytes.
pub(crate) const TEXT_BYTES: usize = 1_024;
/// Settings that a rule may have: each is asked of a vendor.
pub(crate) const SETTINGS: usize = 256;
/// Reasons that a rule may have: what `u16` can name, one value kept for "none".
pub(crate) const REASONS: usize = 65_535;
/// Keys that are handed to `canon` at once: as many as a batch closes after four times over, so that a fresh instance
/// costs nothing.
pub(crate) const CANON_KEYS: usize = 4_096;
/// Core instances, memories and tables of one component. An encoded rule has three instances.
pub(crate) const CORE_PARTS: usize = 16;
/// Components and modules in one another. An encoded rule has one in the other; each level costs whoever walks down there memory.
pub(crate) const NESTED_PARTS: u32 = 16;
/// What the guest kit says of a module it built, in bytes: a few facts of a line each, which are kept as long as the module.
pub(crate) const SECTION_BYTES: usize = 4_096;
