//! The engines that this program answers for: the loop that needs none, the plug-in, and each language.

use anyhow::Result;
use trueup_against_decision::{Now, Row, Verdict, judge};
use trueup_against_languages::Language;

use crate::plugin::{Form, Life, Plugged};

/// What an engine says of a batch: a verdict for each case, and until when they hold if it can tell.
pub type Answers = (Vec<Verdict>, Option<i64>);

/// One way to judge.
pub trait Engine {
    /// What it is called in the table.
    fn name(&self) -> &'static str;

    /// The package whose version the table tells.
    fn package(&self) -> &'static str;

    /// How it judges, and what it leaves out.
    fn about(&self) -> &'static str;

    /// Judges a batch.
    ///
    /// # Errors
    /// When the engine fails, or says something that is no answer.
    fn judge(&mut self, now: &Now, rows: &[Row<'_>]) -> Result<Answers>;
}

/// All of them, the loop first.
///
/// # Errors
/// When one cannot be made.
pub fn all(now: &Now, plugin: &[u8]) -> Result<Vec<Box<dyn Engine>>> {
    let mut all: Vec<Box<dyn Engine>> = vec![
        Box::new(Loop),
        Box::new(Plugged::new(plugin, Form::Bytes, Life::Reused)?),
        Box::new(Plugged::new(plugin, Form::Bytes, Life::Fresh)?),
        Box::new(Plugged::new(plugin, Form::MessagePack, Life::Reused)?),
    ];
    all.extend(trueup_against_languages::all(now)?.into_iter().map(|language| Box::new(Spoken(language)) as Box<dyn Engine>));
    Ok(all)
}

/// One function over an array of structs.
struct Loop;

impl Engine for Loop {
    fn name(&self) -> &'static str {
        "plain-struct loop"
    }

    fn package(&self) -> &'static str {
        "trueup-against-decision"
    }

    fn about(&self) -> &'static str {
        "one function over an array of structs that was made before; no boundary, no isolation"
    }

    fn judge(&mut self, now: &Now, rows: &[Row<'_>]) -> Result<Answers> {
        let (verdicts, valid_until) = judge(now, rows);
        Ok((verdicts, Some(valid_until)))
    }
}

/// A language with its engine.
struct Spoken(Box<dyn Language>);

impl Engine for Spoken {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn package(&self) -> &'static str {
        self.0.package()
    }

    fn about(&self) -> &'static str {
        self.0.about()
    }

    fn judge(&mut self, now: &Now, rows: &[Row<'_>]) -> Result<Answers> {
        Ok((self.0.judge(now, rows)?, None))
    }
}
