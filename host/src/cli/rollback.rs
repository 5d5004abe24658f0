//! `trueup rollback`: seals a plan that undoes another one.

use super::args::RollbackArgs;
use super::exit::{Exit, Outcome};
use super::{Terminal, open, plan, run};

/// `trueup rollback`.
pub(super) fn rollback(terminal: &mut Terminal<'_>, args: &RollbackArgs) -> Outcome {
    let engine = open::engine(terminal)?;
    let former = run::find(&engine, &args.plan)?;
    let planned = open::block_on(engine.rollback(former, &args.changes))??;
    if terminal.common.json {
        terminal.json(&plan::as_json(&planned))?;
        return Ok(Exit::Done);
    }
    plan::print(terminal, &planned, &engine.store().plan(planned.plan), args.show)?;
    plan::next_steps(terminal, &planned)?;
    Ok(Exit::Done)
}
