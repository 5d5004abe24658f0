//! Judging what changed: a batch that looks as it did in the last run gets its answer of then, until the instant that the rule
//! named, but for a sample that is judged again. A rule whose answer is then another one has broken its word. Owns what is
//! reused and what is sampled; where answers lie is for [`super::answers`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::answers::{Answered, Answers};
use super::{Engine, EngineError, Spared};
use crate::correlate::Cases;
use crate::ledger::RunRow;
use crate::limits::SAMPLED_BATCHES;
use crate::model::{Digest, Encoder, RunId, Time};
use crate::rule::{BatchVerdict, Fault, Memory};

/// What one run remembers.
pub(super) struct Remembering<'e> {
    answers: &'e Answers,
    as_of: Time,
    /// Where the sample of each part begins: no module can know it.
    salt: u64,
    former: HashMap<Digest, Answered>,
    /// In the order of batches, part after part.
    mine: Vec<Answered>,
    spared: Spared,
}

impl<'e> Remembering<'e> {
    /// What a run may use of former ones. What it is answered is kept even if nothing is reused.
    pub(super) fn of(answers: &'e Answers, run: &RunRow, believed: bool, reuse: bool) -> Result<Self, EngineError> {
        let former = if believed && reuse { answers.newest()? } else { Vec::new() };
        let former = former.into_iter().map(|answered| (answered.shown, answered)).collect();
        let mut salt = Encoder::new("trueup.sample");
        salt.bytes(&run.run.0.to_le_bytes()).number(run.began.seconds());
        let salt = salt.finish().prefix();
        Ok(Remembering {
            answers,
            as_of: run.as_of,
            salt,
            former,
            mine: Vec::new(),
            spared: Spared { broken: !believed, ..Spared::default() },
        })
    }

    /// For the batches of the next part, of which there are so many.
    fn part(&self, batches: usize) -> Part<'_> {
        let every = SAMPLED_BATCHES.min(batches.max(1));
        let first = (self.salt % every as u64) as usize;
        Part { of: self, every, first, heard: Mutex::default() }
    }

    /// Takes in what a part was answered.
    ///
    /// # Errors
    /// When an answer could not be kept; [`EngineError::Contradicted`] when the rule broke its word.
    fn take(&mut self, heard: Heard) -> Result<(), EngineError> {
        let Heard { mut answered, spared, failed } = heard;
        if let Some(error) = failed {
            return Err(error);
        }
        answered.sort_unstable_by_key(|(batch, _)| *batch);
        self.mine.extend(answered.into_iter().map(|(_, answered)| answered));
        self.spared.reused += spared.reused;
        self.spared.checked += spared.checked;
        Ok(())
    }

    /// Keeps what this run was answered.
    pub(super) fn end(self, run: RunId) -> Result<Spared, EngineError> {
        self.answers.end(run, &self.mine)?;
        Ok(self.spared)
    }
}

/// The memory of one part.
struct Part<'a> {
    of: &'a Remembering<'a>,
    /// One batch of so many is judged again, this one first.
    every: usize,
    first: usize,
    heard: Mutex<Heard>,
}

/// What came of one part.
#[derive(Default)]
struct Heard {
    answered: Vec<(usize, Answered)>,
    spared: Spared,
    failed: Option<EngineError>,
}

impl Part<'_> {
    /// The former answer to what is shown, if it holds at this run's instant.
    fn former(&self, shown: &Digest) -> Option<&Answered> {
        let former = self.of.former.get(shown);
        former.filter(|former| former.judged <= self.of.as_of && self.of.as_of < former.valid_until)
    }

    fn hear(&self, hear: impl FnOnce(&mut Heard)) {
        hear(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Memory for Part<'_> {
    fn recall(&self, batch: usize, shown: &Digest) -> Option<BatchVerdict> {
        let former = *self.former(shown)?;
        if batch % self.every == self.first {
            self.hear(|heard| heard.spared.checked += 1);
            return None;
        }
        // What is gone or damaged is judged again.
        let columns = self.of.answers.read(&former.answer)?;
        self.hear(|heard| {
            heard.spared.reused += 1;
            heard.answered.push((batch, former));
        });
        Some(BatchVerdict { result: Ok(columns), fuel: 0, log: Vec::new() })
    }

    fn keep(&self, batch: usize, shown: Digest, verdict: &BatchVerdict) {
        let former = self.former(&shown);
        let columns = match &verdict.result {
            Ok(columns) => columns,
            // That the machine was slow is not the rule's word.
            Err(Fault::Interrupted { .. }) => return,
            Err(_) if former.is_none() => return,
            Err(_) => return self.hear(|heard| heard.failed = Some(EngineError::Contradicted)),
        };
        let answer = columns.digest();
        if former.is_some_and(|former| former.answer != answer) {
            return self.hear(|heard| heard.failed = Some(EngineError::Contradicted));
        }
        // A rule that wrote something is asked again, so that it is written again.
        let valid_until = if verdict.log.is_empty() { columns.valid_until } else { Time::NONE };
        let answered = Answered { shown, answer, judged: self.of.as_of, valid_until, fuel: verdict.fuel };
        match self.of.answers.keep(&answer, columns) {
            Ok(()) => self.hear(|heard| heard.answered.push((batch, answered))),
            // A rule that broke its word is the graver news.
            Err(error) => self.hear(|heard| {
                heard.failed.get_or_insert(error);
            }),
        }
    }
}

impl Engine {
    /// Verdicts of the batches of a part: former ones where they still hold.
    pub(super) fn judge_anew(
        &self,
        cases: &Cases,
        as_of: Time,
        memory: &mut Remembering<'_>,
    ) -> Result<Vec<BatchVerdict>, EngineError> {
        let part = memory.part(cases.batches.len());
        let verdicts = self.judge(cases, as_of, Some(&part));
        let heard = part.heard.into_inner().unwrap_or_else(PoisonError::into_inner);
        memory.take(heard).map(|()| verdicts)
    }
}
