//! The machine that measures: its clocks, its memory, its load, its disk. Owns every look at the system.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// Flushes of one probe.
const PROBES: usize = 51;
/// Linux counts processor time in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// An instant to measure from.
#[expect(clippy::disallowed_methods, reason = "it measures")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// How long something takes, with what it gives.
pub(super) fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(Duration, T)> {
    let begun = now();
    let given = work()?;
    Ok((begun.elapsed(), given))
}

/// Median time of appending a block to a small file and flushing it, in microseconds.
pub(super) fn flush_probe(folder: &Path) -> Result<f64> {
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
    Ok(median(&times))
}

/// The middle one.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Cores that this process may use.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The load average of the last minute: what else the machine does.
pub(super) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown").to_owned()
}

/// The processor's name.
pub(super) fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or("unknown", |(_, name)| name).to_owned()
}

/// How this program was built.
pub(super) const fn profile() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}

/// Seconds that all threads of this process have spent on a processor.
pub(crate) fn cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("processor time is read from Linux' /proc")?;
    // The name in parentheses may hold anything; user and system time are the 12th and 13th word behind it.
    let (_, behind) = stat.rsplit_once(')').context("/proc/self/stat")?;
    let ticks: Vec<f64> = behind.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}

/// The most memory that this process ever held, in MiB (`VmHWM`).
pub(super) fn peak_mib() -> Result<f64> {
    memory_mib("VmHWM:")
}

/// The memory that this process holds now, in MiB (`VmRSS`).
pub(super) fn resident_mib() -> Result<f64> {
    memory_mib("VmRSS:")
}

fn memory_mib(name: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status").context("memory is read from Linux' /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("/proc/self/status")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}
