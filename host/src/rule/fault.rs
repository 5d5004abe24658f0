//! How a call that did not come back becomes a fault with a cause. Owns no limit.

use std::fmt::Write as _;

use wasmtime::{Trap, WasmBacktrace};

use super::guard::{Exceeded, Guard};
use super::profile::STACK_BYTES;
use super::{Fault, text};

/// What the engine says when a call hands over too much; its type is private.
const HOST_CALL: &str = "fuel allocated for hostcalls has been exhausted";

/// The fault behind an error of the engine, for a call that had `budget` fuel.
pub(crate) fn of(error: &wasmtime::Error, guard: &Guard, budget: u64) -> Fault {
    if let Some(exceeded) = error.downcast_ref::<Exceeded>() {
        return limit(*exceeded);
    }
    match error.downcast_ref() {
        Some(Trap::OutOfFuel) => return Fault::Limit { limit: "fuel", used: budget, allowed: budget },
        Some(Trap::Interrupt) => return Fault::Interrupted { seconds: guard.limits.wall_seconds },
        Some(Trap::StackOverflow) => {
            let stack = STACK_BYTES as u64;
            return Fault::Limit { limit: "stack", used: stack, allowed: stack };
        }
        _ => {}
    }
    let cause = error.root_cause().to_string();
    if cause.contains(HOST_CALL) {
        let allowed = guard.limits.host_call_bytes;
        return Fault::Limit { limit: "host call bytes", used: allowed.saturating_add(1), allowed };
    }
    if let Some((message, case)) = guard.log.panic() {
        return Fault::Trap { message, case };
    }
    // An allocator that gets no memory ends in a trap that does not say so.
    if let Some(refused) = guard.refused {
        return limit(refused);
    }
    let message = format!("{cause}{}", frames(error));
    Fault::Trap { message: text::shown(&message, guard.limits.error_bytes), case: None }
}

fn limit(Exceeded { limit, used, allowed }: Exceeded) -> Fault {
    Fault::Limit { limit, used, allowed }
}

/// `, in a, called by b`, innermost first, with places where the module tells them.
fn frames(error: &wasmtime::Error) -> String {
    let mut out = String::new();
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else { return out };
    for frame in trace.frames() {
        out.push_str(if out.is_empty() { ", in " } else { ", called by " });
        // Writing to a string cannot fail.
        let _ = match (frame.symbols().first(), frame.func_name()) {
            (Some(symbol), _) if symbol.name().is_some() => write!(
                out,
                "`{}` at {}:{}",
                symbol.name().unwrap_or("?"),
                symbol.file().unwrap_or("?"),
                symbol.line().unwrap_or(0)
            ),
            (_, Some(name)) => write!(out, "`{name}`"),
            (_, None) => write!(out, "function {}", frame.func_index()),
        };
    }
    out
}
