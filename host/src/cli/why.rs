//! `trueup audit why CHANGE`: the chain from the source record to the evidence.

use clap::Args;

use super::exit::{Exit, Outcome};
use super::moment::{self, command, state_words};
use super::style::{BOLD, DIM, GREEN, RED, YELLOW, count, paint, plural, safe};
use super::{Terminal, open};
use crate::discover::Completeness;
use crate::engine::{Kept, Why};
use crate::model::Lane;

/// Options of `audit why`.
#[derive(Debug, Args)]
#[command(after_help = "Example: trueup audit why 8f31c2")]
pub struct WhyArgs {
    /// The beginning of the change's id, as `plan`, `holds` and `audit history` print it.
    pub change: String,
}

/// `trueup audit why`.
pub(super) fn why(terminal: &mut Terminal<'_>, args: &WhyArgs) -> Outcome {
    let why = open::signer(terminal)?.why(&args.change)?;
    if terminal.common.json {
        terminal.json(&why)?;
        return Ok(Exit::Done);
    }
    let what = format!("{} {}", why.op, safe(&why.case.to_string()));
    writeln!(
        terminal.out,
        "{}  change {}, tier {}, life {}",
        paint(BOLD, what),
        why.change.0.short(),
        why.tier,
        why.incarnation
    )?;
    writeln!(terminal.out, "  from {} to {}", state_words(&why.before), state_words(&why.after))?;
    sources(terminal, &why)?;
    decided(terminal, &why)?;
    heading(terminal, "what happened")?;
    for one in &why.moments {
        writeln!(terminal.out, "  {}", moment::line(one, false))?;
    }
    if why.moments.is_empty() {
        writeln!(terminal.out, "  nothing yet: it was planned, and not sent")?;
    }
    if let Some((leaf, slice)) = why.slice {
        writeln!(terminal.out, "  {}", paint(DIM, format_args!("its plan was settled up to slice {slice} by leaf #{leaf}")))?;
    }
    attachments(terminal, &why)?;
    proofs(terminal, &why)?;
    Ok(Exit::Done)
}

fn heading(terminal: &mut Terminal<'_>, text: &str) -> Outcome<()> {
    Ok(writeln!(terminal.out, "\n{}", paint(BOLD, text))?)
}

fn sources(terminal: &mut Terminal<'_>, why: &Why) -> Outcome<()> {
    if why.plans.is_empty() && why.record.is_empty() {
        return Ok(());
    }
    heading(terminal, "what sources said")?;
    if !why.record.is_empty() {
        writeln!(terminal.out, "  record {}", safe(&why.record))?;
    }
    for row in &why.sources {
        let place = if row.line == 0 { safe(&row.place) } else { format!("{}:{}", safe(&row.place), row.line) };
        let record = if row.record.is_empty() { String::new() } else { format!(", record {}", safe(&row.record)) };
        let approver = if row.approver.is_empty() { String::new() } else { format!(", approved by {}", safe(&row.approver)) };
        writeln!(terminal.out, "  source {} desires it: {place}{record}{approver}, read {}", safe(&row.source), row.read_at)?;
    }
    match (why.pages_kept, why.sources.is_empty()) {
        (true, true) => writeln!(terminal.out, "  no source listed it in the newest run that planned it")?,
        (false, _) if !why.plans.is_empty() => {
            writeln!(
                terminal.out,
                "  {}",
                paint(DIM, "the rows themselves are no longer kept; the digest of all facts pins them")
            )?;
        }
        _ => {}
    }
    for scan in &why.scans {
        let trust = match &scan.completeness {
            Completeness::Complete => "complete".to_owned(),
            Completeness::Incomplete { why } => format!("incomplete: {}", safe(why)),
            Completeness::Stale => "too old to be believed".to_owned(),
            Completeness::Shrunk { lost, of } => format!("lost {} of {} rows", count(*lost), count(*of)),
        };
        let words = format_args!(
            "scan of {} read {}, {}, {trust}, digest {}",
            safe(&scan.source),
            scan.read_at,
            plural(scan.rows, "row"),
            scan.digest.short()
        );
        writeln!(terminal.out, "  {}", paint(DIM, words))?;
    }
    Ok(())
}

fn decided(terminal: &mut Terminal<'_>, why: &Why) -> Outcome<()> {
    heading(terminal, "who decided")?;
    let reason = if why.reason.text.is_empty() {
        safe(&why.reason.code)
    } else {
        format!("{} ({})", safe(&why.reason.text), safe(&why.reason.code))
    };
    writeln!(terminal.out, "  because: {reason}")?;
    for planning in &why.plans {
        let (inputs, run) = (&planning.inputs, planning.run);
        let amended = if inputs.amends.is_some() { ", an amendment" } else { "" };
        writeln!(
            terminal.out,
            "  {run} of {}: plan {}{amended}, line {}, wave {}, as of {}",
            planning.began,
            planning.plan.0.short(),
            count(planning.place + 1),
            planning.line.wave.0,
            inputs.as_of
        )?;
        let words = format_args!(
            "rule {}, wasm {}, profile {}; facts {}, settings {}, verdicts {}",
            safe(&inputs.rule),
            inputs.rule_module.short(),
            inputs.profile,
            inputs.facts.short(),
            inputs.settings.short(),
            inputs.verdicts.short()
        );
        writeln!(terminal.out, "    {}", paint(DIM, words))?;
    }
    if why.plans_omitted > 0 {
        writeln!(terminal.out, "  {}", paint(DIM, format_args!("… and {} in between", plural(why.plans_omitted, "plan"))))?;
    }
    if why.plans.is_empty() && why.lane != Lane::Emergency {
        writeln!(terminal.out, "  no plan of it is kept")?;
    }
    for note in &why.notes {
        writeln!(terminal.out, "  {} {}", paint(YELLOW, "·"), safe(note))?;
    }
    Ok(())
}

fn attachments(terminal: &mut Terminal<'_>, why: &Why) -> Outcome<()> {
    if why.attachments.is_empty() {
        return Ok(());
    }
    heading(terminal, "what people attached")?;
    for file in &why.attachments {
        let kept = match file.kept {
            Kept::Sound => paint(GREEN, "as it was attached"),
            Kept::Redacted => "redacted".to_owned(),
            kept => paint(RED, kept.name()),
        };
        writeln!(terminal.out, "  #{} {} by {}: {}, {kept}", file.leaf, file.at, safe(&file.by), safe(&file.note))?;
        let words = format_args!("{}, {} bytes, sha256 {}", safe(&file.file.media), count(file.file.size), file.file.digest);
        writeln!(terminal.out, "    {}", paint(DIM, words))?;
        if file.kept != Kept::Redacted {
            writeln!(terminal.out, "    {}", paint(DIM, file.path.display()))?;
        }
    }
    Ok(())
}

fn proofs(terminal: &mut Terminal<'_>, why: &Why) -> Outcome<()> {
    heading(terminal, "what proves it")?;
    writeln!(terminal.out, "  {}", moment::verified(why.log))?;
    if let Some(log) = &why.beginning {
        writeln!(terminal.out, "  {}", moment::beginning(log))?;
    }
    match &why.checkpoint {
        Some(checkpoint) => {
            let covers = if checkpoint.covers_all { "covers every leaf above" } else { "does not cover every leaf above yet" };
            let name = safe(&checkpoint.origin);
            writeln!(terminal.out, "  the checkpoint of `{name}` over {} leaves {covers}", count(checkpoint.head.size))?;
            let leaves: Vec<u64> = why.moments.iter().filter_map(|moment| moment.leaf).collect();
            if let Some(last) = leaves.last() {
                let text = format!("trueup audit prove {last} --out leaf-{last}.proof");
                writeln!(terminal.out, "  each can be shown to others: {}", command(&text))?;
            }
        }
        None => writeln!(terminal.out, "  no key signs this log: nothing can be proved to others; see `trueup audit key new`")?,
    }
    Ok(())
}
