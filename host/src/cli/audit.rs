//! `trueup audit verify` and `trueup audit log`.

use serde_json::{Value, json};

use super::args::ProofArgs;
use super::exit::{Exit, Failure, Outcome};
use super::style::{BOLD, DIM, GREEN, count, paint, plural, safe};
use super::{Terminal, evidence, open};
use crate::engine::{EngineError, Kept};
use crate::ledger::{LeafKind, StoredLeaf};

/// `trueup audit verify`.
pub(super) fn verify(terminal: &mut Terminal<'_>, args: &ProofArgs) -> Outcome {
    if let Some(file) = &args.proof {
        return evidence::verify_proof(terminal, args, file);
    }
    let engine = open::signer(terminal)?;
    let kept = evidence::kept(&engine, args)?;
    let verified = engine.verify_log_against(&kept)?.map_err(|error| {
        Failure::new(Exit::Audit, error, "the log was changed outside trueup, or the disk is failing; restore it from a copy")
    })?;
    let files = if verified.by_kind.contains_key(&LeafKind::Attachment) { engine.attachments()? } else { Vec::new() };
    if let Some(file) = files.iter().find(|file| matches!(file.kept, Kept::Missing | Kept::Altered)) {
        let error =
            anyhow::anyhow!("the file that leaf {} attaches is {}: `{}`", file.leaf, file.kept.name(), file.path.display());
        return Err(Failure::new(
            Exit::Audit,
            error,
            "the log itself verifies; bring the file back from a copy, or redact the leaf",
        ));
    }
    let kept = files.iter().filter(|file| file.kept == Kept::Sound).count() as u64;
    let whole = engine.verify_store()?;
    if terminal.common.json {
        let (pruned, cut) = (verified.pruned, &verified.cut);
        terminal.json(&json!({ "pruned": pruned, "cut": cut, "verified": true, "leaves": verified.head.size, "root": verified.head.root, "by_kind": verified.by_kind, "redacted": verified.redacted, "foreign": verified.foreign, "whole": whole, "attachments": kept }))?;
        return Ok(Exit::Done);
    }
    let leaves = format!("{} leaves", count(verified.head.size));
    writeln!(terminal.out, "{}  {leaves}, root {}", paint(GREEN, "the audit log verifies"), verified.head.root)?;
    for (kind, number) in &verified.by_kind {
        writeln!(terminal.out, "  {:>10} {}", count(*number), kind.name())?;
    }
    if let Some(cut) = &verified.cut {
        let (gone, by) = (count(verified.pruned), safe(&cut.by));
        writeln!(terminal.out, "  {gone:>10} pruned before leaf {}, says leaf {} by {by}", count(cut.before), count(cut.leaf))?;
    }
    if !files.is_empty() {
        let redacted = count(files.len() as u64 - kept);
        writeln!(terminal.out, "attachments: {} as attached, {redacted} redacted", plural(kept, "file"))?;
    }
    let (plans, files) = (plural(whole.plans, "plan"), plural(whole.files, "other file"));
    writeln!(terminal.out, "{}  each row of the ledger, {plans}, {files}", paint(GREEN, "the store is whole"))?;
    if verified.redacted + whole.redacted > 0 {
        let (states, plans) = (plural(verified.redacted, "state"), plural(whole.redacted, "plan"));
        writeln!(terminal.out, "{}", paint(DIM, format_args!("{states} and the lines of {plans} were redacted")))?;
    }
    Ok(Exit::Done)
}

/// `trueup audit log`.
pub(super) fn log(terminal: &mut Terminal<'_>, from: Option<u64>, wanted: u32) -> Outcome {
    let engine = open::reader(terminal)?;
    let size = engine.log_head()?.size;
    let from = from.unwrap_or(size.saturating_sub(u64::from(wanted)));
    let leaves = engine.leaves(from, wanted)?;
    if terminal.common.json {
        let leaves: Vec<Value> = leaves
            .iter()
            .map(|leaf| {
                let says = if leaf.is_pruned() { Value::Null } else { parse(&leaf.bytes)? };
                Ok(json!({ "index": leaf.index, "hash": leaf.hash, "leaf": says, "bodies": leaf.bodies }))
            })
            .collect::<Outcome<_>>()?;
        terminal.json(&leaves)?;
        return Ok(Exit::Done);
    }
    for StoredLeaf { index, bytes, bodies, hash } in &leaves {
        if bytes.is_empty() {
            writeln!(
                terminal.out,
                "{} {}",
                paint(BOLD, format_args!("#{index}")),
                paint(DIM, format_args!("pruned, hash {hash}"))
            )?;
            continue;
        }
        let leaf = parse(bytes)?;
        let text = |field: &str| leaf[field].as_str().map(safe).unwrap_or_default();
        writeln!(terminal.out, "{} {} {}", paint(BOLD, format_args!("#{index}")), text("time"), paint(BOLD, text("kind")))?;
        for (name, value) in leaf.as_object().into_iter().flatten() {
            if !matches!(name.as_str(), "time" | "kind" | "index" | "version" | "before" | "after") {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                writeln!(terminal.out, "    {name}: {}", paint(DIM, safe(&value)))?;
            }
        }
        for body in bodies {
            let state = body.state.as_deref().unwrap_or("redacted");
            writeln!(terminal.out, "    {}: {}", body.field, paint(DIM, safe(state)))?;
        }
    }
    Ok(Exit::Done)
}

fn parse(bytes: &[u8]) -> Outcome<Value> {
    serde_json::from_slice(bytes).map_err(|error| {
        let problem = EngineError::Damaged { path: "the audit log".into(), problem: error.to_string() };
        Failure::new(Exit::Audit, problem, "`trueup audit verify` names the first leaf that does not verify")
    })
}
