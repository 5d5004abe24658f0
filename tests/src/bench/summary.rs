//! What was measured: one figure after another, told as it comes and written as one list.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::machine;

/// One figure.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: String,
    /// What it stands beside: another way to do the same, or the aim.
    pub compared_with: Option<String>,
    /// The figure divided by that.
    pub ratio: Option<f64>,
    /// Under which conditions.
    pub conditions: BTreeMap<String, String>,
}

impl Figure {
    /// A figure that stands for itself.
    pub(super) fn new(name: &str, value: f64, unit: &str) -> Self {
        let (compared_with, ratio, conditions) = (None, None, BTreeMap::new());
        Figure { name: name.to_owned(), value, unit: unit.to_owned(), compared_with, ratio, conditions }
    }

    /// Beside something of the same unit.
    pub(super) fn beside(mut self, what: &str, value: f64) -> Self {
        self.compared_with = Some(format!("{what}: {} {}", number(value), self.unit));
        self.ratio = Some(self.value / value);
        self
    }

    /// Under a condition.
    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.conditions.insert(name.to_owned(), value.to_string());
        self
    }
}

/// Figures so far.
pub(super) struct Summary<'a> {
    out: &'a mut dyn Write,
    folder: &'a Path,
    figures: Vec<Figure>,
}

impl<'a> Summary<'a> {
    /// Nothing yet; flushes are probed in this folder.
    pub(super) fn new(out: &'a mut dyn Write, folder: &'a Path) -> Self {
        Summary { out, folder, figures: Vec::new() }
    }

    /// Says what goes on.
    pub(super) fn say(&mut self, line: &str) -> Result<()> {
        writeln!(self.out, "{line}")?;
        Ok(self.out.flush()?)
    }

    /// Takes in a figure, with the state of the machine right now.
    pub(super) fn add(&mut self, figure: Figure) -> Result<()> {
        let figure = figure
            .with("profile", machine::profile())
            .with("cores", machine::cores())
            .with("load average", machine::load())
            .with("flush p50", format!("{:.0} µs", machine::flush_probe(self.folder)?))
            .with("seed", super::SEED);
        writeln!(self.out, "{}  {} {}", figure.name, number(figure.value), figure.unit)?;
        if let (Some(other), Some(ratio)) = (&figure.compared_with, figure.ratio) {
            writeln!(self.out, "    {ratio:.2} of {other}")?;
        }
        let conditions: Vec<String> = figure.conditions.iter().map(|(name, value)| format!("{name} {value}")).collect();
        writeln!(self.out, "    {}", conditions.join(", "))?;
        self.out.flush()?;
        self.figures.push(figure);
        Ok(())
    }

    /// All of them.
    pub(super) fn finish(self) -> Vec<Figure> {
        self.figures
    }
}

/// Reads a list of figures.
///
/// # Errors
/// When it is not there or something else.
pub fn read(path: &Path) -> Result<Vec<Figure>> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// A number with as many digits as say something.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 => {
            let digits = format!("{value:.0}");
            let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
            let groups: Vec<String> =
                digits.as_bytes().rchunks(3).rev().map(|g| String::from_utf8_lossy(g).into_owned()).collect();
            format!("{sign}{}", groups.join(","))
        }
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
