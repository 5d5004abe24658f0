//! `trueup audit redact`.

use serde_json::json;

use super::args::RedactArgs;
use super::exit::{Exit, Outcome};
use super::style::{count, plural};
use super::{Terminal, open};

pub(super) fn redact(terminal: &mut Terminal<'_>, args: &RedactArgs) -> Outcome {
    let engine = open::engine(terminal)?;
    if let Some(holder) = &args.holder {
        let done = engine.redact_holder(holder, &args.by, &args.why)?;
        if terminal.common.json {
            terminal.json(&done)?;
            return Ok(Exit::Done);
        }
        let leaves = match done.leaves.len() {
            1 => "1 leaf".to_owned(),
            leaves => format!("{} leaves", count(leaves as u64)),
        };
        let (states, plans) = (plural(done.states, "state"), plural(done.plans.len() as u64, "plan"));
        writeln!(terminal.out, "removed {states} beside {leaves}, and the lines of {plans}")?;
        for plan in &done.plans {
            writeln!(terminal.out, "  plan {plan}: its header and the digests of its lines stay")?;
        }
        let left = "names in leaves and in denials stay; copies of the store are as they were";
        if done.objects > 0 {
            let objects = plural(done.objects, "object");
            writeln!(terminal.out, "  {objects} of recordings: runs that need them cannot be derived again")?;
        }
        writeln!(terminal.out, "pages, answers and reports of these runs are gone; {left}")?;
        return Ok(Exit::Done);
    }
    let leaf = args.leaf.unwrap_or_default();
    let states = engine.redact(leaf, &args.by, &args.why)? as u64;
    if terminal.common.json {
        terminal.json(&json!({ "leaf": leaf, "states": states }))?;
    } else {
        let left = "plans, pages and recordings are as they were; --holder goes through them too";
        writeln!(terminal.out, "removed {} that leaf {leaf} commits to; {left}", plural(states, "thing"))?;
    }
    Ok(Exit::Done)
}
