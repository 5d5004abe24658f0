//! V1, as far as judging goes: the same batches get the same answers and cost the same, on any number of threads.

use std::sync::Mutex;

use super::estate::estate;
use super::guests::{load, pooled};
use crate::model::Time;
use crate::progress::{Observer, Progress, Silent};
use crate::rule::{Judging, judge_all, profile_digest, profile_text};

/// 400 batches of various sizes.
fn identities() -> Vec<(String, u32)> {
    (0..400).map(|n| (format!("identity {n}"), n * 7 % 23)).collect()
}

struct Steps(Mutex<Vec<u64>>);

impl Observer for Steps {
    fn on(&self, step: &Progress) {
        if let (Progress::Judge { done, of: 400 }, Ok(mut steps)) = (step, self.0.lock()) {
            steps.push(*done);
        }
    }
}

#[test]
fn v01_verdicts_do_not_depend_on_threads_or_instances() {
    let identities = identities();
    let named: Vec<(&str, u32)> = identities.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    let cases = estate(&named);
    let module = load("by-position");
    let settings = module.check_settings(&[].into()).expect("settings");
    let judging = Judging { as_of: Time::from_seconds(1), settings: &settings, explain: false };
    let once = judge_all(&module, &judging, &cases, 1, &Silent, None);
    assert!(once.iter().all(|verdict| verdict.result.is_ok() && verdict.fuel > 0));
    let different: std::collections::BTreeSet<u64> = once.iter().map(|verdict| verdict.fuel).collect();
    assert!(different.len() > 20, "the guest's fuel depends on the batch");
    for threads in [2, 5, 0] {
        let steps = Steps(Mutex::default());
        assert!(judge_all(&module, &judging, &cases, threads, &steps, None) == once, "{threads} threads");
        let mut steps = steps.0.into_inner().expect("steps");
        steps.sort_unstable();
        assert_eq!(steps, (1..=400).collect::<Vec<u64>>());
    }
    // Another engine, another compilation, an instance that was used before, batches in reverse.
    for other in [load("by-position"), pooled("by-position")] {
        for (batch, expected) in cases.batches.iter().zip(&once).rev() {
            assert_eq!(&other.judge(&judging, &cases, batch), expected);
        }
        assert!(judge_all(&other, &judging, &cases, 5, &Silent, None) == once);
    }
}

/// A change of the profile is a change of every plan: this text changes together with its name.
#[test]
fn the_profile_says_what_it_fixes() {
    assert_eq!(profile_digest(), profile_digest());
    for property in ["trueup-det-1\n", "wasmtime 48", "decided by fuel", "524288 bytes", "fresh instance", "4096", "65536"] {
        assert!(profile_text().contains(property), "{property}");
    }
}
