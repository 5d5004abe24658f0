//! The noun of committing: what became of every change of a plan. Totals reconcile: each change is confirmed, ended with a
//! reason, or open for a named one (V36).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::item::Slot;
use super::{End, Event, Status};
use crate::limits::LISTED_CHANGES;
use crate::model::{CaseKey, Change, ChangeId, Gate, Lane, Time};
use crate::target::Grade;

/// Why a change is still open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Open {
    /// Nobody opened this gate.
    Gate {
        /// The gate.
        gate: Gate,
    },
    /// A change that comes first is still open.
    Behind {
        /// That change.
        change: ChangeId,
    },
    /// It may not begin before this instant.
    NotBefore {
        /// When.
        at: Time,
    },
    /// The target is not configured, does not answer, asks to wait for long, or is left alone after such failures.
    BackedOff {
        /// The target.
        target: String,
    },
    /// It may have been applied, and reading cannot tell.
    Unknown,
    /// It was applied, and cannot be read back yet.
    Unverified,
    /// The target accepted it and acts later.
    Accepted {
        /// Until when it has to be done.
        until: Time,
    },
    /// A person does it.
    Manual {
        /// The work item.
        item: String,
        /// When it is due.
        due: Time,
        /// Who works on it; empty: nobody yet.
        by: String,
        /// Whether it is past its due instant.
        overdue: bool,
    },
}

impl Open {
    /// Its stable name: for a gate, `gate` and which one.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Open::Gate { gate } => format!("gate {}", gate.kind.name()),
            Open::Behind { .. } => "behind".to_owned(),
            Open::NotBefore { .. } => "not_before".to_owned(),
            Open::BackedOff { .. } => "backed_off".to_owned(),
            Open::Unknown => "unknown".to_owned(),
            Open::Unverified => "unverified".to_owned(),
            Open::Accepted { .. } => "accepted".to_owned(),
            Open::Manual { overdue: false, .. } => "manual".to_owned(),
            Open::Manual { overdue: true, .. } => "manual_overdue".to_owned(),
        }
    }
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Open::Gate { gate } if gate.scope.is_empty() => write!(f, "waits at the {} gate", gate.kind.name()),
            Open::Gate { gate } => write!(f, "waits at the {} gate of `{}`", gate.kind.name(), gate.scope),
            Open::Behind { change } => write!(f, "waits for change {}", change.0.short()),
            Open::NotBefore { at } => write!(f, "may not begin before {at}"),
            Open::BackedOff { target } => write!(f, "target `{target}` does not take it for now"),
            Open::Unknown => f.write_str("may have been applied; reading cannot tell yet"),
            Open::Unverified => f.write_str("was applied; cannot be read back yet"),
            Open::Accepted { until } => write!(f, "was accepted; the target has until {until} to do it"),
            Open::Manual { item, due, by, overdue } => {
                let late = if *overdue { "is overdue since" } else { "is due by" };
                let who = if by.is_empty() { "nobody works on it yet" } else { by };
                write!(f, "work item `{item}` {late} {due} ({who})")
            }
        }
    }
}

/// What became of a change other than being confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// It is over.
    Ended(End),
    /// It goes on in a later run.
    Open(Open),
}

/// One kind of event that a commit records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Told {
    /// `intent`, `outcome`, `confirmed` or `ended`.
    pub event: &'static str,
    /// Which outcome or end.
    pub name: &'static str,
    /// The grade of what is confirmed.
    pub grade: Option<Grade>,
    /// The queue of its change.
    pub lane: Lane,
}

impl Told {
    pub(super) const fn of(event: &Event, lane: Lane) -> Self {
        let (kind, grade) = match event {
            Event::Intent { .. } => ("intent", None),
            Event::Outcome { .. } => ("outcome", None),
            Event::Confirmed { grade, .. } => ("confirmed", Some(*grade)),
            Event::Ended { .. } => ("ended", None),
        };
        Told { event: kind, name: event.name(), grade, lane }
    }
}

/// One change that was not confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unconfirmed {
    /// The change.
    pub change: ChangeId,
    /// Its case.
    pub key: CaseKey,
    /// What became of it.
    pub rest: Rest,
    /// The target's words in this run, bounded; empty when it said nothing.
    pub words: String,
}

/// What became of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// All changes of the plan.
    pub changes: u64,
    /// Confirmed changes per grade of evidence, those of earlier runs included.
    pub confirmed: BTreeMap<Grade, u64>,
    /// Ended changes per name of the end, those of earlier runs included.
    pub ended: BTreeMap<&'static str, u64>,
    /// Open changes per name of the reason.
    pub open: BTreeMap<String, u64>,
    /// Changes held at gates, per gate kind and scope.
    pub gates: BTreeMap<String, u64>,
    /// Unconfirmed changes in plan order, at most [`LISTED_CHANGES`].
    pub listed: Vec<Unconfirmed>,
    /// Unconfirmed changes that are not listed.
    pub unlisted: u64,
    /// Targets that were left alone after failing.
    pub backed_off: Vec<String>,
    /// Requests that this run sent.
    pub writes: u64,
    /// Changes of unknown effect that this run settled by reading.
    pub recovered: u64,
    /// Lists (target, object) that somebody else edited while a whole list was written: what stands there now has to be
    /// looked at again.
    pub edited_lists: BTreeSet<(String, String)>,
    /// Emergency changes that came in, those that were confirmed, and denials whose changes were not all confirmed.
    pub emergencies: u64,
    /// See `emergencies`.
    pub revoked: u64,
    /// See `emergencies`.
    pub unsettled_denials: u64,
    /// Events that this commit recorded, also of emergency changes, which are none of the plan's.
    #[serde(skip)]
    pub recorded: BTreeMap<Told, u64>,
    /// Places of the listed changes, until all are known.
    #[serde(skip)]
    places: Vec<Slot>,
}

impl Outcomes {
    /// Whether every change is accounted for exactly once.
    #[must_use]
    pub fn reconciles(&self) -> bool {
        let sum = self.confirmed.values().chain(self.ended.values()).chain(self.open.values()).sum::<u64>();
        sum == self.changes
    }

    /// How many changes are confirmed.
    #[must_use]
    pub fn confirmed(&self) -> u64 {
        self.confirmed.values().sum()
    }

    /// How many changes are still open.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.open.values().sum()
    }

    /// How many changes ended unconfirmed.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.ended.values().sum()
    }

    /// Lists in plan order what came in the order of ending.
    pub(super) fn sort(&mut self) {
        let mut listed: Vec<_> = std::mem::take(&mut self.places).into_iter().zip(std::mem::take(&mut self.listed)).collect();
        listed.sort_by_key(|(slot, _)| *slot);
        self.listed = listed.into_iter().map(|(_, line)| line).collect();
    }

    pub(super) fn count(&mut self, slot: Slot, change: &Change, status: &Status, open: Option<Open>, words: String) {
        self.changes += 1;
        let rest = match status {
            Status::Confirmed { grade, .. } => {
                *self.confirmed.entry(*grade).or_default() += 1;
                return;
            }
            Status::Ended { end, .. } => {
                *self.ended.entry(end.name()).or_default() += 1;
                Rest::Ended(end.clone())
            }
            _ => {
                let open = open.unwrap_or(if status.effect_unknown() { Open::Unknown } else { Open::Unverified });
                *self.open.entry(open.name()).or_default() += 1;
                if let Open::Gate { gate } = &open {
                    *self.gates.entry(format!("{} {}", gate.kind.name(), gate.scope).trim_end().to_owned()).or_default() += 1;
                }
                Rest::Open(open)
            }
        };
        if self.listed.len() < LISTED_CHANGES {
            self.places.push(slot);
            self.listed.push(Unconfirmed { change: change.id, key: change.key.clone(), rest, words });
        } else {
            self.unlisted += 1;
        }
    }
}
