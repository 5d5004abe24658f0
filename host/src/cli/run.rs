//! `plan`, `apply`, `run`, `resume`.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{ApplyArgs, FinishArgs, PlanArgs};
use super::exit::{Exit, Failure, Outcome};
use super::{Terminal, open, outcome, plan};
use crate::engine::{Applied, Engine, EngineError, Planned, Store};
use crate::model::PlanId;
use crate::plan::PlanFile;

/// `trueup plan`.
pub(super) fn plan(terminal: &mut Terminal<'_>, args: &PlanArgs) -> Outcome {
    let engine = open::engine(terminal)?;
    let planned = open::block_on(engine.plan(args.as_of))??;
    let path = engine.store().plan(planned.plan);
    copy_to(&path, args.out.as_deref())?;
    if terminal.common.json {
        terminal.json(&plan::as_json(&planned))?;
    } else {
        plan::print(terminal, &planned, &path, args.show)?;
        plan::next_steps(terminal, &planned)?;
    }
    Ok(waiting(args.exit_code, plan::waits(&planned)))
}

/// `trueup run`.
pub(super) fn run(terminal: &mut Terminal<'_>, args: &PlanArgs) -> Outcome {
    let engine = open::engine(terminal)?;
    let (planned, applied) = open::block_on(engine.run(args.as_of))??;
    let path = engine.store().plan(planned.plan);
    copy_to(&path, args.out.as_deref())?;
    if terminal.common.json {
        let mut value = plan::as_json(&planned);
        merge(&mut value, outcome::as_json(&applied));
        terminal.json(&value)?;
    } else {
        plan::print(terminal, &planned, &path, args.show)?;
        outcome::print(terminal, &applied)?;
    }
    Ok(waiting(args.exit_code, plan::waits(&planned) || applied.waits()))
}

/// `trueup apply`.
pub(super) fn apply(terminal: &mut Terminal<'_>, args: &ApplyArgs) -> Outcome {
    let engine = open::engine(terminal)?;
    let id = find(&engine, &args.plan)?;
    let applied = open::block_on(engine.apply(id))??;
    finish(terminal, &applied, &args.finish)
}

/// `trueup resume`.
pub(super) fn resume(terminal: &mut Terminal<'_>, args: &FinishArgs) -> Outcome {
    let engine = open::engine(terminal)?;
    match open::block_on(engine.resume())?? {
        Some((planned, applied)) => resumed(terminal, planned.as_ref(), &applied, args),
        None => {
            if terminal.common.json {
                terminal.json(&json!({ "resumed": false }))?;
            } else {
                writeln!(terminal.out, "nothing to resume: no run is open and no gate was opened since")?;
            }
            Ok(Exit::Done)
        }
    }
}

fn resumed(terminal: &mut Terminal<'_>, planned: Option<&Planned>, applied: &Applied, args: &FinishArgs) -> Outcome {
    let Some(planned) = planned else { return finish(terminal, applied, args) };
    if terminal.common.json {
        let mut value = plan::as_json(planned);
        merge(&mut value, outcome::as_json(applied));
        terminal.json(&value)?;
        return Ok(waiting(args.exit_code, applied.waits()));
    }
    writeln!(terminal.out, "read on, and sealed plan {}", planned.plan.0.short())?;
    finish(terminal, applied, args)
}

fn finish(terminal: &mut Terminal<'_>, applied: &Applied, args: &FinishArgs) -> Outcome {
    if terminal.common.json {
        terminal.json(&outcome::as_json(applied))?;
    } else {
        outcome::print(terminal, applied)?;
    }
    Ok(waiting(args.exit_code, applied.waits()))
}

/// The plan that a path or the beginning of a digest names; a file from elsewhere is taken into the store.
pub(super) fn find(engine: &Engine, name: &str) -> Outcome<PlanId> {
    let path = Path::new(name);
    if path.is_file() {
        let file = PlanFile::open(path).map_err(EngineError::from)?;
        file.verify().map_err(EngineError::from)?;
        let kept = engine.store().plan(file.id());
        if !kept.exists() {
            copy_into(path, &kept)?;
        }
        return Ok(file.id());
    }
    let missing = || Failure::from(EngineError::NotFound { what: "plan", name: name.to_owned() });
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(engine.store().plans())? {
        let path = entry?.path();
        let file = path.file_name().and_then(|file| file.to_str());
        if file.and_then(|file| file.strip_suffix(".plan")).is_some_and(|digest| digest.starts_with(name)) {
            found.push(path);
        }
    }
    match found.as_slice() {
        [path] if !name.is_empty() => Ok(PlanFile::open(path).map_err(EngineError::from)?.id()),
        _ => Err(missing()),
    }
}

/// Takes a plan into the store as a whole or not at all.
fn copy_into(from: &Path, kept: &Path) -> Result<(), EngineError> {
    Store::replace(kept, |file| {
        let copied = std::fs::File::open(from).and_then(|mut from| std::io::copy(&mut from, file));
        copied.map(drop).map_err(|source| EngineError::Store { path: kept.to_owned(), source })
    })
}

fn copy_to(plan: &Path, out: Option<&Path>) -> Outcome<()> {
    let Some(out) = out else { return Ok(()) };
    std::fs::copy(plan, out).map(|_| ()).map_err(|error| {
        let message = anyhow::Error::new(error).context(format!("cannot write `{}`", out.display()));
        Failure::new(Exit::Unwritable, message, format!("the plan itself is safe in `{}`", plan.display()))
    })
}

fn merge(into: &mut serde_json::Value, other: serde_json::Value) {
    if let (Some(into), serde_json::Value::Object(other)) = (into.as_object_mut(), other) {
        into.extend(other);
    }
}

const fn waiting(asked: bool, waits: bool) -> Exit {
    if asked && waits { Exit::Waiting } else { Exit::Done }
}
