//! A plan for people: grouped by target and identity. Data only; printing is the command line's.

use std::collections::BTreeMap;

use super::sealed::HeldLine;
use super::{PlanError, PlanFile};
use crate::model::{Change, Wave};

/// A plan, grouped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// By target's name.
    pub targets: BTreeMap<String, TargetReport>,
    /// Changes that are not listed because there are too many.
    pub more_changes: u64,
    /// Held cases that are not listed because there are too many.
    pub more_held: u64,
}

/// What a plan does and does not do in one target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetReport {
    /// Changes per kind, listed or not.
    pub by_kind: BTreeMap<&'static str, u64>,
    /// Changes per wave, listed or not.
    pub by_wave: BTreeMap<Wave, u64>,
    /// Changes that wait at a gate, listed or not.
    pub gated: u64,
    /// Listed changes per identity, in plan order.
    pub changes: BTreeMap<String, Vec<Change>>,
    /// Held cases per code, listed or not.
    pub held_by_code: BTreeMap<String, u64>,
    /// Listed held cases per holder.
    pub held: BTreeMap<String, Vec<HeldLine>>,
}

impl Report {
    /// Reads a plan and lists at most so many changes, and as many held cases; counts are of all.
    ///
    /// # Errors
    /// When the plan cannot be read.
    pub fn of(plan: &PlanFile, at_most: u64) -> Result<Report, PlanError> {
        let mut report = Report::default();
        for (i, change) in plan.changes().enumerate() {
            let change = change?;
            let target = report.targets.entry(change.key.target.clone()).or_default();
            *target.by_kind.entry(change.kind.name()).or_default() += 1;
            *target.by_wave.entry(change.wave).or_default() += 1;
            target.gated += u64::from(!change.gates.is_empty());
            if (i as u64) < at_most {
                target.changes.entry(change.component.clone()).or_default().push(change);
            } else {
                report.more_changes += 1;
            }
        }
        for (i, held) in plan.held().enumerate() {
            let held = held?;
            let target = report.targets.entry(held.key.target.clone()).or_default();
            *target.held_by_code.entry(held.reason.code.clone()).or_default() += 1;
            if (i as u64) < at_most {
                target.held.entry(held.key.holder.clone()).or_default().push(held);
            } else {
                report.more_held += 1;
            }
        }
        Ok(report)
    }
}
