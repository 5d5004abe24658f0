//! The module's memory. An instance lives for one batch, so nothing is worth
//! freeing: memory is handed out in ascending order, and only the block handed
//! out last can grow in place or be given back.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr;

const PAGE: usize = 65_536;

struct Bump {
    /// First free byte; zero before the first use.
    next: Cell<usize>,
    /// One past the last byte of the memory.
    end: Cell<usize>,
}

// SAFETY: a rule module has one thread: the target has no threads and the host
// links none.
unsafe impl Sync for Bump {}

#[global_allocator]
static ALLOCATOR: Bump = Bump { next: Cell::new(0), end: Cell::new(0) };

unsafe extern "C" {
    /// Set by the linker: where the module's own data and stack end.
    static __heap_base: u8;
}

impl Bump {
    /// Makes memory reach up to `end`. The address zero is never handed out,
    /// since data and stack lie below the heap.
    fn reach(&self, end: usize) -> bool {
        if end <= self.end.get() {
            return true;
        }
        let have = core::arch::wasm32::memory_size(0) * PAGE;
        if end > have {
            // At least a sixteenth more, so that many small requests do not
            // grow page by page.
            let pages = (end - have).div_ceil(PAGE).max(have / PAGE / 16);
            if core::arch::wasm32::memory_grow(0, pages) == usize::MAX
                && core::arch::wasm32::memory_grow(0, (end - have).div_ceil(PAGE)) == usize::MAX
            {
                return false;
            }
        }
        self.end.set(core::arch::wasm32::memory_size(0) * PAGE);
        true
    }
}

// SAFETY: blocks are disjoint, since `next` only moves back over the block that
// was handed out last; they are aligned, and lie inside the memory.
unsafe impl GlobalAlloc for Bump {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut next = self.next.get();
        if next == 0 {
            next = (&raw const __heap_base).addr();
        }
        let start = next.next_multiple_of(layout.align());
        let Some(end) = start.checked_add(layout.size()) else { return ptr::null_mut() };
        if !self.reach(end) {
            return ptr::null_mut();
        }
        self.next.set(end);
        ptr::with_exposed_provenance_mut(start)
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if block.addr() + layout.size() == self.next.get() {
            self.next.set(block.addr());
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if block.addr() + layout.size() == self.next.get() {
            let Some(end) = block.addr().checked_add(size) else { return ptr::null_mut() };
            if !self.reach(end) {
                return ptr::null_mut();
            }
            self.next.set(end);
            return block;
        }
        if size <= layout.size() {
            return block;
        }
        // SAFETY: the caller's own layout with a larger size.
        let new = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !new.is_null() {
            // SAFETY: both blocks hold that many bytes and are disjoint.
            unsafe { ptr::copy_nonoverlapping(block, new, layout.size()) };
        }
        new
    }
}
