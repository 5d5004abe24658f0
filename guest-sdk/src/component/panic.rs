//! A panic reaches the rule's author with its message, place and case before it
//! becomes a trap, even from a module without debug information.

use std::panic::{PanicHookInfo, set_hook};

use crate::{log, watch};

/// Installs the hook. Costs no allocation: the hook holds nothing.
pub(super) fn install() {
    set_hook(Box::new(report));
}

fn report(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("a panic without a message");
    let place = info.location().map_or_else(String::new, |place| format!(" at {place}"));
    let case = watch::current().map_or_else(String::new, |index| format!(" while judging case {index}"));
    log::error(format_args!("panic{place}{case}: {message}"));
}
