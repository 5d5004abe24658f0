//! The decision of `least-access` in languages that an embedder can pick: each as well as it allows, on its fast path, and on
//! the structs that a host would have. Knows nothing of trueup; what a language cannot express, it says.

mod cedar;
mod cel;
mod rego;
mod rhai;
#[cfg(test)]
mod tests;
mod words;

use anyhow::Result;
use trueup_against_decision::{Now, Row, Verdict};

/// One language with its engine, its policy compiled.
pub trait Language {
    /// What it is called in the table.
    fn name(&self) -> &'static str;

    /// The package whose version the table tells.
    fn package(&self) -> &'static str;

    /// How it judges, and what is left out.
    fn about(&self) -> &'static str;

    /// Judges a batch.
    ///
    /// # Errors
    /// When the engine fails, or says something that is no verdict.
    fn judge(&mut self, now: &Now, rows: &[Row<'_>]) -> Result<Vec<Verdict>>;
}

/// All of them, for one plan: its instant and the rule's settings.
///
/// # Errors
/// When a policy does not compile.
pub fn all(now: &Now) -> Result<Vec<Box<dyn Language>>> {
    let verdicts = words::Verdicts::new();
    Ok(vec![
        Box::new(cel::Cel::new(&verdicts)?),
        Box::new(rhai::Rhai::new(now, &verdicts)?),
        Box::new(rego::Rego::new(now, &verdicts)?),
        Box::new(cedar::Cedar::new(now, &verdicts)?),
    ])
}
