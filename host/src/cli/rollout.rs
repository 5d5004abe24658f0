//! `trueup rule upload`, `shadow`, `withdraw`, `promote`, `rollback` and `list`: the way of a rule module to judging, and back.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::args::Signed;
use super::config::RuleConfig;
use super::exit::{Exit, Failure, Outcome};
use super::style::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, count, paint, plural, safe};
use super::{Terminal, open};
use crate::engine::{self, Engine, EngineError};
use crate::model::{Digest, Rollout, RuleChange, RuleStep};
use crate::rule::{Module, Settings};

impl Signed {
    fn of(&self) -> engine::Signed<'_> {
        engine::Signed { by: &self.by, why: &self.why }
    }
}

/// `trueup rule upload`.
pub(super) fn upload(terminal: &mut Terminal<'_>, file: &Path, signed: &Signed) -> Outcome {
    let component = open::read(file)?;
    let (engine, rule) = open::without_rule(terminal, false)?;
    let rules = open::rules(open::cache(&engine.store().code())?, &rule.limits)?;
    let module = engine.upload(&rules, &component, signed.of())?;
    let facts = module.facts();
    if terminal.common.json {
        terminal.json(&json!({ "module": facts.module, "rule": facts.label() }))?;
        return Ok(Exit::Done);
    }
    let short = facts.module.short();
    writeln!(terminal.out, "{} {} {}", paint(GREEN, "admitted"), safe(&facts.label()), paint(CYAN, &short))?;
    // Where the configuration names the module that decides, nothing can be promoted.
    let decided = rule.module.is_some() || engine.rollout()?.live().is_some();
    let next = if decided { "shadow" } else { "promote" };
    writeln!(terminal.out, "next: {}", paint(CYAN, format_args!("trueup rule {next} {short}")))?;
    Ok(Exit::Done)
}

/// `trueup rule shadow`.
pub(super) fn shadow(terminal: &mut Terminal<'_>, module: &str, signed: &Signed) -> Outcome {
    let (engine, module, settings, _) = checked(terminal, module)?;
    let rollout = engine.shadow(&module, &settings, signed.of())?;
    told(terminal, &rollout, "judges each plan from now on beside the rule that decides:", &module)
}

/// `trueup rule withdraw`.
pub(super) fn withdraw(terminal: &mut Terminal<'_>, signed: &Signed) -> Outcome {
    let (engine, ..) = open::without_rule(terminal, false)?;
    let none = || EngineError::NotFound { what: "module that judges beside the rule of", name: engine.parts().tenant.clone() };
    let module = engine.rollout()?.shadow().ok_or_else(none)?;
    engine.withdraw(module, signed.of())?;
    if terminal.common.json {
        terminal.json(&json!({ "module": module }))?;
    } else {
        writeln!(terminal.out, "{} no longer judges beside", paint(CYAN, module.short()))?;
    }
    Ok(Exit::Done)
}

/// `trueup rule promote`.
pub(super) fn promote(terminal: &mut Terminal<'_>, module: &str, unseen: bool, signed: &Signed) -> Outcome {
    let (engine, module, settings, rule) = checked(terminal, module)?;
    check_managed(&rule)?;
    let rollout = engine.promote(&module, &settings, unseen, signed.of())?;
    told(terminal, &rollout, "decides from the next plan on; removals wait there for its adoption:", &module)
}

/// `trueup rule rollback`.
pub(super) fn rollback(terminal: &mut Terminal<'_>, signed: &Signed) -> Outcome {
    let (engine, rule) = open::without_rule(terminal, false)?;
    check_managed(&rule)?;
    let rollout = engine.roll_back_rule(signed.of())?;
    if terminal.common.json {
        terminal.json(&standing(&rollout))?;
        return Ok(Exit::Done);
    }
    let live = rollout.live().unwrap_or_default();
    writeln!(terminal.out, "{} {} decides again from the next plan on", called(&rollout, live), paint(CYAN, live.short()))?;
    Ok(Exit::Done)
}

/// `trueup rule list`.
pub(super) fn list(terminal: &mut Terminal<'_>, show: usize) -> Outcome {
    let (engine, rule) = open::without_rule(terminal, true)?;
    let named = rule.module.is_some();
    let (rollout, steps) = (engine.rollout()?, engine.rule_steps()?);
    if terminal.common.json {
        terminal.json(&json!({ "standing": standing(&rollout), "named_by_configuration": named, "steps": steps }))?;
        return Ok(Exit::Done);
    }
    match (named, rollout.live()) {
        (true, _) => writeln!(terminal.out, "the configuration names the module that decides")?,
        (false, None) => writeln!(terminal.out, "no module decides yet; the host does its own duties alone")?,
        (false, Some(_)) => {}
    }
    for (module, rule) in rollout.admitted() {
        let place = match Some(module) {
            module if module == rollout.live() && !named => paint(GREEN, "decides"),
            module if module == rollout.shadow() => {
                paint(YELLOW, format_args!("judges beside, {} so far", plural(rollout.compared(), "plan")))
            }
            module if module == rollout.former() => paint(DIM, "decided before"),
            _ => paint(DIM, "admitted"),
        };
        let rests =
            crate::engine::rests_until(&rollout, module).map(|until| paint(RED, format_args!("  failed; rests until {until}")));
        writeln!(terminal.out, "  {}  {}  {place}{}", paint(CYAN, module.short()), safe(rule), rests.unwrap_or_default())?;
    }
    writeln!(terminal.out, "{}", paint(BOLD, plural(steps.len() as u64, "step")))?;
    for step in steps.iter().skip(steps.len().saturating_sub(show)) {
        writeln!(terminal.out, "  {}", line(step))?;
    }
    Ok(Exit::Done)
}

fn line(step: &RuleStep) -> String {
    let more = match &step.what {
        RuleChange::Compared { run, cases, differ, failed } => {
            let failed = if *failed > 0 { format!(", {} without an answer", plural(*failed, "batch")) } else { String::new() };
            format!("  {run}: {} of {} otherwise{failed}", count(*differ), plural(*cases, "case"))
        }
        RuleChange::Failed { run, failed, batches, problem } => {
            format!("  {run}: {} of {}: {}", count(*failed), plural(*batches, "batch"), safe(problem))
        }
        RuleChange::Refused { problem } => format!("  {}", safe(problem)),
        RuleChange::Promoted { unseen: true } => "  without having judged beside".to_owned(),
        _ => String::new(),
    };
    let who = if step.by.is_empty() { String::new() } else { format!("  by {}: {}", safe(&step.by), safe(&step.why)) };
    let rule = if step.rule.is_empty() { "a file".to_owned() } else { safe(&step.rule) };
    format!("{}  {:9} {} {rule}{more}{}", step.at, step.what.name(), paint(CYAN, step.module.short()), paint(DIM, who))
}

/// An admitted module by the beginning of its digest, loaded, and what the configuration sets for it.
fn checked(terminal: &Terminal<'_>, name: &str) -> Outcome<(Engine, Arc<Module>, Settings, RuleConfig)> {
    let (engine, rule) = open::without_rule(terminal, false)?;
    let rollout = engine.rollout()?;
    let found: Vec<Digest> = rollout
        .admitted()
        .map(|(module, _)| module)
        .filter(|module| !name.is_empty() && module.to_string().starts_with(name))
        .collect();
    let [module] = *found else {
        let problem = if found.is_empty() { "no admitted module" } else { "more than one admitted module" };
        let error = anyhow::anyhow!("{problem} has a digest that begins with `{name}`");
        return Err(Failure::new(Exit::NotFound, error, "`trueup rule list` shows them; `trueup rule upload` takes one in"));
    };
    let module = open::load(&engine.component(module)?, open::cache(&engine.store().code())?, &rule.limits)?;
    let settings = open::settings(&module, rule.settings.clone())?;
    Ok((engine, module, settings, rule))
}

fn check_managed(rule: &RuleConfig) -> Outcome<()> {
    if rule.module.is_none() {
        return Ok(());
    }
    let error = anyhow::anyhow!("the configuration itself names the module that decides");
    Err(Failure::new(Exit::Config, error, "remove `module` from `[rule]`; then the one that is promoted decides"))
}

fn told(terminal: &mut Terminal<'_>, rollout: &Rollout, what: &str, module: &Module) -> Outcome {
    let facts = module.facts();
    if terminal.common.json {
        terminal.json(&standing(rollout))?;
        return Ok(Exit::Done);
    }
    writeln!(terminal.out, "{what} {} {}", safe(&facts.label()), paint(CYAN, facts.module.short()))?;
    Ok(Exit::Done)
}

fn called(rollout: &Rollout, module: Digest) -> String {
    rollout.admitted().find(|(admitted, _)| *admitted == module).map(|(_, rule)| safe(rule)).unwrap_or_default()
}

fn standing(rollout: &Rollout) -> serde_json::Value {
    let admitted: Vec<_> = rollout
        .admitted()
        .map(|(module, rule)| json!({ "module": module, "rule": rule, "rests_until": engine::rests_until(rollout, module) }))
        .collect();
    json!({
        "live": rollout.live(),
        "former": rollout.former(),
        "shadow": rollout.shadow(),
        "plans_seen_by_shadow": rollout.compared(),
        "admitted": admitted,
    })
}
