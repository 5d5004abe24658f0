//! The contract's own types, for whoever calls a rule natively or reads what it
//! answers. Authors do not need them.

pub use crate::bindings::trueup::rules::types::{
    Batch, ColumnValues, Context, Reason, RuleError, RuleInfo, Setting, SettingInfo, SettingKind, SettingValue, VendorColumn,
    Verdicts,
};
