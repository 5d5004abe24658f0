//! `trueup revoke`: takes access away at once.

use std::time::Duration;

use serde_json::json;

use super::args::RevokeArgs;
use super::exit::{Exit, Outcome};
use super::style::{CYAN, GREEN, YELLOW, paint, safe};
use super::{Terminal, open};
use crate::engine::{Engine, Revocation};
use crate::model::Denial;

/// How often another process is asked whether it has done it, in milliseconds.
const ASK_MILLISECONDS: u64 = 50;

/// `trueup revoke`.
pub(super) fn revoke(terminal: &mut Terminal<'_>, args: &RevokeArgs) -> Outcome {
    let mut call = Revocation::default();
    call.holder.clone_from(&args.holder);
    call.target = args.target.clone().unwrap_or_default();
    call.object = args.object.clone().unwrap_or_default();
    call.by.clone_from(&args.by);
    call.why.clone_from(&args.why);
    let denial = match open::unsigned(terminal) {
        Ok(engine) => open::block_on(engine.revoke(&call))??,
        Err(failure) if failure.exit == Exit::Busy => beside(terminal, &call, args.wait)?,
        Err(failure) => return Err(failure),
    };
    told(terminal, &denial)
}

/// Another process writes the ledger: leaves the call for it, and waits until it has done it, or is gone.
fn beside(terminal: &Terminal<'_>, call: &Revocation, wait: u64) -> Outcome<Denial> {
    let reader = open::reader(terminal)?;
    let called = reader.call(call)?;
    for _ in 0..wait.saturating_mul(1_000) / ASK_MILLISECONDS {
        if let Some(settled) = standing(&reader, &called)?.filter(|denial| denial.settled_at.is_some()) {
            return Ok(settled);
        }
        std::thread::sleep(Duration::from_millis(ASK_MILLISECONDS));
        if let Ok(engine) = open::unsigned(terminal) {
            // It ended before it took the call, which still lies there.
            return Ok(open::block_on(engine.revoke(call))??);
        }
    }
    Ok(standing(&reader, &called)?.unwrap_or(called))
}

fn standing(reader: &Engine, called: &Denial) -> Outcome<Option<Denial>> {
    let same = |denial: &Denial| {
        denial.target == called.target
            && denial.holder == called.holder
            && denial.object == called.object
            && denial.at >= called.at
    };
    Ok(reader.denials()?.into_iter().find(same))
}

fn told(terminal: &mut Terminal<'_>, denial: &Denial) -> Outcome {
    let settled = denial.settled_at.is_some();
    let exit = if settled { Exit::Done } else { Exit::Waiting };
    if terminal.common.json {
        terminal.json(&json!({ "denial": denial, "settled": settled }))?;
        return Ok(exit);
    }
    let name = safe(&name_of(denial));
    if settled {
        writeln!(terminal.out, "{} {name}: nothing is left of it", paint(GREEN, "revoked"))?;
    } else {
        writeln!(terminal.out, "{} {name}: something could not be taken away or read yet", paint(YELLOW, "denied"))?;
        writeln!(terminal.out, "try again with {}", paint(CYAN, "trueup resume"))?;
    }
    writeln!(terminal.out, "nothing gives it again until {}", paint(CYAN, "trueup lift"))?;
    Ok(exit)
}

/// A denial as people name it.
pub(super) fn name_of(denial: &Denial) -> String {
    let target = if denial.target.is_empty() { "every target" } else { &denial.target };
    match denial.object.as_str() {
        "" => format!("all of `{}` in {target}", denial.holder),
        object => format!("`{object}` of `{}` in {target}", denial.holder),
    }
}
