//! The one thing that a rule can do besides answering: write a line to the log
//! that its operators read. Natively the lines go to the test's output.
//!
//! ```
//! # let (login, days) = ("ada", 90);
//! trueup_guest::log::info(format_args!("{login} is unused for {days} days"));
//! ```

use std::fmt::Display;

/// Something is wrong.
pub fn error(message: impl Display) {
    write(0, &message);
}

/// Something is odd.
pub fn warn(message: impl Display) {
    write(1, &message);
}

/// Something worth knowing.
pub fn info(message: impl Display) {
    write(2, &message);
}

/// Something worth knowing to the rule's author.
pub fn debug(message: impl Display) {
    write(3, &message);
}

#[cfg(target_arch = "wasm32")]
fn write(level: u8, message: &dyn Display) {
    crate::bindings::trueup::rules::log::write(level, &message.to_string());
}

#[cfg(not(target_arch = "wasm32"))]
fn write(level: u8, message: &dyn Display) {
    let name = match level {
        0 => "error",
        1 => "warn",
        2 => "info",
        _ => "debug",
    };
    eprintln!("{name}: {message}");
}
