//! Keys of notes: what verifies and what signs, in the text forms of <https://c2sp.org/signed-note>. Owns forms and
//! identifiers; where secrets come from and where they lie is for others.

use std::fmt;

use ed25519_compact::{KeyPair, PublicKey, Seed, Signature};
use sha2::{Digest as _, Sha256};

use super::base64;
use crate::limits::KEY_NAME_BYTES;

/// Signature type of plain Ed25519, the only one that this library signs and verifies.
const ED25519: u8 = 1;

/// What begins the text of a signing key, as `sumdb/note` of Go has it.
const PRIVATE: &str = "PRIVATE+KEY+";

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A name is empty, too long, or has spaces, plus signs or control characters.
    #[error("a key's name has 1 to {KEY_NAME_BYTES} bytes, and no space, plus or control character")]
    Name,
    /// It has not the parts of a key.
    #[error("it is no key: `{expected}` is expected")]
    Form {
        /// The form.
        expected: &'static str,
    },
    /// A signature type that this library does not know.
    #[error("it has signature type {found}; this version knows Ed25519 (1)")]
    Algorithm {
        /// The type.
        found: u8,
    },
    /// The identifier is not that of name and key.
    #[error("its identifier is not that of its name and key: it was altered, or copied in part")]
    Identifier,
    /// The key itself is none that can be trusted.
    #[error("its bytes are no key of Ed25519")]
    Weak,
}

/// Whether a text can name a key.
pub(super) fn is_name(name: &str) -> bool {
    let legal = |letter: char| !letter.is_whitespace() && !letter.is_control() && letter != '+';
    (1..=KEY_NAME_BYTES).contains(&name.len()) && name.chars().all(legal)
}

/// First four bytes of SHA-256(name ‖ newline ‖ type ‖ public key).
fn identifier(name: &str, public: &PublicKey) -> u32 {
    let hash = Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(**public).finalize();
    hash.first_chunk().copied().map_or(0, u32::from_be_bytes)
}

/// Name, identifier and key bytes of `name+hash+base64`.
fn parts<'t>(text: &'t str, expected: &'static str) -> Result<(&'t str, u32, [u8; 32]), KeyError> {
    let form = KeyError::Form { expected };
    let mut fields = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (fields.next(), fields.next(), fields.next()) else { return Err(form) };
    if !is_name(name) {
        return Err(KeyError::Name);
    }
    let number = u32::from_str_radix(id, 16).ok().filter(|number| format!("{number:08x}") == id);
    let (Some(id), Some(bytes)) = (number, base64::decode(key)) else { return Err(form) };
    match bytes.split_first() {
        Some((&ED25519, key)) => Ok((name, id, key.try_into().map_err(|_| form)?)),
        Some((&found, _)) => Err(KeyError::Algorithm { found }),
        None => Err(form),
    }
}

/// What verifies signatures: a name and a public key. Its text is `name+hash+base64`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    public: PublicKey,
}

impl VerifierKey {
    /// Reads the text of a key.
    ///
    /// # Errors
    /// When it is not exactly the text of a key that can be trusted.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (name, id, bytes) = parts(text, "name+hash+base64")?;
        let public = PublicKey::new(bytes);
        if identifier(name, &public) != id {
            return Err(KeyError::Identifier);
        }
        public.validate().map_err(|_| KeyError::Weak)?;
        Ok(VerifierKey { name: name.to_owned(), id, public })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its identifier: tells keys of one name apart, and is no secure hash.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Whether this is its signature of a text.
    pub(super) fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.public.verify(text, &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<u8> = [ED25519].into_iter().chain(*self.public).collect();
        write!(f, "{}+{:08x}+{}", self.name, self.id, base64::encode(&bytes))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

/// What signs. Its secret is wiped when it is dropped, and never printed.
pub struct SigningKey {
    verifier: VerifierKey,
    pair: KeyPair,
}

impl SigningKey {
    /// Of a name and 32 secret bytes, which must be fresh randomness and serve one key only.
    ///
    /// # Errors
    /// When the name cannot name a key, or the bytes are all zero.
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, KeyError> {
        if !is_name(name) {
            return Err(KeyError::Name);
        }
        let pair = KeyPair::try_from_seed(Seed::new(seed)).map_err(|_| KeyError::Weak)?;
        let verifier = VerifierKey { name: name.to_owned(), id: identifier(name, &pair.pk), public: pair.pk };
        Ok(SigningKey { verifier, pair })
    }

    /// Reads the secret text of a key: `PRIVATE+KEY+name+hash+base64`.
    ///
    /// # Errors
    /// When it is not exactly the text of a key.
    pub fn parse_secret(text: &str) -> Result<Self, KeyError> {
        let expected = "PRIVATE+KEY+name+hash+base64";
        let rest = text.strip_prefix(PRIVATE).ok_or(KeyError::Form { expected })?;
        let (name, id, seed) = parts(rest, expected)?;
        let key = Self::from_seed(name, seed)?;
        if key.verifier.id == id { Ok(key) } else { Err(KeyError::Identifier) }
    }

    /// The secret text: whoever reads it can sign.
    #[must_use]
    pub fn to_secret(&self) -> String {
        let bytes: Vec<u8> = [ED25519].into_iter().chain(*self.pair.sk.seed()).collect();
        format!("{PRIVATE}{}+{:08x}+{}", self.verifier.name, self.verifier.id, base64::encode(&bytes))
    }

    /// What verifies its signatures.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Its signature of a text. Deterministic, as RFC 8032 has it.
    pub(super) fn sign(&self, text: &str) -> [u8; 64] {
        *self.pair.sk.sign(text, None)
    }
}

/// Shows no secret.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier)
    }
}
