//! What two versions of a rule make of the same case files: captured from a run, or written by hand.

use std::path::Path;

use trueup_cases::{CaseFile, find};

use super::AuthorError;
use super::stage::Stage;
use crate::decide::decide;
use crate::engine::{Comparing, Comparison};
use crate::model::Time;
use crate::rule::{BatchVerdict, Module};

/// Compares two versions on all case files under a folder, each under the file's own settings. Both are decided as a host would in
/// scopes that were adopted before; a file that expects an error is compared as any other.
///
/// # Errors
/// When files cannot be read, or there is none.
pub fn compare_on(now: &Module, then: &Module, folder: &Path) -> Result<Comparison, AuthorError> {
    let files = find(folder)?;
    if files.is_empty() {
        return Err(trueup_cases::CaseError::Empty { path: folder.to_owned() }.into());
    }
    let mut comparing: Option<Comparing> = None;
    for path in files {
        let text = std::fs::read_to_string(&path).map_err(|source| AuthorError::Read { path: path.clone(), source })?;
        let file = CaseFile::parse(&path, &text)?;
        let as_of = Time::from_seconds(file.context.as_of);
        let stage = Stage::of(&file.columns, as_of);
        let [ours, theirs] = [now, then].map(|module| judge(module, &file));
        let adopted = stage.adoptions(now.facts().module);
        let decided = decide(&stage.cases, &ours, &stage.policy(now.facts().module, &adopted), 1);
        let adopted = stage.adoptions(then.facts().module);
        let policy = stage.policy(then.facts().module, &adopted);
        let comparing = comparing.get_or_insert_with(|| Comparing::begin((None, as_of), now.facts(), then.facts()));
        comparing.faults(&theirs);
        comparing.part(&stage.cases, (&decided, now.facts()), (&theirs, then.facts()), &policy, 1);
    }
    comparing.map(Comparing::end).ok_or_else(|| trueup_cases::CaseError::Empty { path: folder.to_owned() }.into())
}

fn judge(module: &Module, file: &CaseFile) -> [BatchVerdict; 1] {
    let mut columns = file.columns.clone();
    columns.keep_only(&module.column_names());
    [module.judge_columns(&file.context, &columns)]
}
