//! The noun of judging: columns of answers, or why there are none. Known without wasmtime.

use serde::{Deserialize, Serialize};

use crate::model::{Digest, Encoder, Reason, Time};

/// Answers of one batch; well formed: rows ascend, and every index and code is in range. All columns but `case`,
/// `effect` and `reason` are either empty (defaults) or as long as `case`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerdictColumns {
    /// Index of the case in its batch, strictly ascending.
    pub case: Vec<u32>,
    /// 0 keep, 1 present, 2 absent, 3 disabled, 4 true-up, 5 replace, 6 hold.
    pub effect: Vec<u8>,
    /// Index into the reasons table.
    pub reason: Vec<u16>,
    /// For true-up: which differing attributes.
    pub mask: Vec<u32>,
    /// Risk tier.
    pub tier: Vec<u8>,
    /// Order within a wave.
    pub rank: Vec<i16>,
    /// A case of the same identity that comes first; `u32::MAX` for none.
    pub after: Vec<u32>,
    /// Bit 0: exclusive.
    pub flags: Vec<u8>,
    /// When the access shall end; zero: as desired.
    pub until: Vec<i64>,
    /// Before this instant the batch gets the same answers.
    pub valid_until: Time,
}

/// Why a batch has no answers. Its identities are held; other batches go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// The module trapped.
    #[error("the rule trapped: {message}")]
    Trap {
        /// Panic text with file, line and column when the module told it, else the trap and its frames.
        message: String,
        /// The case that was being judged, when the module told it.
        case: Option<u32>,
    },
    /// A limit was reached.
    #[error("the rule ran out of {limit}: used {used} of {allowed}")]
    Limit {
        /// Which limit.
        #[serde(deserialize_with = "limit_name")]
        limit: LimitName,
        /// How much was used.
        used: u64,
        /// How much is allowed.
        allowed: u64,
    },
    /// The rule returned its own error.
    #[error("the rule refused with `{code}`: {message}")]
    Rule {
        /// Its code.
        code: String,
        /// Its message.
        message: String,
        /// The case it names.
        case: Option<u32>,
    },
    /// The answer is not well formed.
    #[error("the rule's answer is malformed: {problem}")]
    Malformed {
        /// Which column and row, and what is wrong.
        problem: String,
    },
    /// The batch took longer than the operator's backstop allows: an infrastructure fault, not a verdict.
    #[error("judging was interrupted after {seconds} s of wall time")]
    Interrupted {
        /// The backstop.
        seconds: u64,
    },
    /// No rule is configured: the host does its own duties alone.
    #[error("no rule is configured")]
    Absent,
    /// It failed on the plans before, and rests: the host does its own duties alone.
    #[error("the rule failed before and rests until {until}")]
    Resting {
        /// Until when.
        until: Time,
    },
    /// The identity has more cases than any batch may hold.
    #[error("the identity has {cases} cases, more than {allowed}")]
    IdentityTooLarge {
        /// How many.
        cases: u64,
        /// The limit.
        allowed: u64,
    },
}

/// The name of a limit.
type LimitName = &'static str;

/// Every name of a limit that a fault was ever written down with.
const LIMIT_NAMES: [&str; 8] =
    ["fuel", "fuel to start", "stack", "memory", "table elements", "host call bytes", "input bytes", "log"];

fn limit_name<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<LimitName, D::Error> {
    let name = String::deserialize(deserializer)?;
    let known = LIMIT_NAMES.into_iter().find(|known| *known == name);
    known.ok_or_else(|| serde::de::Error::custom(format!("there is no limit `{name}`")))
}

/// What one batch got, with what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchVerdict {
    /// The answers, or why there are none.
    pub result: Result<VerdictColumns, Fault>,
    /// Fuel used; the same for the same batch under the same profile.
    pub fuel: u64,
    /// Log lines that the rule wrote, (level, text), escaped and bounded.
    pub log: Vec<(u8, String)>,
}

/// What the host knows of the rule that judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFacts {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the component.
    pub module: Digest,
    /// Name of the determinism profile that it ran under.
    pub profile: String,
    /// Digest of the limits that it judges under; none: the usual ones.
    pub limits: Option<Digest>,
    /// Its reasons table.
    pub reasons: Vec<Reason>,
}

impl RuleFacts {
    /// What a plan records where no rule is configured.
    #[must_use]
    pub fn absent() -> Self {
        let module = Digest::of(b"");
        let (name, version, profile) = ("none".to_owned(), "0".to_owned(), "none".to_owned());
        RuleFacts { name, version, module, profile, limits: None, reasons: Vec::new() }
    }

    /// The rule, as name@version.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

/// Digest over the answers of all batches, in order: what a plan records of them. Fuel and log lines are not part of it.
#[must_use]
pub fn verdicts_digest(verdicts: &[BatchVerdict]) -> Digest {
    let mut digest = VerdictsDigest::default();
    digest.add(verdicts);
    digest.finish()
}

/// That digest in the making, for batches that are never together in memory.
pub struct VerdictsDigest {
    encoder: Encoder,
    bytes: Vec<u8>,
}

impl Default for VerdictsDigest {
    fn default() -> Self {
        VerdictsDigest { encoder: Encoder::new("trueup.verdicts"), bytes: Vec::new() }
    }
}

impl VerdictsDigest {
    /// Adds the next batches.
    pub fn add(&mut self, verdicts: &[BatchVerdict]) {
        for verdict in verdicts {
            self.bytes.clear();
            match &verdict.result {
                Ok(columns) => columns.encode(&mut self.bytes),
                Err(fault) => self.bytes.extend_from_slice(fault.to_string().as_bytes()),
            }
            self.encoder.number(i64::from(verdict.result.is_ok())).bytes(&self.bytes);
        }
    }

    /// The digest of all that was added.
    #[must_use]
    pub fn finish(self) -> Digest {
        self.encoder.finish()
    }
}

impl VerdictColumns {
    /// Names these answers.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        let mut encoder = Encoder::new("trueup.answers");
        encoder.bytes(&bytes);
        encoder.finish()
    }

    /// Column after column, each with its length, numbers little-endian.
    fn encode(&self, out: &mut Vec<u8>) {
        fn column<const N: usize>(out: &mut Vec<u8>, values: impl ExactSizeIterator<Item = [u8; N]>) {
            out.extend_from_slice(&(values.len() as u64).to_le_bytes());
            values.for_each(|value| out.extend_from_slice(&value));
        }
        column(out, self.case.iter().map(|v| v.to_le_bytes()));
        column(out, self.effect.iter().map(|v| [*v]));
        column(out, self.reason.iter().map(|v| v.to_le_bytes()));
        column(out, self.mask.iter().map(|v| v.to_le_bytes()));
        column(out, self.tier.iter().map(|v| [*v]));
        column(out, self.rank.iter().map(|v| v.to_le_bytes()));
        column(out, self.after.iter().map(|v| v.to_le_bytes()));
        column(out, self.flags.iter().map(|v| [*v]));
        column(out, self.until.iter().map(|v| v.to_le_bytes()));
        out.extend_from_slice(&self.valid_until.seconds().to_le_bytes());
    }
}
