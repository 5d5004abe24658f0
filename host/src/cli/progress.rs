//! Work in progress on standard error: bars for people, JSON lines for scripts.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle as BarStyle};

use super::args::ProgressStyle;
use crate::progress::{Observer, Progress, Silent};

/// The observer that a style asks for, and after it the listener.
pub fn observer(style: ProgressStyle, listener: &Arc<dyn Observer>) -> Arc<dyn Observer> {
    let shown: Arc<dyn Observer> = match style {
        ProgressStyle::Json => Arc::new(Lines),
        ProgressStyle::Auto if std::io::stderr().is_terminal() => Arc::new(Bars(Mutex::default())),
        ProgressStyle::Auto | ProgressStyle::None => Arc::new(Silent),
    };
    Arc::new(Both(shown, Arc::clone(listener)))
}

/// Two observers, told in this order.
struct Both(Arc<dyn Observer>, Arc<dyn Observer>);

impl Observer for Both {
    fn on(&self, step: &Progress) {
        self.0.on(step);
        self.1.on(step);
    }
}

/// One JSON object a line.
struct Lines;

impl Observer for Lines {
    fn on(&self, step: &Progress) {
        if let Ok(text) = serde_json::to_string(step) {
            let mut err = std::io::stderr().lock();
            // A reader that went away must not end the run: nothing depends on these lines.
            let _gone = writeln!(err, "{text}").and_then(|()| err.flush());
        }
    }
}

/// One bar at a time.
struct Bars(Mutex<Option<(&'static str, ProgressBar)>>);

impl Observer for Bars {
    fn on(&self, step: &Progress) {
        let (name, done, of) = match *step {
            Progress::Page { rows, .. } => ("reading", rows, None),
            Progress::Judge { done, of } => ("judging", done, Some(of)),
            Progress::Part { done, of } => ("planning", done, Some(of)),
            Progress::Seal { done, of } => ("sealing", done, Some(of)),
            Progress::Intent { done, of } | Progress::Sent { done, of } | Progress::Verify { done, of } => {
                ("committing", done, Some(of))
            }
        };
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.as_ref().is_none_or(|(current, _)| *current != name) {
            if let Some((_, bar)) = slot.take() {
                bar.finish_and_clear();
            }
            *slot = Some((name, bar(name, of)));
        }
        if let Some((_, bar)) = slot.as_ref() {
            bar.set_position(done);
            if of.is_some_and(|of| done >= of) && name != "committing" {
                bar.finish_and_clear();
            }
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        if let Some((_, bar)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(name: &'static str, of: Option<u64>) -> ProgressBar {
    let (bar, template) = match of {
        Some(of) => (ProgressBar::new(of), "{msg:>10} [{bar:40}] {human_pos}/{human_len} {eta}"),
        None => (ProgressBar::new_spinner(), "{msg:>10} {spinner} {human_pos} rows {per_sec}"),
    };
    if let Ok(style) = BarStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.with_message(name)
}
