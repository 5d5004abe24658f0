//! Commitments to states: the leaf holds a salted digest, the state lies beside it and can be redacted without breaking
//! a proof. Owns how they are made and opened.

use sha2::{Digest as _, Sha256};

use super::{NotCanonical, canonical};
use crate::ledger::AuditBody;
use crate::model::{Digest, State};

/// Keeps commitments apart from leaves (0x00) and nodes (0x01).
const PREFIX: u8 = 2;

fn commitment(salt: &[u8; 32], state: &str) -> Digest {
    Digest(Sha256::new().chain_update([PREFIX]).chain_update(salt).chain_update(state).finalize().into())
}

/// Commits to a state under a salt: what the leaf holds, and what lies beside it.
pub(super) fn commit(field: &str, state: &State, salt: [u8; 32]) -> Result<(Digest, AuditBody), NotCanonical> {
    let state = canonical(state)?;
    let body = AuditBody { field: field.to_owned(), salt: Digest(salt).to_string(), state: Some(state.clone()) };
    Ok((commitment(&salt, &state), body))
}

/// Whether a body is what a commitment stands for. A redacted one opens nothing, and its salt is gone with its state.
pub(super) fn opens(body: &AuditBody, expected: Digest) -> bool {
    // Of a digest there is one spelling here.
    let salt = Digest::parse(&body.salt).filter(|_| !body.salt.bytes().any(|byte| byte.is_ascii_uppercase()));
    salt.is_some_and(|Digest(salt)| match &body.state {
        Some(state) => commitment(&salt, state) == expected,
        None => salt == [0; 32],
    })
}
