//! How far a sink has come, durably. Owns the file and what is believed of it: a cursor that does not fit the log is none, so that
//! events come twice rather than never.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ExportError;
use crate::ledger::{Ledger, Query, Rows};
use crate::model::Digest;
use crate::notary::files::{read_text, replace};

/// Longest file of a cursor that is read, in bytes.
const CURSOR_BYTES: usize = 4_096;

/// How far a sink has come in a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Index of the leaf that comes next.
    pub next: u64,
    /// Hash of the leaf before it.
    pub last: Digest,
    /// Leaves that were pruned before they were exported.
    #[serde(default)]
    pub missed: u64,
    /// Why nothing is delivered, while nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Cursor {
    /// Before the leaf of this index, whatever stands before that.
    #[must_use]
    pub fn from_index(next: u64) -> Self {
        Cursor { next, ..Cursor::default() }
    }

    /// The file of a sink's cursor in this folder.
    #[must_use]
    pub fn path(folder: &Path, sink: &str) -> PathBuf {
        folder.join(format!("{sink}.cursor"))
    }

    /// What a file says, if it says anything that a cursor could.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_str(&read_text(path, CURSOR_BYTES).ok().flatten()?).ok()
    }

    /// Writes it, durably.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ExportError> {
        // Numbers and texts are always JSON.
        Ok(replace(path, serde_json::to_string(self).unwrap_or_default().as_bytes(), true)?)
    }

    /// Whether the log goes on from it: the leaf before is there, and is the one that was delivered. A leaf that was pruned since
    /// cannot be asked.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn fits(&self, ledger: &dyn Ledger, tenant: &str) -> Result<bool, ExportError> {
        let Some(before) = self.next.checked_sub(1) else { return Ok(true) };
        let Rows::LogHead(head) = ledger.read(tenant, &Query::LogHead)? else { return Ok(false) };
        if head.size <= before {
            return Ok(false);
        }
        let Rows::Leaves(leaves) = ledger.read(tenant, &Query::Leaves(before, 1))? else { return Ok(false) };
        Ok(leaves.first().is_none_or(|leaf| leaf.index > before || leaf.hash == self.last))
    }
}
