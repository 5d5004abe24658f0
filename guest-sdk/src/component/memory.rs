//! Comparing bytes eight at a time: the target's own `memcmp` goes byte by byte,
//! and comparing texts is most of what a rule does.

#[inline]
unsafe fn word(bytes: *const u8) -> u64 {
    // SAFETY: the caller has eight bytes there.
    unsafe { bytes.cast::<u64>().read_unaligned() }
}

/// C's `memcmp`.
///
/// # Safety
///
/// Both pointers are valid for reads of `length` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, length: usize) -> i32 {
    let mut at = 0;
    // SAFETY: every read ends at or before `length`.
    unsafe {
        while at + 8 <= length {
            let (x, y) = (word(a.add(at)), word(b.add(at)));
            if x != y {
                // The first differing byte decides: the lowest in memory.
                return if x.swap_bytes() < y.swap_bytes() { -1 } else { 1 };
            }
            at += 8;
        }
        while at < length {
            let (x, y) = (a.add(at).read(), b.add(at).read());
            if x != y {
                return i32::from(x) - i32::from(y);
            }
            at += 1;
        }
    }
    0
}
