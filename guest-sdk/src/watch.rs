//! Remembers which case is being judged, so that a panic can name it.

use std::cell::Cell;

thread_local! {
    static CASE: Cell<u32> = const { Cell::new(u32::MAX) };
}

/// The case being judged from now on.
#[inline]
pub(crate) fn case(index: u32) {
    CASE.set(index);
}

/// The case being judged, if any was begun.
#[cfg(target_arch = "wasm32")]
pub(crate) fn current() -> Option<u32> {
    Some(CASE.get()).filter(|index| *index != u32::MAX)
}
