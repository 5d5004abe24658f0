//! Writing expectations into a case file where they stand, and leaving every
//! other character as its author wrote it.

use crate::expect::Expect;
use crate::file::CaseFile;

/// The file's text with these answers as its expectations, one per case.
pub(crate) fn bless(file: &CaseFile, answers: &[Expect]) -> String {
    let mut text = file.text.clone();
    // From the end, so that earlier places stay where they are.
    for (case, answer) in file.cases.iter().zip(answers).rev() {
        if case.expect.as_ref() == Some(answer) {
            continue;
        }
        match &case.expect_span {
            Some(span) => text.replace_range(span.clone(), &answer.to_string()),
            None => {
                let body = file.text.get(case.span.clone()).unwrap_or_default();
                let kept = body.trim_end_matches('}').trim_end();
                let end = case.span.start + kept.len();
                text.insert_str(end, &format!(",{}\"expect\": {answer}", indent(kept)));
            }
        }
    }
    text
}

/// What separates the first field of an object from its brace: a line break
/// with indentation, or a space when the object stands on one line.
fn indent(body: &str) -> &str {
    let fields = body.trim_start_matches('{');
    let blank = fields.len() - fields.trim_start().len();
    match fields.get(..blank) {
        Some(blank) if blank.contains('\n') => blank,
        _ => " ",
    }
}
