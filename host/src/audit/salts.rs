//! Salts of commitments. Owns their derivation; where the seed comes from is the host's business.

use sha2::{Digest as _, Sha256};

/// A stream of salts from one secret seed. One salt told tells nothing about the others.
pub struct Salts {
    seed: [u8; 32],
    next: u64,
}

impl Salts {
    /// From 32 secret bytes: of the operating system's randomness in a host, fixed ones in a test. A seed must not be
    /// used by two runs, or equal states would show as equal.
    #[must_use]
    pub const fn from_seed(seed: [u8; 32]) -> Self {
        Salts { seed, next: 0 }
    }

    /// The next salt.
    pub fn salt(&mut self) -> [u8; 32] {
        let salt = Sha256::new().chain_update(self.seed).chain_update(self.next.to_be_bytes()).finalize().into();
        self.next += 1;
        salt
    }
}

/// Shows nothing of the seed.
impl std::fmt::Debug for Salts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Salts").field("next", &self.next).finish_non_exhaustive()
    }
}
