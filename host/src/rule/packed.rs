//! The byte form of answers that are kept: compressed columns. Owns the form, not the file; reading never trusts a length.

use lz4_flex::block::{compress, decompress};

use super::VerdictColumns;
use crate::limits::IDENTITY_HOLDS_CASES;
use crate::model::Time;

/// Bytes of a row that has a value in every column.
const ROW_BYTES: usize = 4 + 1 + 2 + 4 + 1 + 2 + 4 + 1 + 8;
/// Bytes before the columns: their rows, the columns that there are, until when they hold, and the length of all that.
const HEAD_BYTES: usize = 4 + 1 + 8;

/// The columns as bytes. Rows that answer one case after the other cost next to nothing.
#[must_use]
pub fn pack(columns: &VerdictColumns) -> Vec<u8> {
    let rows = columns.case.len();
    let (mask, tier, rank) = (columns.mask.len(), columns.tier.len(), columns.rank.len());
    let optional = [mask, tier, rank, columns.after.len(), columns.flags.len(), columns.until.len()];
    let present = (0..).zip(optional).fold(0_u8, |present, (bit, len)| present | u8::from(len > 0) << bit);
    let mut bytes = Vec::with_capacity(HEAD_BYTES + rows * ROW_BYTES);
    bytes.extend_from_slice(&(rows as u32).to_le_bytes());
    bytes.push(present);
    bytes.extend_from_slice(&columns.valid_until.seconds().to_le_bytes());
    let mut next = 0;
    for case in &columns.case {
        bytes.extend_from_slice(&case.wrapping_sub(next).to_le_bytes());
        next = case.wrapping_add(1);
    }
    bytes.extend_from_slice(&columns.effect);
    columns.reason.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    columns.mask.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    bytes.extend_from_slice(&columns.tier);
    columns.rank.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    columns.after.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    bytes.extend_from_slice(&columns.flags);
    columns.until.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    let mut packed = (bytes.len() as u32).to_le_bytes().to_vec();
    packed.extend_from_slice(&compress(&bytes));
    packed
}

/// The columns of bytes that [`pack`] made. None: they are not such bytes.
#[must_use]
pub fn unpack(packed: &[u8]) -> Option<VerdictColumns> {
    let (length, packed) = packed.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    // No answer has more rows than the largest identity has cases.
    if length > HEAD_BYTES + IDENTITY_HOLDS_CASES as usize * ROW_BYTES {
        return None;
    }
    let bytes = decompress(packed, length).ok()?;
    let mut rest = Rest(&bytes);
    let rows = u32::from_le_bytes(rest.one()?) as usize;
    let [present] = rest.one()?;
    let valid_until = Time::from_seconds(i64::from_le_bytes(rest.one()?));
    let mut next = 0_u32;
    let mut case = |gap: [u8; 4]| {
        let case = next.wrapping_add(u32::from_le_bytes(gap));
        next = case.wrapping_add(1);
        case
    };
    let of = |bit: u8| if present >> bit & 1 == 1 { rows } else { 0 };
    let columns = VerdictColumns {
        case: rest.column(rows)?.iter().map(|gap| case(*gap)).collect(),
        effect: rest.column(rows)?.iter().map(|[value]| *value).collect(),
        reason: rest.column(rows)?.iter().map(|value| u16::from_le_bytes(*value)).collect(),
        mask: rest.column(of(0))?.iter().map(|value| u32::from_le_bytes(*value)).collect(),
        tier: rest.column(of(1))?.iter().map(|[value]| *value).collect(),
        rank: rest.column(of(2))?.iter().map(|value| i16::from_le_bytes(*value)).collect(),
        after: rest.column(of(3))?.iter().map(|value| u32::from_le_bytes(*value)).collect(),
        flags: rest.column(of(4))?.iter().map(|[value]| *value).collect(),
        until: rest.column(of(5))?.iter().map(|value| i64::from_le_bytes(*value)).collect(),
        valid_until,
    };
    rest.0.is_empty().then_some(columns)
}

/// Bytes that are not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn one<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.column(1)?.first().copied()
    }

    fn column<const N: usize>(&mut self, rows: usize) -> Option<&'a [[u8; N]]> {
        let (column, rest) = self.0.split_at_checked(rows.checked_mul(N)?)?;
        self.0 = rest;
        Some(column.as_chunks().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(rows: u32) -> VerdictColumns {
        VerdictColumns {
            case: (0..rows).map(|row| row * 3).collect(),
            effect: (0..rows).map(|row| (row % 7) as u8).collect(),
            reason: (0..rows).map(|row| row as u16).collect(),
            valid_until: Time::from_seconds(i64::MAX),
            ..VerdictColumns::default()
        }
    }

    fn full(rows: u32) -> VerdictColumns {
        VerdictColumns {
            mask: (0..rows).map(|row| row << 2).collect(),
            tier: vec![3; rows as usize],
            rank: (0..rows).map(|row| row as i16).collect(),
            after: vec![u32::MAX; rows as usize],
            flags: vec![1; rows as usize],
            until: (0..rows).map(|row| i64::from(row) << 33).collect(),
            ..answers(rows)
        }
    }

    #[test]
    fn columns_come_back_as_they_were() {
        for columns in [answers(0), answers(1), answers(4_000), full(1), full(4_096), full(IDENTITY_HOLDS_CASES)] {
            assert!(unpack(&pack(&columns)).as_ref() == Some(&columns), "{} rows", columns.case.len());
        }
    }

    #[test]
    fn a_batch_that_gets_one_answer_takes_a_few_bytes() {
        let case: Vec<u32> = (0..4_096).collect();
        let columns = VerdictColumns { effect: vec![2; 4_096], reason: vec![1; 4_096], case, ..VerdictColumns::default() };
        let packed = pack(&columns).len();
        assert!(packed < 200, "{packed} bytes");
    }

    #[test]
    fn damage_is_told_or_harmless_and_never_panics() {
        let whole = pack(&full(300));
        for cut in 0..whole.len() {
            assert!(unpack(&whole[..cut]).is_none(), "{cut} bytes of {}", whole.len());
        }
        for at in 0..whole.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                drop(unpack(&bytes));
            }
        }
        assert!(unpack(&[0xff; 64]).is_none());
    }
}
