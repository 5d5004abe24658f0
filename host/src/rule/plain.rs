//! Batches as plain data: what the case runner shows to a component, and what a native rule is shown of an estate. Moves
//! columns, looks at none.

use trueup_cases::{Columns, Context, SettingValue, VendorColumn, VendorValues};

use super::bindings::trueup::rules::types as wire;
use super::columns::{self, Column, Dictionary};
use super::{BatchVerdict, Fault, Module, RuleLimits};
use crate::correlate::{Batch, Cases};

/// An answer, and what it took.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The answer, with its fuel and log.
    pub verdict: BatchVerdict,
    /// Linear memory of the instance at its highest, in bytes.
    pub memory_bytes: u64,
}

impl Module {
    /// Names of the optional columns that it reads, those of the contract.
    #[must_use]
    pub fn column_names(&self) -> Vec<String> {
        self.columns().iter().map(|column| column.name().to_owned()).collect()
    }

    /// Judges a batch of plain columns in a fresh instance, under the limits and checks of every other batch.
    #[must_use]
    pub fn judge_columns(&self, context: &Context, batch: &Columns) -> BatchVerdict {
        self.judge_wire(&context_of(context), &batch_of(batch))
    }

    /// The same, and how much memory it took.
    #[must_use]
    pub fn measure_columns(&self, context: &Context, batch: &Columns) -> Measured {
        let (verdict, memory_bytes) = self.measure_wire(&context_of(context), &batch_of(batch));
        Measured { verdict, memory_bytes }
    }

    /// The columns that a batch of cases is shown as.
    ///
    /// # Errors
    /// When the batch is larger than the module's limits allow.
    pub fn columns_of(&self, cases: &Cases, batch: &Batch) -> Result<Columns, Fault> {
        let mut dictionary = Dictionary::default();
        columns::write(cases, batch, self.columns(), self.limits(), &mut dictionary).map(plain)
    }
}

/// All columns of the contract for a batch, as a rule that wants them all is shown them.
///
/// # Errors
/// When the batch is larger than these limits allow.
pub fn all_columns(cases: &Cases, batch: &Batch, limits: &RuleLimits) -> Result<Columns, Fault> {
    let all = Column::ALL.iter().copied().collect();
    columns::write(cases, batch, &all, limits, &mut Dictionary::default()).map(plain)
}

pub(super) fn context_of(context: &Context) -> wire::Context {
    let value = |value: &SettingValue| match value {
        SettingValue::Text(text) => wire::SettingValue::Text(text.clone()),
        SettingValue::Integer(number) => wire::SettingValue::Integer(*number),
        SettingValue::Boolean(flag) => wire::SettingValue::Boolean(*flag),
        SettingValue::Texts(texts) => wire::SettingValue::Texts(texts.clone()),
    };
    let settings = context.settings.iter().map(|(name, v)| wire::Setting { name: name.clone(), value: value(v) });
    wire::Context { as_of: context.as_of, settings: settings.collect(), flags: context.flags }
}

/// Both directions name every column once.
macro_rules! columns {
    ($($column:ident)*) => {
        pub(super) fn batch_of(batch: &Columns) -> wire::Batch {
            wire::Batch {
                heap: batch.heap.clone(),
                text_ends: batch.text_ends.clone(),
                $($column: batch.$column.clone(),)*
                vendor: batch.vendor.iter().map(vendor_of).collect(),
            }
        }

        fn plain(batch: wire::Batch) -> Columns {
            Columns {
                heap: batch.heap,
                text_ends: batch.text_ends,
                $($column: batch.$column,)*
                vendor: batch.vendor.into_iter().map(plain_vendor).collect(),
            }
        }
    };
}

columns! {
    identity identity_ends identity_kind identity_status identity_moved_at identity_ends_at identity_owner identity_unit
    subject target holder object desired observed recorded unknown_why differs traits desired_expires_at
    observed_expires_at not_before last_used undesired_since disabled_since desired_level observed_level owner purpose
    observed_purpose record approver via replaces tier exclusion
}

fn vendor_of(column: &VendorColumn) -> wire::VendorColumn {
    let values = match &column.values {
        VendorValues::Ids(ids) => wire::ColumnValues::Ids(ids.clone()),
        VendorValues::Integers(numbers) => wire::ColumnValues::Integers(numbers.clone()),
        VendorValues::Booleans(flags) => wire::ColumnValues::Booleans(flags.clone()),
        VendorValues::IdLists(ends, ids) => wire::ColumnValues::IdLists((ends.clone(), ids.clone())),
    };
    wire::VendorColumn { name: column.name.clone(), values }
}

fn plain_vendor(column: wire::VendorColumn) -> VendorColumn {
    let values = match column.values {
        wire::ColumnValues::Ids(ids) => VendorValues::Ids(ids),
        wire::ColumnValues::Integers(numbers) => VendorValues::Integers(numbers),
        wire::ColumnValues::Booleans(flags) => VendorValues::Booleans(flags),
        wire::ColumnValues::IdLists((ends, ids)) => VendorValues::IdLists(ends, ids),
    };
    VendorColumn { name: column.name, values }
}
