//! Judging: batches in, verdicts out, in the order of batches whatever the number of threads.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use super::bindings::trueup::rules::types as wire;
use super::columns::{self, Dictionary};
use super::module::Module;
use super::settings::SettingValue;
use super::validate::{self, Asked};
use super::{BatchVerdict, Fault, Judging, VerdictColumns, text};
use crate::correlate::{Batch, Cases};
use crate::limits::IDENTITY_HOLDS_CASES;
use crate::progress::{Observer, Progress};

impl Module {
    /// Judges one batch in a fresh instance.
    #[must_use]
    pub fn judge(&self, judging: &Judging<'_>, cases: &Cases, batch: &Batch) -> BatchVerdict {
        self.judge_with(&context(judging), &mut Dictionary::default(), cases, batch)
    }

    fn judge_with(&self, context: &wire::Context, dictionary: &mut Dictionary, cases: &Cases, batch: &Batch) -> BatchVerdict {
        let count = batch.cases.len();
        if batch.too_large {
            let fault = Fault::IdentityTooLarge { cases: count as u64, allowed: u64::from(IDENTITY_HOLDS_CASES) };
            return BatchVerdict { result: Err(fault), fuel: 0, log: Vec::new() };
        }
        let shown = match columns::write(cases, batch, self.columns(), &self.limits, dictionary) {
            Ok(columns) => columns,
            Err(fault) => return BatchVerdict { result: Err(fault), fuel: 0, log: Vec::new() },
        };
        self.judge_wire(context, &shown)
    }

    /// Judges columns in a fresh instance.
    pub(super) fn judge_wire(&self, context: &wire::Context, shown: &wire::Batch) -> BatchVerdict {
        let count = shown.subject.len();
        let called = self.sandbox.call(&self.limits, count, |store, rule| rule.call_judge(store, context, shown));
        let asked = Asked { cases: count, identity_ends: &shown.identity_ends, reasons: self.facts().reasons.len() };
        let result = called.result.and_then(|answer| self.take(&asked, answer));
        BatchVerdict { result, fuel: called.fuel, log: called.log }
    }

    fn take(&self, asked: &Asked<'_>, answer: Result<wire::Verdicts, wire::RuleError>) -> Result<VerdictColumns, Fault> {
        match answer {
            Ok(verdicts) => validate::check(asked, verdicts),
            Err(error) => Err(Fault::Rule {
                code: text::shown(&error.code, self.limits.error_bytes),
                message: text::shown(&error.message, self.limits.error_bytes),
                case: error.case.filter(|&case| (case as usize) < asked.cases),
            }),
        }
    }
}

/// Judges all batches on so many threads. Verdicts stand in the order of batches, and do not depend on the threads.
#[must_use]
pub fn judge_all(
    module: &Module,
    judging: &Judging<'_>,
    cases: &Cases,
    threads: usize,
    observer: &dyn Observer,
) -> Vec<BatchVerdict> {
    let verdicts: Vec<OnceLock<BatchVerdict>> = cases.batches.iter().map(|_| OnceLock::new()).collect();
    let (next, done, of) = (AtomicUsize::new(0), AtomicU64::new(0), cases.batches.len() as u64);
    let context = context(judging);
    let work = || {
        let mut dictionary = Dictionary::default();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(batch), Some(slot)) = (cases.batches.get(index), verdicts.get(index)) else { break };
            slot.get_or_init(|| module.judge_with(&context, &mut dictionary, cases, batch));
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            observer.on(&Progress::Judge { done, of });
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.clamp(1, verdicts.len().max(1)) {
            scope.spawn(work);
        }
        work();
    });
    // Every slot is filled: the scope ends when all work is done.
    verdicts.into_iter().filter_map(OnceLock::into_inner).collect()
}

fn context(judging: &Judging<'_>) -> wire::Context {
    let value = |value: &SettingValue| match value {
        SettingValue::Text(value) => wire::SettingValue::Text(value.clone()),
        SettingValue::Integer(value) => wire::SettingValue::Integer(*value),
        SettingValue::Boolean(value) => wire::SettingValue::Boolean(*value),
        SettingValue::Texts(value) => wire::SettingValue::Texts(value.clone()),
    };
    wire::Context {
        as_of: judging.as_of.seconds(),
        settings: judging.settings.iter().map(|(name, v)| wire::Setting { name: name.to_owned(), value: value(v) }).collect(),
        flags: u32::from(judging.explain),
    }
}
