//! The `trueup` command as this crate's tests start it: the same code, built with this crate's features. Told so by the
//! environment, it dies at a point of its run, or plays a scene instead; the shipped program knows nothing of that.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use trueup::progress::{Observer, Progress};
use trueup_tests::kill::matrix::{self, ERRAND};
use trueup_tests::kill::{DIE_AT, die, stage_of};

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

/// A point is a stage and which of its reports, as in `intent:3`.
fn point(text: &str) -> Option<DieAt> {
    let (stage, nth) = text.split_once(':')?;
    Some(DieAt { stage: stage.to_owned(), left: AtomicU64::new(nth.parse().ok()?) })
}

fn main() -> ExitCode {
    if let Ok(errand) = std::env::var(ERRAND) {
        return match matrix::go(&errand) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error:#}");
                ExitCode::FAILURE
            }
        };
    }
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
