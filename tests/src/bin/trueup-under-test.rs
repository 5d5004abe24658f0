//! The `trueup` command as this crate's tests start it: the same code, built with this crate's features. Told so by the
//! environment, it dies at a point of its run; the shipped program knows nothing of that.

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use trueup::progress::{Observer, Progress};
use trueup_tests::kill::{DIE_AT, stage_of};

/// Kills this process at one report of one stage.
struct DieAt {
    stage: String,
    /// Reports of the stage until then.
    left: AtomicU64,
}

impl Observer for DieAt {
    fn on(&self, step: &Progress) {
        if stage_of(step) == self.stage && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            die();
        }
    }
}

/// Dies by SIGKILL, without unwinding or flushing. Whoever reported does not go on meanwhile.
fn die() {
    let killed = Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
    std::thread::sleep(Duration::from_secs(10));
    eprintln!("still alive after {killed:?}");
    std::process::abort();
}

/// A point is a stage and which of its reports, as in `intent:3`.
fn point(text: &str) -> Option<DieAt> {
    let (stage, nth) = text.split_once(':')?;
    Some(DieAt { stage: stage.to_owned(), left: AtomicU64::new(nth.parse().ok()?) })
}

fn main() -> ExitCode {
    match std::env::var(DIE_AT) {
        Err(_) => trueup::cli::process(),
        Ok(text) => match point(&text) {
            Some(point) => trueup::cli::process_observed_by(Arc::new(point)),
            None => {
                eprintln!("{DIE_AT} is `{text}`, which names no stage and number");
                ExitCode::FAILURE
            }
        },
    }
}
