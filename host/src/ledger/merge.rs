//! Merges the sorted base with what changed since. Owns the order; both sides must ascend.

use std::cmp::Ordering;
use std::iter::Peekable;

use super::LedgerError;
use crate::correlate::Recorded;

/// Rows of `base`, except where `heads` has a newer one of the same key. After an error it ends.
pub(super) struct Merge<B: Iterator, H: Iterator> {
    base: Peekable<B>,
    heads: Peekable<H>,
    failed: bool,
}

impl<B, H> Merge<B, H>
where
    B: Iterator<Item = Result<Recorded, LedgerError>>,
    H: Iterator<Item = Result<Recorded, LedgerError>>,
{
    pub(super) fn new(base: B, heads: H) -> Self {
        Merge { base: base.peekable(), heads: heads.peekable(), failed: false }
    }
}

impl<B, H> Iterator for Merge<B, H>
where
    B: Iterator<Item = Result<Recorded, LedgerError>>,
    H: Iterator<Item = Result<Recorded, LedgerError>>,
{
    type Item = Result<Recorded, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let order = match (self.base.peek(), self.heads.peek()) {
            (Some(Err(_)), _) | (_, None) => Ordering::Less,
            (_, Some(Err(_))) | (None, _) => Ordering::Greater,
            (Some(Ok(base)), Some(Ok(head))) => base.key.cmp(&head.key),
        };
        let next = match order {
            Ordering::Less => self.base.next(),
            Ordering::Greater => self.heads.next(),
            Ordering::Equal => {
                self.base.next();
                self.heads.next()
            }
        };
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}
