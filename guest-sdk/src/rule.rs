//! One rule as the contract sees it, whatever form its author gave it.

use std::borrow::Cow;

use crate::answers::Answers;
use crate::batch::Batch;
use crate::context::Context;
use crate::fault::Fault;
use crate::reasons::Reasons;
use crate::settings::{self, Settings};
use crate::view::{Case, Identity};
use crate::wire;
use crate::words::Key;
use crate::{Opinion, watch};

/// What `#[rule]` makes of a function.
#[doc(hidden)]
pub trait Rule {
    /// Its settings.
    type Settings: Settings;
    /// Its reasons.
    type Why: Reasons;
    /// Its name.
    const NAME: &'static str;
    /// Its version.
    const VERSION: &'static str;
    /// Whether it has a `canon`.
    const CANONICAL: bool;

    /// Optional columns that it reads; repetitions are fine.
    fn columns() -> Vec<String>;

    /// Judges one identity.
    fn judge(identity: Identity<'_>, cx: &Context<'_, Self::Settings>, answers: &mut Answers<Self::Why>) -> Result<(), Fault>;

    /// The form in which a key is compared.
    fn canon(_: Key, key: &str) -> Cow<'_, str> {
        Cow::Borrowed(key)
    }
}

/// Judges an identity with a rule over single cases.
#[doc(hidden)]
#[inline]
pub fn each<'a, O: Opinion>(
    identity: Identity<'a>,
    answers: &mut Answers<O::Why>,
    judge: impl Fn(Case<'a>) -> O,
) -> Result<(), Fault> {
    for case in identity.cases() {
        watch::case(case.index());
        let index = case.index();
        if let Some(verdict) = judge(case).into_opinion().map_err(|fault| Fault { case: Some(index), ..fault })? {
            answers.give_first(index, verdict);
        }
    }
    Ok(())
}

pub(crate) fn describe<R: Rule>() -> wire::RuleInfo {
    let mut columns: Vec<String> = Vec::new();
    for name in R::columns() {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    let mut settings = Vec::new();
    R::Settings::schema(&mut settings);
    let mut reasons = Vec::new();
    R::Why::table(&mut reasons);
    wire::RuleInfo {
        name: R::NAME.to_string(),
        version: R::VERSION.to_string(),
        columns,
        settings,
        reasons,
        canonical: R::CANONICAL,
    }
}

pub(crate) fn judge<R: Rule>(context: &wire::Context, batch: &wire::Batch) -> Result<wire::Verdicts, Fault> {
    let settings: R::Settings = settings::read(&context.settings)?;
    let batch = Batch::open(batch)?;
    let clock = Context::<()>::clock();
    let cx = Context::new(&settings, context.as_of, context.flags, &clock);
    let mut answers = Answers::new(batch.cases());
    for identity in batch.identities() {
        watch::case(identity.first);
        answers.begin(identity);
        R::judge(identity, &cx, &mut answers)?;
        answers.end()?;
    }
    batch.finish()?;
    Ok(answers.finish(clock.get()))
}

pub(crate) fn canon<R: Rule>(kind: u8, keys: &[String]) -> Vec<String> {
    keys.iter().map(|key| R::canon(Key::from_code(kind), key).into_owned()).collect()
}

/// A rule that is called as an ordinary function: by its tests, and by anybody
/// who compares the native rule with the shipped component.
#[derive(Clone, Copy)]
pub struct NativeRule {
    describe: fn() -> wire::RuleInfo,
    judge: fn(&wire::Context, &wire::Batch) -> Result<wire::Verdicts, Fault>,
    canon: fn(u8, &[String]) -> Vec<String>,
}

impl NativeRule {
    #[doc(hidden)]
    pub const fn of<R: Rule>() -> Self {
        NativeRule { describe: describe::<R>, judge: judge::<R>, canon: canon::<R> }
    }

    // Inlined, so that a composed rule that asks its parts for their columns does
    // not link their judging too.

    /// Name, version, wanted columns, settings and reasons.
    #[inline]
    pub fn describe(&self) -> wire::RuleInfo {
        (self.describe)()
    }

    /// What the rule says of a batch.
    ///
    /// # Errors
    /// When the settings or columns are not what the rule can read, or the rule
    /// says that it cannot judge.
    #[inline]
    pub fn judge(&self, context: &wire::Context, batch: &wire::Batch) -> Result<wire::Verdicts, wire::RuleError> {
        (self.judge)(context, batch).map_err(wire::RuleError::from)
    }

    /// The forms in which keys are compared, one per key.
    #[inline]
    pub fn canon(&self, kind: u8, keys: &[String]) -> Vec<String> {
        (self.canon)(kind, keys)
    }
}
