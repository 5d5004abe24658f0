//! What stays of a sealed plan whose lines were removed: its header and its trailer, by which its name can be checked still.
//! Owns that file; who asks for it is not known here.

use std::fs::File;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

use super::sealed::{Header, Trailer};
use super::{PlanError, PlanFile};
use crate::limits::PLAN_EDGE_BYTES;
use crate::model::PlanId;

/// The ending of what stays, in place of `plan`.
pub const REDACTED: &str = "redacted";

/// What stays of a plan. It tells how many lines there were, of which digests, and nothing that stood in them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedactedPlan {
    /// Its first line.
    pub header: Header,
    /// Its name.
    pub id: PlanId,
}

impl RedactedPlan {
    /// Where it lies, for a plan that lay here.
    #[must_use]
    pub fn beside(plan: &Path) -> PathBuf {
        plan.with_extension(REDACTED)
    }

    /// Writes what stays of a plan.
    ///
    /// # Errors
    /// When the plan is not as it was sealed, or the writer fails.
    pub fn write(plan: &PlanFile, out: &mut dyn Write) -> Result<(), PlanError> {
        plan.verify()?;
        let mut write = |bytes: &[u8]| out.write_all(bytes).map_err(PlanError::Write);
        for edge in [serde_json::to_vec(plan.header()), serde_json::to_vec(plan.trailer())] {
            write(&edge.map_err(|e| PlanError::Write(e.into()))?)?;
            write(b"\n")?;
        }
        Ok(())
    }

    /// Reads it back: header, digests of the lines and name belong together.
    ///
    /// # Errors
    /// When it cannot be read, or is not what was written.
    pub fn open(path: &Path) -> Result<Self, PlanError> {
        let unreadable = |source| PlanError::Unreadable { path: path.to_owned(), source };
        let damaged = |line, problem: &str| PlanError::Damaged { path: path.to_owned(), line, problem: problem.to_owned() };
        let mut bytes = Vec::new();
        let most = 2 * PLAN_EDGE_BYTES as u64 + 2;
        File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let (Some(head), Some(tail), Some(b""), None) = (lines.next(), lines.next(), lines.next(), lines.next()) else {
            return Err(damaged(1, "it is not a header and a trailer"));
        };
        let header: Header = serde_json::from_slice(head).map_err(|e| damaged(1, &format!("no header: {e}")))?;
        let trailer: Trailer = serde_json::from_slice(tail).map_err(|e| damaged(2, &format!("no trailer: {e}")))?;
        let id = trailer.id;
        let whole = Trailer::of(head, trailer.changes.clone(), trailer.held.clone()).id == id;
        if !whole || serde_json::to_vec(&trailer).ok().as_deref() != Some(tail) {
            return Err(damaged(2, "its name does not fit the content"));
        }
        Ok(RedactedPlan { header, id })
    }
}
