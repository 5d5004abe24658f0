//! Asking one question of one case, without a rule.

use std::path::Path;

use trueup_cases::{CaseFile, render_instant};

use crate::batch::Batch;
use crate::context::Context;
use crate::view::Case;

/// Asks a question of the first case of an identity, which is written as in a
/// case file, at an instant. For tests of the questions that a rule makes of its
/// own; what a rule answers is better held by a case file.
///
/// # Panics
/// When the identity or the instant cannot be read.
#[track_caller]
pub fn ask<T>(as_of: &str, identity: &str, question: impl FnOnce(Case<'_>, &Context<'_>) -> T) -> T {
    ask_until(as_of, identity, question).0
}

/// Like [`ask`], with the instant until which the answer holds, as a case file
/// writes it.
///
/// # Panics
/// When the identity or the instant cannot be read.
#[expect(clippy::panic, reason = "for tests, where what cannot be read is a failed test")]
#[track_caller]
pub fn ask_until<T>(as_of: &str, identity: &str, question: impl FnOnce(Case<'_>, &Context<'_>) -> T) -> (T, String) {
    let text = format!("{{ \"about\": \"\", \"as_of\": \"{as_of}\", \"identities\": [\n{identity}\n] }}");
    let file = match CaseFile::parse(Path::new("the identity"), &text) {
        Ok(file) => file,
        Err(error) => panic!("{error}"),
    };
    let wire = super::batch_of(file.columns);
    let (clock, batch) = (Context::<()>::clock(), Batch::open(&wire));
    let case = batch.as_ref().ok().and_then(|batch| batch.identities().next()?.cases().next());
    let Some(case) = case else { panic!("the identity has no case") };
    let answer = question(case, &Context::new(&(), file.context.as_of, 0, &clock));
    (answer, render_instant(clock.get()))
}
