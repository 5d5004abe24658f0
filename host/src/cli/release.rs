//! `trueup release`: opens gates, by name and with a reason, on the record.

use serde_json::json;

use super::args::ReleaseArgs;
use super::exit::{Exit, Failure, Outcome};
use super::style::{BOLD, CYAN, paint, plural};
use super::{Terminal, open};
use crate::engine::Release;
use crate::model::GateKind;

/// `trueup release`.
pub(super) fn release(terminal: &mut Terminal<'_>, args: &ReleaseArgs) -> Outcome {
    let gate = args.gate.as_deref().map(gate).transpose()?;
    let mut release = Release::default();
    release.changes.clone_from(&args.changes);
    release.gate = gate;
    release.scans.clone_from(&args.scan);
    release.all = args.all;
    release.force = args.force;
    release.by.clone_from(&args.by);
    release.why.clone_from(&args.why);
    let opened = open::engine(terminal)?.release(&release)?;
    if terminal.common.json {
        terminal.json(&json!({ "opened": opened }))?;
        return Ok(Exit::Done);
    }
    if opened.is_empty() {
        writeln!(terminal.out, "nothing waits there")?;
        return Ok(Exit::Done);
    }
    let scans = opened.iter().filter(|opening| opening.gate == GateKind::Shrink).count();
    writeln!(terminal.out, "{} {}", paint(BOLD, "opened"), plural(opened.len() as u64, "gate"))?;
    if opened.len() > scans {
        writeln!(terminal.out, "commit what passed with {}", paint(CYAN, "trueup resume"))?;
    }
    if scans > 0 {
        writeln!(terminal.out, "plan with the released scan: {}", paint(CYAN, "trueup run"))?;
    }
    Ok(Exit::Done)
}

fn gate(name: &str) -> Outcome<GateKind> {
    GateKind::ALL.into_iter().find(|gate| gate.name() == name).ok_or_else(|| {
        let names = GateKind::ALL.map(GateKind::name).join(", ");
        Failure::new(Exit::Usage, anyhow::anyhow!("there is no gate `{name}`"), format!("gates are {names}"))
    })
}
