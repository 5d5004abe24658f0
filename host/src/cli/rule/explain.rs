//! `trueup rule explain CODE` and `trueup rule explain CASE`.

use serde_json::json;

use super::super::exit::{Exit, Failure, Outcome};
use super::super::style::{BOLD, DIM, paint, safe};
use super::super::{Terminal, open};
use super::args::ExplainArgs;
use crate::author::{AuthorError, BuildOptions, build_component, explain_case, explain_code};
use crate::rule::RuleLimits;

/// Explains a code, or one case of a crate.
pub(super) fn explain(terminal: &mut Terminal<'_>, args: &ExplainArgs) -> Outcome {
    let what = args.what.as_str();
    let digits = what.get(2..).unwrap_or_default();
    if what.to_ascii_uppercase().starts_with("TR") && digits.bytes().all(|b| b.is_ascii_digit()) {
        return of_code(terminal, what);
    }
    let built = build_component(&args.dir, &BuildOptions::default()).map_err(AuthorError::from)?;
    let module = open::load(&built.component, None, &RuleLimits::default())?;
    let found = explain_case(module, &args.dir, what)?;
    if found.is_empty() {
        let error = anyhow::anyhow!("there is no case `{what}` in the files of `{}`", args.dir.join("cases").display());
        return Err(Failure::new(
            Exit::NotFound,
            error,
            "name it by file and line, `cases/x.json:14`, or by its key, `git/ada/repo:x`",
        ));
    }
    if terminal.common.json {
        terminal.json(&found)?;
        return Ok(Exit::Done);
    }
    for case in &found {
        writeln!(terminal.out, "{}  {}", paint(BOLD, safe(&case.place)), safe(&case.about))?;
        writeln!(terminal.out, "  {} {}", safe(&case.identity), safe(&case.case))?;
        for (name, value) in &case.shown {
            writeln!(terminal.out, "    {name:<20} {}", safe(value))?;
        }
        writeln!(terminal.out, "  {}", paint(DIM, "the rule sees no other column; `columns(…)` asks for more"))?;
        writeln!(terminal.out, "  the rule says {}", paint(BOLD, safe(&case.answer)))?;
        if !case.text.is_empty() {
            writeln!(terminal.out, "    {}", safe(&case.text))?;
        }
        for line in case.plan.lines() {
            writeln!(terminal.out, "  a host would: {}", safe(line))?;
        }
        for line in &case.log {
            writeln!(terminal.out, "  {}", paint(DIM, format_args!("log: {}", safe(line))))?;
        }
    }
    Ok(Exit::Done)
}

fn of_code(terminal: &mut Terminal<'_>, code: &str) -> Outcome {
    let text = explain_code(code).ok_or_else(|| {
        let error = anyhow::anyhow!("there is no error code `{code}`");
        Failure::new(Exit::NotFound, error, "a code stands in brackets after `error`, like TR0402")
    })?;
    if terminal.common.json {
        terminal.json(&json!({ "code": code.to_ascii_uppercase(), "text": text }))?;
    } else {
        writeln!(terminal.out, "{text}")?;
    }
    Ok(Exit::Done)
}
