//! What was measured, as a table and as JSON.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use serde::Serialize;

use super::super::machine::median;
use super::super::summary::number;
use super::SIZES;
use super::other::About;

/// One engine over batches of one size.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figure {
    batch: u32,
    median_ns: f64,
    best_ns: f64,
    /// The median, divided by that of the native rule over the same batches.
    to_native: f64,
    samples: usize,
}

impl Figure {
    pub(super) fn new(batch: u32, samples: &[f64], native: f64) -> Self {
        let median_ns = median(samples);
        let best_ns = samples.iter().copied().fold(f64::INFINITY, f64::min);
        Figure { batch, median_ns, best_ns, to_native: median_ns / native, samples: samples.len() }
    }
}

/// One engine with a figure for each size.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Engine {
    #[serde(flatten)]
    about: About,
    pub(super) figures: Vec<Figure>,
}

impl Engine {
    pub(super) fn new(about: About) -> Self {
        Engine { about, figures: Vec::new() }
    }
}

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    pub(super) conditions: BTreeMap<&'static str, String>,
    /// How often each reason is given to the cases that are measured.
    pub(super) answers: BTreeMap<String, usize>,
    pub(super) engines: Vec<Engine>,
}

impl Report {
    /// Tells it.
    pub(super) fn tell(&self, out: &mut dyn Write) -> Result<()> {
        let named = |engine: &Engine| format!("{} ({})", engine.about.name, engine.about.version);
        let wide = self.engines.iter().map(|engine| named(engine).len()).max().unwrap_or(0);
        write!(out, "\n{:wide$}", "median ns a case, times native")?;
        for size in SIZES {
            write!(out, "  {:>18}", format!("batches of {size}"))?;
        }
        writeln!(out)?;
        for engine in &self.engines {
            write!(out, "{:wide$}", named(engine))?;
            for figure in &engine.figures {
                write!(out, "  {:>9} {:>8}", number(figure.median_ns), format!("{}x", number(figure.to_native)))?;
            }
            writeln!(out)?;
        }
        writeln!(out)?;
        for (name, value) in &self.conditions {
            writeln!(out, "{name}: {value}")?;
        }
        writeln!(out)?;
        for engine in &self.engines {
            writeln!(out, "{}: {}", engine.about.name, engine.about.about)?;
        }
        Ok(())
    }
}
