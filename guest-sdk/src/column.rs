//! One column of an opened batch: the only place of the kit that reads a row
//! without looking at the column's length, because that was looked at once for
//! all rows. Knows no column by name.

use std::marker::PhantomData;
use std::ptr::NonNull;

/// What a column has its rows for: one for each identity.
pub(crate) enum OfIdentities {}
/// One for each case.
pub(crate) enum OfCases {}

/// The rows of a column, without their number: whoever reads one knows that it
/// is there.
pub(crate) struct Column<'a, Of, T> {
    first: NonNull<T>,
    #[cfg(debug_assertions)]
    rows: usize,
    borrowed: PhantomData<(&'a [T], Of)>,
}

impl<Of, T> Clone for Column<'_, Of, T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<Of, T> Copy for Column<'_, Of, T> {}

impl<'a, Of, T: Copy> Column<'a, Of, T> {
    pub(crate) fn new(rows: &'a [T]) -> Self {
        Column {
            first: NonNull::from(rows).cast(),
            #[cfg(debug_assertions)]
            rows: rows.len(),
            borrowed: PhantomData,
        }
    }

    /// One row.
    ///
    /// # Safety
    ///
    /// The column was made of more rows than this one's number.
    #[inline]
    pub(crate) unsafe fn at(self, row: u32) -> T {
        #[cfg(debug_assertions)]
        assert!((row as usize) < self.rows, "row {row} of {}", self.rows);
        // SAFETY: the rows are borrowed for as long as this is, and there are
        // more of them, as the caller promises.
        unsafe { self.first.add(row as usize).read() }
    }
}
