//! The numbers of one process: counters, gauges and histograms, bounded in how many there are. Owns adding up; how they are written is
//! for `text`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::families::{FAMILIES, Family, Kind};
use crate::limits::{MESSAGE_BYTES, METRIC_SERIES};

/// Upper bounds of histograms, in seconds: from a page of a small source to a night's bulk run.
pub(super) const BOUNDS: [f64; 12] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0];

/// A number, of one set of labels.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(f64),
    /// How many were at most as long as each bound, how many there were, and their sum.
    Histogram([f64; BOUNDS.len()], f64, f64),
}

/// Values of the labels, in the family's order.
pub(super) type Labels = Vec<String>;

#[derive(Default)]
pub(super) struct State {
    pub(super) series: BTreeMap<(usize, Labels), Value>,
    /// Gauges that this process set: what a former one said of them no longer holds.
    pub(super) set: BTreeSet<usize>,
}

/// What an engine counts. Cheap to add to, from any thread.
#[derive(Default)]
pub struct Metrics(Mutex<State>);

impl Metrics {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to a counter.
    pub(crate) fn add(&self, family: &Family, labels: &[&str], number: u64) {
        self.state().change(family, labels, |value| {
            if let Value::Number(sum) = value {
                *sum += number as f64;
            }
        });
    }

    /// Takes one length of time into a histogram.
    pub(crate) fn observe(&self, family: &Family, labels: &[&str], seconds: f64) {
        self.state().change(family, labels, |value| {
            if let Value::Histogram(buckets, count, sum) = value {
                buckets.iter_mut().zip(BOUNDS).filter(|(_, bound)| seconds <= *bound).for_each(|(bucket, _)| *bucket += 1.0);
                (*count, *sum) = (*count + 1.0, *sum + seconds);
            }
        });
    }

    /// Sets a gauge to these numbers, and to no others.
    pub(crate) fn set<'l>(&self, family: &Family, numbers: impl IntoIterator<Item = (Vec<&'l str>, f64)>) {
        let mut state = self.state();
        let Some(place) = place(family) else { return };
        state.set.insert(place);
        state.series.retain(|(family, _), _| *family != place);
        for (labels, number) in numbers {
            state.change(family, &labels, |value| {
                // Those beyond the bound share a place.
                if let Value::Number(sum) = value {
                    *sum += number;
                }
            });
        }
    }

    /// Sets one number of a gauge.
    pub(crate) fn put(&self, family: &Family, labels: &[&str], number: f64) {
        self.state().change(family, labels, |value| *value = Value::Number(number));
    }

    /// One number, where it was counted: of a histogram, how many there were.
    #[must_use]
    pub fn get(&self, name: &str, labels: &[&str]) -> Option<f64> {
        let place = FAMILIES.iter().position(|family| family.name == name)?;
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        self.state().series.get(&(place, labels)).map(|value| match value {
            Value::Number(number) => *number,
            Value::Histogram(_, count, _) => *count,
        })
    }

    /// The sum of all numbers of a metric.
    #[must_use]
    pub fn total(&self, name: &str) -> f64 {
        let Some(place) = FAMILIES.iter().position(|family| family.name == name) else { return 0.0 };
        let state = self.state();
        let numbers = state.series.iter().filter(|((family, _), _)| *family == place).map(|(_, value)| match value {
            Value::Number(number) => *number,
            Value::Histogram(_, count, _) => *count,
        });
        numbers.sum()
    }
}

impl State {
    pub(super) fn change(&mut self, family: &Family, labels: &[&str], change: impl FnOnce(&mut Value)) {
        let Some(place) = place(family) else { return };
        let mut key = (place, labels.iter().map(|label| bounded(label)).collect::<Labels>());
        if !self.series.contains_key(&key) {
            let known = self.series.range((place, Labels::new())..(place + 1, Labels::new())).count();
            if known >= METRIC_SERIES {
                key.1.iter_mut().for_each(|label| "other".clone_into(label));
            }
        }
        let nothing = match family.kind {
            Kind::Histogram => Value::Histogram([0.0; BOUNDS.len()], 0.0, 0.0),
            _ => Value::Number(0.0),
        };
        change(self.series.entry(key).or_insert(nothing));
    }
}

pub(super) fn place(family: &Family) -> Option<usize> {
    FAMILIES.iter().position(|known| known.name == family.name)
}

/// A label's value: bounded, and of letters that can be seen.
fn bounded(label: &str) -> String {
    let mut bytes = 0;
    let fits = |letter: &char| {
        bytes += letter.len_utf8();
        bytes <= MESSAGE_BYTES
    };
    label.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).take_while(fits).collect()
}
