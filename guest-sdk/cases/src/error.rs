//! What can be wrong with a case file, with the place where it is.

use std::path::{Path, PathBuf};

/// Why case files could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// A file or folder that the system would not give or take.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// What was tried: `read` or `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Text that is not a case file.
    #[error("{path}:{line}: {}{message}", field.as_ref().map(|f| format!("in `{f}`: ")).unwrap_or_default())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from one.
        line: usize,
        /// The field in whose value the trouble lies, where that is known.
        field: Option<String>,
        /// What is wrong and what would be right.
        message: String,
    },
    /// A folder without a single case file.
    #[error("`{path}` holds no case file; put one there, named like `expired.json`")]
    Empty {
        /// The folder.
        path: PathBuf,
    },
}

impl CaseError {
    /// Turns a JSON error at a place in `text`, of which `skipped` lines came
    /// before the part that was parsed.
    pub(crate) fn json(path: &Path, part: &str, skipped: usize, error: &serde_json::Error) -> Self {
        let full = error.to_string();
        let message = match full.rfind(" at line ") {
            Some(end) => full.get(..end).unwrap_or(&full).to_string(),
            None => full,
        };
        // Other messages name their field, or lie between fields.
        let names_no_field = error.is_data() && !message.contains(" field `");
        CaseError::Malformed {
            path: path.to_path_buf(),
            line: skipped + error.line(),
            field: names_no_field.then(|| field_before(part, error.line(), error.column())).flatten(),
            message,
        }
    }
}

/// The last `"name":` that opens before a place: the field being read there.
fn field_before(text: &str, line: usize, column: usize) -> Option<String> {
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let before = text.get(start..)?;
    let mut end = column.min(before.len());
    while !before.is_char_boundary(end) {
        end -= 1;
    }
    let before = before.get(..end)?;
    let mut quoted = before.split('"').skip(1).step_by(2).zip(before.split('"').skip(2).step_by(2));
    let mut field = None;
    for (name, after) in quoted.by_ref() {
        if after.trim_start().starts_with(':') {
            field = Some(name.to_string());
        }
    }
    field
}
