//! How long a target's reads may lag behind its writes: learned from measured lags, separately for what adds access and what
//! removes it, and capped by the profile. Pure: instants are ticks of a steady clock, in seconds.

use std::collections::{BTreeMap, VecDeque};

use crate::limits::{LAG_MARGIN_PERCENT, LAG_SAMPLES, LAG_SAMPLES_LEAST};
use crate::target::Profile;

/// How long a target's reads may lag at the longest, in seconds.
pub(super) fn longest_lag(profile: &Profile) -> u32 {
    if profile.read_lag == 0 { 0 } else { profile.lag_cap.max(profile.read_lag) }
}

/// What is known of one direction of one target.
#[derive(Debug, Default)]
struct Window {
    /// The newest lags, in seconds.
    samples: VecDeque<u32>,
    /// Reads later than the learned bound still showed the state before, or went back to it: at least this long, until
    /// newer samples say otherwise.
    raised: u32,
    /// Samples since it was raised.
    since: usize,
}

/// The learned windows of a run.
#[derive(Debug, Default)]
pub(super) struct Windows(BTreeMap<(String, bool), Window>);

impl Windows {
    /// From which age on a read of an acknowledged change proves something, in seconds.
    pub(super) fn bound(&self, target: &str, profile: &Profile, removes: bool) -> u32 {
        if profile.read_lag == 0 {
            return 0;
        }
        let Some(window) = self.0.get(&(target.to_owned(), removes)) else { return profile.read_lag };
        let longest = window.samples.iter().copied().max().unwrap_or(0);
        let learned = longest.saturating_add(longest.saturating_mul(LAG_MARGIN_PERCENT).div_ceil(100)).max(1);
        let learned = if window.samples.len() < LAG_SAMPLES_LEAST { learned.max(profile.read_lag) } else { learned };
        learned.max(window.raised).min(longest_lag(profile))
    }

    /// Whether too few lags are known: each change is then read early and often.
    pub(super) fn is_young(&self, target: &str, removes: bool) -> bool {
        self.0.get(&(target.to_owned(), removes)).is_none_or(|window| window.samples.len() < LAG_SAMPLES_LEAST)
    }

    /// A change was first seen for good at this age.
    pub(super) fn measured(&mut self, target: &str, removes: bool, lag: u32) {
        let window = self.0.entry((target.to_owned(), removes)).or_default();
        if window.samples.len() == LAG_SAMPLES {
            window.samples.pop_front();
        }
        window.samples.push_back(lag);
        window.since += 1;
        if window.since >= LAG_SAMPLES_LEAST {
            window.raised = 0;
        }
    }

    /// A read of this age still showed the state before, or went back to it: the lag is longer than was believed.
    pub(super) fn late(&mut self, target: &str, removes: bool, age: u32) {
        let window = self.0.entry((target.to_owned(), removes)).or_default();
        let twice = age.saturating_mul(2);
        if twice > window.raised {
            window.raised = twice;
        }
        window.since = 0;
    }
}
