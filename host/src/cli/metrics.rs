//! `--metrics FILE`: what a command counted, for the textfile collector of Prometheus. The file is replaced as a whole, and counters
//! go on from what it said before.

use super::Terminal;
use super::exit::{Exit, Failure, Outcome};
use crate::limits::METRICS_FILE_BYTES;
use crate::notary::files::{read_text, replace};

/// Writes the file, where one is asked for and the command had an engine that counts.
pub(super) fn write(terminal: &Terminal<'_>) -> Outcome<()> {
    let (Some(path), Some(metrics)) = (&terminal.common.metrics, terminal.metrics.get()) else { return Ok(()) };
    // What is no text of ours is replaced: it holds nothing to go on from.
    if let Ok(Some(former)) = read_text(path, METRICS_FILE_BYTES) {
        metrics.go_on_from(&former);
    }
    let unwritable =
        |error| Failure::new(Exit::Unwritable, error, "the command itself is done; name another file with --metrics");
    replace(path, metrics.render().as_bytes(), false).map_err(unwritable)
}
