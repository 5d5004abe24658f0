//! `trueup status`: what the last runs did and how far the open one is.

use serde_json::json;

use super::exit::{Exit, Outcome};
use super::style::{BOLD, CYAN, DIM, YELLOW, paint, plural, safe};
use super::{Terminal, events, lift, open};
use crate::engine::rests_until;
use crate::ledger::{RunRow, Stage};

/// Runs that are listed.
const RUNS: u32 = 10;

/// `trueup status`.
pub(super) fn status(terminal: &mut Terminal<'_>) -> Outcome {
    let engine = open::reader(terminal)?;
    let runs = engine.runs(RUNS)?;
    let head = engine.log_head()?;
    let rule = engine.rule();
    let rollout = engine.rollout()?;
    let denials: Vec<_> = engine.denials()?.into_iter().filter(|denial| denial.stands()).collect();
    let sinks = open::sinks(terminal)?.iter().map(|sink| engine.sink_lag(sink)).collect::<Result<Vec<_>, _>>()?;
    let settings = engine.parts().module.as_ref().map(|module| module.settings()).unwrap_or_default();
    if terminal.common.json {
        let settings: Vec<_> = settings.iter().map(|s| json!({ "name": s.name, "help": s.help })).collect();
        terminal.json(&json!({
            "tenant": engine.parts().tenant,
            "rule": {
                "name": rule.name,
                "version": rule.version,
                "module": rule.module,
                "profile": rule.profile,
                "settings": settings,
                "rests_until": rests_until(&rollout, rule.module),
                "shadow": rollout.shadow(),
            },
            "runs": runs,
            "log": head,
            "denials": denials,
            "sinks": sinks,
        }))?;
        return Ok(Exit::Done);
    }
    writeln!(terminal.out, "{}  tenant {}", paint(BOLD, "status"), safe(&engine.parts().tenant))?;
    writeln!(
        terminal.out,
        "rule {}@{}, module {}, profile {}",
        safe(&rule.name),
        safe(&rule.version),
        rule.module.short(),
        rule.profile
    )?;
    for setting in settings {
        writeln!(terminal.out, "  {}", paint(DIM, format_args!("{}: {}", safe(&setting.name), safe(&setting.help))))?;
    }
    if let Some(until) = rests_until(&rollout, rule.module) {
        let words = format_args!("it failed, and rests until {until} at the latest; uploaded again, it judges at once");
        writeln!(terminal.out, "{} {words}", paint(YELLOW, "!"))?;
    }
    if let Some(shadow) = rollout.shadow() {
        let plans = plural(rollout.compared(), "plan");
        writeln!(
            terminal.out,
            "module {} judges beside it, {plans} so far; see {}",
            shadow.short(),
            paint(CYAN, "trueup rule list")
        )?;
    }
    writeln!(terminal.out, "audit log {}, root {}", plural(head.size, "entry"), head.root)?;
    sinks.iter().try_for_each(|lag| events::print(terminal, lag))?;
    for denial in &denials {
        let what = safe(&lift::covered(denial));
        let words = format!("denied since {} by {}: {}", denial.at, safe(&denial.by), safe(&denial.why));
        writeln!(terminal.out, "{} {what}  {}", paint(YELLOW, "!"), paint(DIM, words))?;
    }
    if runs.is_empty() {
        writeln!(terminal.out, "no run yet")?;
    }
    for run in &runs {
        let plan = run.plan.map_or_else(|| "-".to_owned(), |plan| plan.0.short());
        writeln!(terminal.out, "  {:8} as of {}  plan {plan:12}  {}", run.run.to_string(), run.as_of, stage(run))?;
    }
    Ok(Exit::Done)
}

fn stage(run: &RunRow) -> String {
    match run.stage {
        Stage::Discovering if run.commits => "interrupted while reading; `trueup resume` goes on".to_owned(),
        Stage::Discovering => "interrupted while reading; `trueup plan` begins again".to_owned(),
        Stage::Sealed => "sealed, not applied".to_owned(),
        Stage::Committing => format!("interrupted after slice {}; `trueup resume` goes on", run.slice),
        Stage::Done => run.amends.map_or_else(|| "done".to_owned(), |first| format!("done; amended {first}")),
        Stage::Replaced => "replaced by a later plan".to_owned(),
        Stage::Unsettled => "replaced by a later plan; what some of its changes did is not known yet".to_owned(),
    }
}
