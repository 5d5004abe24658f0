//! Judging: batches in, verdicts out, in the order of batches whatever the number of threads.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use super::bindings::trueup::rules::types as wire;
use super::columns::{self, Dictionary};
use super::module::Module;
use super::settings::SettingValue;
use super::validate::{self, Asked};
use super::{BatchVerdict, Fault, Judging, Memory, VerdictColumns, shown, text};
use crate::correlate::{Batch, Cases};
use crate::limits::IDENTITY_HOLDS_CASES;
use crate::progress::{Observer, Progress};

impl Module {
    /// Judges one batch in a fresh instance.
    #[must_use]
    pub fn judge(&self, judging: &Judging<'_>, cases: &Cases, batch: &Batch) -> BatchVerdict {
        match self.show(&mut Dictionary::default(), cases, batch) {
            Ok(shown) => self.judge_wire(&context(judging), &shown),
            Err(fault) => BatchVerdict { result: Err(fault), fuel: 0, log: Vec::new() },
        }
    }

    /// The columns of a batch, if it may be judged at all.
    fn show(&self, dictionary: &mut Dictionary, cases: &Cases, batch: &Batch) -> Result<wire::Batch, Fault> {
        if batch.too_large {
            return Err(Fault::IdentityTooLarge { cases: batch.cases.len() as u64, allowed: u64::from(IDENTITY_HOLDS_CASES) });
        }
        columns::write(cases, batch, self.columns(), &self.limits, dictionary)
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

/// Judges all batches on so many threads at most, but for those whose answer the memory knows. Others that judge at the same time
/// get their share of the processors. Verdicts stand in the order of batches,
/// and do not depend on the threads.
#[must_use]
pub fn judge_all(
    module: &Module,
    judging: &Judging<'_>,
    cases: &Cases,
    threads: usize,
    observer: &dyn Observer,
    memory: Option<&dyn Memory>,
) -> Vec<BatchVerdict> {
    let verdicts: Vec<OnceLock<BatchVerdict>> = cases.batches.iter().map(|_| OnceLock::new()).collect();
    let (next, done, of) = (AtomicUsize::new(0), AtomicU64::new(0), cases.batches.len() as u64);
    let context = context(judging);
    let memory = memory.map(|memory| (memory, shown::terms(module, judging)));
    let judge = |index: usize, batch: &Batch, dictionary: &mut Dictionary| {
        let shown = match module.show(dictionary, cases, batch) {
            Ok(shown) => shown,
            Err(fault) => return BatchVerdict { result: Err(fault), fuel: 0, log: Vec::new() },
        };
        let Some((memory, terms)) = &memory else { return module.judge_wire(&context, &shown) };
        let digest = shown::digest(terms, &shown);
        memory.recall(index, &digest).unwrap_or_else(|| {
            let verdict = module.judge_wire(&context, &shown);
            memory.keep(index, digest, &verdict);
            verdict
        })
    };
    let session = module.shares.begin();
    let work = || {
        let mut dictionary = Dictionary::default();
        let turn = session.turn();
        loop {
            turn.give_way();
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(batch), Some(slot)) = (cases.batches.get(index), verdicts.get(index)) else { break };
            slot.get_or_init(|| judge(index, batch, &mut dictionary));
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
