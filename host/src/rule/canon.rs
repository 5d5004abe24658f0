//! The form in which a rule compares keys: asked in chunks, checked, never written to a target.

use super::limits::CANON_KEYS;
use super::module::Module;
use super::{Fault, KeyKind, text};
use crate::limits::FIELD_BYTES;

/// Bytes of a key that a fault repeats.
const SHOWN: u64 = 100;

impl Module {
    /// For each key, the form in which it is compared: the key itself when the rule does not say. Hand over distinct,
    /// sorted keys, so that the chunks are the same in every run.
    ///
    /// # Errors
    /// When a call fails, or an answer is missing, empty, too long, or not its own canonical form.
    pub fn canon(&self, kind: KeyKind, keys: &[&str]) -> Result<Vec<String>, Fault> {
        if !self.is_canonical() {
            return Ok(keys.iter().map(|&key| key.to_owned()).collect());
        }
        let mut all = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(CANON_KEYS) {
            let chunk: Vec<String> = chunk.iter().map(|&key| key.to_owned()).collect();
            let answers = self.canon_chunk(kind, &chunk)?;
            check(&chunk, &answers)?;
            let again = self.canon_chunk(kind, &answers)?;
            if let Some((once, twice)) = answers.iter().zip(&again).find(|(once, twice)| once != twice) {
                let (once, twice) = (text::shown(once, SHOWN), text::shown(twice, SHOWN));
                return Err(malformed(format!("canon of `{once}`, itself an answer of canon, is `{twice}`")));
            }
            all.extend(answers);
        }
        Ok(all)
    }

    fn canon_chunk(&self, kind: KeyKind, keys: &[String]) -> Result<Vec<String>, Fault> {
        let answers =
            self.sandbox.call(&self.limits, keys.len(), |store, rule| rule.call_canon(store, kind as u8, keys)).result?;
        if answers.len() != keys.len() {
            return Err(malformed(format!("canon gave {} answers for {} keys", answers.len(), keys.len())));
        }
        Ok(answers)
    }
}

/// Whether each answer may stand for its key.
pub(super) fn check(keys: &[String], answers: &[String]) -> Result<(), Fault> {
    match keys.iter().zip(answers).find(|(key, answer)| answer.len() > FIELD_BYTES || (answer.is_empty() && !key.is_empty())) {
        None => Ok(()),
        Some((key, answer)) => {
            let key = text::shown(key, SHOWN);
            let found = if answer.is_empty() { "empty".to_owned() } else { format!("{} bytes long", answer.len()) };
            Err(malformed(format!("canon of `{key}` is {found}; it must have 1 to {FIELD_BYTES} bytes")))
        }
    }
}

fn malformed(problem: String) -> Fault {
    Fault::Malformed { problem }
}
