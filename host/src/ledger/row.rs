//! One row of recorded state as fixed-width bytes, and the digest over rows. Owns the layout; every store uses it.

use sha2::{Digest as _, Sha256};

use crate::correlate::Recorded;
use crate::model::{Digest, KeyHash, StateHash, Time};

/// Bytes of one row: key 16, state 8, incarnation 4, flags 4, since 8, disabled since 8; numbers big-endian.
pub(crate) const ROW_BYTES: usize = 48;

/// The bytes of a row.
pub(crate) fn to_bytes(row: &Recorded) -> [u8; ROW_BYTES] {
    let mut bytes = [0; ROW_BYTES];
    bytes[..16].copy_from_slice(&row.key.0);
    bytes[16..24].copy_from_slice(&row.state.0.to_be_bytes());
    bytes[24..28].copy_from_slice(&row.incarnation.to_be_bytes());
    bytes[28..32].copy_from_slice(&row.flags.to_be_bytes());
    bytes[32..40].copy_from_slice(&row.since.seconds().to_be_bytes());
    bytes[40..].copy_from_slice(&row.disabled_since.seconds().to_be_bytes());
    bytes
}

/// The row of some bytes: any bytes are one.
pub(crate) fn from_bytes(bytes: &[u8; ROW_BYTES]) -> Recorded {
    Recorded {
        key: KeyHash(part(bytes, 0)),
        state: StateHash(u64::from_be_bytes(part(bytes, 16))),
        incarnation: u32::from_be_bytes(part(bytes, 24)),
        flags: u32::from_be_bytes(part(bytes, 28)),
        since: Time::from_seconds(i64::from_be_bytes(part(bytes, 32))),
        disabled_since: Time::from_seconds(i64::from_be_bytes(part(bytes, 40))),
    }
}

fn part<const N: usize>(bytes: &[u8; ROW_BYTES], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}

/// Digest over rows in ascending order of keys: equal recorded state has an equal root, however it is stored.
#[derive(Clone, Default)]
pub(super) struct RootHasher(Sha256);

impl RootHasher {
    pub(super) fn add(&mut self, row: &[u8; ROW_BYTES]) {
        self.0.update(row);
    }

    pub(super) fn root(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}
