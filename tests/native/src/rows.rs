//! Columns as the structs that somebody has who needs no columns.

use trueup_against_decision::{Kind, Row, Side, Subject};
use trueup_guest::wire::Batch;

/// What the decision reads of each case.
#[must_use]
pub fn rows(batch: &Batch) -> Vec<Row<'_>> {
    let ends = batch.identity_ends.iter().map(|end| *end as usize);
    let ranges = std::iter::once(0).chain(ends.clone()).zip(ends);
    ranges.enumerate().flat_map(|(identity, (first, end))| (first..end).map(move |case| row(batch, identity, case))).collect()
}

fn row(batch: &Batch, identity: usize, case: usize) -> Row<'_> {
    let text = |column: &[u32], row| text(batch, at(column, row));
    let (why, traits) = (at(&batch.unknown_why, case), at(&batch.traits, case));
    let has = |bit: u32| traits & 1 << bit != 0;
    Row {
        expires_at: at(&batch.desired_expires_at, case),
        not_before: at(&batch.not_before, case),
        last_used: at(&batch.last_used, case),
        identity_owner: text(&batch.identity_owner, identity),
        purpose: text(&batch.purpose, case),
        record: text(&batch.record, case),
        approver: text(&batch.approver, case),
        subject: Subject::from(at(&batch.subject, case)),
        desired: side(at(&batch.desired, case), why & 0xf),
        observed: side(at(&batch.observed, case), why >> 4),
        recorded: side(at(&batch.recorded, case), 0),
        identity_kind: Kind::from(at(&batch.identity_kind, identity)),
        differs: at(&batch.differs, case) as u8,
        tier: at(&batch.tier, case),
        inherited: has(0),
        immutable: has(1),
        changed_elsewhere: has(2),
        claimed: has(3),
        privileged: has(4),
        break_glass: has(5),
        additive: has(6),
        withheld: has(7),
    }
}

fn at<T: Copy + Default>(column: &[T], row: usize) -> T {
    column.get(row).copied().unwrap_or_default()
}

fn text(batch: &Batch, id: u32) -> Option<&str> {
    let (start, end) = (at(&batch.text_ends, id.checked_sub(1)? as usize), at(&batch.text_ends, id as usize));
    batch.heap.get(start as usize..end as usize)
}

/// Unknown because of a disputed identity is a side of its own.
fn side(code: u8, why: u8) -> Side {
    if code == 3 && why == 4 { Side::Disputed } else { Side::from(code) }
}
