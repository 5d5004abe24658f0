//! A batch and its answers as plain bytes, numbers little-endian: how a host and its plug-in talk when speed is what counts.

use std::fmt;

use crate::decide::Verdict;
use crate::row::{Batch, Now, Row};

/// Bytes of a row before its texts.
const FIXED: usize = 40;

/// The bytes are no batch, or no answers to it.
#[derive(Clone, Copy, Debug)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed bytes")
    }
}

impl std::error::Error for Malformed {}

/// Appends a batch.
pub fn write_batch(now: &Now, rows: &[Row<'_>], out: &mut Vec<u8>) {
    for number in
        [now.as_of, now.unused_days, now.justify_from_tier, i64::from(now.require_record), now.disable_orphans_from_tier]
    {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&(rows.len() as u32).to_le_bytes());
    for row in rows {
        for time in [row.expires_at, row.not_before, row.last_used] {
            out.extend_from_slice(&time.to_le_bytes());
        }
        let bits = [
            row.inherited,
            row.immutable,
            row.changed_elsewhere,
            row.claimed,
            row.privileged,
            row.break_glass,
            row.additive,
            row.withheld,
        ];
        let bits = bits.into_iter().rev().fold(0, |bits, bit| bits << 1 | u8::from(bit));
        let (subject, kind) = (row.subject as u8, row.identity_kind as u8);
        out.extend_from_slice(&[subject, row.desired as u8, row.observed as u8, row.recorded as u8]);
        out.extend_from_slice(&[kind, row.differs, row.tier, bits]);
        let texts = [row.identity_owner, row.purpose, row.record, row.approver].map(Option::unwrap_or_default);
        for text in texts {
            out.extend_from_slice(&(text.len() as u16).to_le_bytes());
        }
        for text in texts {
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    #[inline]
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    #[inline]
    fn number(&mut self) -> Result<i64, Malformed> {
        self.array().map(i64::from_le_bytes)
    }

    #[inline]
    fn text(&mut self, bytes: u16) -> Result<Option<&'a str>, Malformed> {
        let text = std::str::from_utf8(self.take(usize::from(bytes))?).map_err(|_| Malformed)?;
        Ok((!text.is_empty()).then_some(text))
    }

    #[inline]
    fn row(&mut self) -> Result<Row<'a>, Malformed> {
        let mut fixed = Reader(self.take(FIXED)?);
        let (expires_at, not_before, last_used) = (fixed.number()?, fixed.number()?, fixed.number()?);
        let [subject, desired, observed, recorded, kind, differs, tier, bits] = fixed.array()?;
        let [owner, purpose, record, approver] =
            [fixed.array()?, fixed.array()?, fixed.array()?, fixed.array()?].map(u16::from_le_bytes);
        let bit = |bit: u8| bits & 1 << bit != 0;
        Ok(Row {
            expires_at,
            not_before,
            last_used,
            identity_owner: self.text(owner)?,
            purpose: self.text(purpose)?,
            record: self.text(record)?,
            approver: self.text(approver)?,
            subject: subject.into(),
            desired: desired.into(),
            observed: observed.into(),
            recorded: recorded.into(),
            identity_kind: kind.into(),
            differs,
            tier,
            inherited: bit(0),
            immutable: bit(1),
            changed_elsewhere: bit(2),
            claimed: bit(3),
            privileged: bit(4),
            break_glass: bit(5),
            additive: bit(6),
            withheld: bit(7),
        })
    }
}

/// Reads a batch. Texts stay where they are.
///
/// # Errors
/// When the bytes are no batch.
pub fn read_batch(bytes: &[u8]) -> Result<Batch<'_>, Malformed> {
    let mut reader = Reader(bytes);
    let now = Now {
        as_of: reader.number()?,
        unused_days: reader.number()?,
        justify_from_tier: reader.number()?,
        require_record: reader.number()? != 0,
        disable_orphans_from_tier: reader.number()?,
    };
    let count = u32::from_le_bytes(reader.array()?) as usize;
    let mut rows = Vec::with_capacity(count.min(bytes.len() / FIXED));
    for _ in 0..count {
        rows.push(reader.row()?);
    }
    Ok(Batch { now, rows })
}

/// The answers, behind the instant until which they hold.
#[must_use]
pub fn write_answers(verdicts: &[Verdict], valid_until: i64) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + 3 * verdicts.len());
    out.extend_from_slice(&valid_until.to_le_bytes());
    for Verdict { effect, reason, mask } in verdicts {
        out.extend_from_slice(&[*effect, *reason, *mask]);
    }
    out
}

/// Reads the answers to so many cases.
///
/// # Errors
/// When there are more or fewer.
pub fn read_answers(bytes: &[u8], cases: usize) -> Result<(Vec<Verdict>, i64), Malformed> {
    let mut reader = Reader(bytes);
    let valid_until = reader.number()?;
    let (verdicts, rest) = reader.0.as_chunks();
    if verdicts.len() != cases || !rest.is_empty() {
        return Err(Malformed);
    }
    Ok((verdicts.iter().map(|&[effect, reason, mask]| Verdict { effect, reason, mask }).collect(), valid_until))
}
