//! Figures with their conditions: told as they come, written as one list. The only look at the machine.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use crate::Result;

/// Flushes of one probe.
const PROBES: usize = 51;

/// One figure.
#[derive(Serialize)]
pub struct Figure {
    name: String,
    value: f64,
    unit: String,
    /// Another way to do the same, or the aim.
    compared_with: Option<String>,
    /// The figure divided by that.
    ratio: Option<f64>,
    conditions: BTreeMap<String, String>,
}

impl Figure {
    /// A figure that stands for itself.
    pub fn new(name: &str, value: f64, unit: &str) -> Self {
        let (compared_with, ratio, conditions) = (None, None, BTreeMap::new());
        Figure { name: name.to_owned(), value, unit: unit.to_owned(), compared_with, ratio, conditions }
    }

    /// Beside something of the same unit.
    pub fn beside(mut self, what: &str, value: f64) -> Self {
        self.compared_with = Some(format!("{what}: {} {}", number(value), self.unit));
        self.ratio = Some(self.value / value);
        self
    }

    /// Under a condition.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.conditions.insert(name.to_owned(), value.to_string());
        self
    }
}

/// The figures so far; flushes are probed in its folder.
pub struct Table {
    folder: PathBuf,
    figures: Vec<Figure>,
}

impl Table {
    pub fn new(folder: &Path) -> Self {
        Table { folder: folder.to_owned(), figures: Vec::new() }
    }

    /// Takes in a figure, with the state of the machine right now.
    pub fn add(&mut self, figure: Figure) -> Result<()> {
        let figure = figure
            .with("profile", if cfg!(debug_assertions) { "debug" } else { "release" })
            .with("cores", std::thread::available_parallelism().map_or(1, usize::from))
            .with("load average", load())
            .with("flush p50", format!("{:.0} µs", flush_probe(&self.folder)?));
        println!("{:<72} {:>12} {}", figure.name, number(figure.value), figure.unit);
        if let (Some(other), Some(ratio)) = (&figure.compared_with, figure.ratio) {
            println!("    {ratio:.2} of {other}");
        }
        let conditions: Vec<String> = figure.conditions.iter().map(|(name, value)| format!("{name} {value}")).collect();
        println!("    {}", conditions.join(", "));
        self.figures.push(figure);
        Ok(())
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(fs::write(path, serde_json::to_string_pretty(&self.figures)? + "\n")?)
    }
}

/// An instant to measure from.
#[expect(clippy::disallowed_methods, reason = "it measures")]
pub fn now() -> Instant {
    Instant::now()
}

/// The value below which this share of them lies. Sorts them.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}

/// Median time of appending a block to a small file and flushing it, in microseconds.
fn flush_probe(folder: &Path) -> Result<f64> {
    let path = folder.join("probe");
    let mut file = fs::File::create(&path)?;
    let mut times = Vec::with_capacity(PROBES);
    for _ in 0..PROBES {
        let begun = now();
        file.write_all(&[1; 4096])?;
        file.sync_all()?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    fs::remove_file(&path)?;
    Ok(percentile(&mut times, 0.5))
}

/// Seconds that all threads of this process have spent on a processor; zero where Linux' `/proc` does not tell.
pub fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in parentheses may hold anything; user and system time are the 12th and 13th word behind it, in hundredths.
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    behind.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The load average of the last minute: what else the machine does.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown").to_owned()
}

/// A number with as many digits as say something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
