//! `trueup replay`: derives the plan of a run again from what was recorded of it, and compares; or tells what another version of
//! the rule would have decided then.

use std::path::{Path, PathBuf};

use super::config::Config;
use super::exit::{Exit, Failure, Outcome};
use super::style::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, count, paint, plural, safe};
use super::{Terminal, open, rule};
use crate::engine::{EngineError, Recording, Recordings, ReplayVerdict, Replayed, Replaying};
use crate::model::RunId;
use crate::rule::{Module, RuleLimits};

/// Options of `replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trueup replay 12\n  trueup replay 12 --rule new.wasm --show 5\n  \
trueup replay 12 --store /mnt/backup/trueup-store --json\n\nExit codes: 0 the same, 14 diverged, 15 profile differs, \
16 not re-derivable, 17 a recorded object is damaged.")]
pub struct ReplayArgs {
    /// The run: `12` or `run-12`. Without it, the newest that was recorded.
    #[arg(value_parser = run, value_name = "RUN")]
    pub run: Option<RunId>,
    /// The folder of a store, or of a copy of one; then no configuration is needed.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// Replay a recording's text, as --save wrote it; then no store is needed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["run", "store", "rule", "save"])]
    pub text: Option<PathBuf>,
    /// Tell what this other version of the rule would have decided, instead of replaying.
    #[arg(long, value_name = "MODULE")]
    pub rule: Option<PathBuf>,
    /// The component that judged then, where the store no longer holds it.
    #[arg(long, value_name = "MODULE")]
    pub module: Option<PathBuf>,
    /// Write the recording with all that it names as text, instead of replaying.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rule", "module"])]
    pub save: Option<PathBuf>,
    /// Threads that work; zero: one per core.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// List at most this many differences.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub show: usize,
    /// With --rule: return 10 when anything would have been decided otherwise.
    #[arg(long)]
    pub exit_code: bool,
}

fn run(text: &str) -> Result<RunId, String> {
    let number = text.strip_prefix("run-").unwrap_or(text);
    number.parse().map(RunId).map_err(|_| "a run is a number, such as 12 or run-12".to_owned())
}

/// `trueup replay`.
pub(super) fn replay(terminal: &mut Terminal<'_>, args: &ReplayArgs) -> Outcome {
    if let Some(path) = &args.text {
        let text = std::fs::read(path).map_err(|error| unreadable(path, error))?;
        let module = args.module.as_deref().map(open::module).transpose()?;
        let how = Replaying { threads: args.threads, module: module.as_deref().cloned() };
        return tell(terminal, &Recordings::replay_text(&text, &how)?, args.show);
    }
    let store = match &args.store {
        Some(store) => store.clone(),
        None => Config::read(&terminal.common.config)?.store,
    };
    let recordings = Recordings::of(&store);
    let run = newest_or(&recordings, args.run)?;
    if let Some(path) = &args.save {
        return save(terminal, &recordings, run, path);
    }
    let recording = recordings.read(run)?;
    if let Some(path) = &args.rule {
        let other = load(&open::read(path)?, &recording)?;
        // A setting that the other version does not read any more is nothing to it.
        let known = |name: &String| other.settings().iter().any(|info| info.name == *name);
        let given = recording.settings.clone().into_iter().filter(|(name, _)| known(name)).collect();
        let settings = other.check_settings(&given).map_err(EngineError::from)?;
        let found = recordings.compare(run, &other, &settings, args.threads)?;
        return rule::tell(terminal, &found, args.show, args.exit_code);
    }
    let component = match &args.module {
        Some(path) => Some(open::read(path)?),
        None => recordings.component(recording.rule.module)?,
    };
    let module = component.map(|component| load(&component, &recording)).transpose()?;
    tell(terminal, &recordings.replay(run, &Replaying { threads: args.threads, module })?, args.show)
}

fn newest_or(recordings: &Recordings, run: Option<RunId>) -> Outcome<RunId> {
    let runs = recordings.runs()?;
    let told = match (runs.first(), runs.last()) {
        (Some(first), Some(last)) => format!("those of {first} to {last} are recorded that neither amend nor undo another plan"),
        _ => "nothing is recorded in this store".to_owned(),
    };
    let found = run.map_or_else(|| runs.last().copied(), |run| runs.contains(&run).then_some(run));
    found.ok_or_else(|| {
        let what = run.map_or_else(|| "any run".to_owned(), |run| run.to_string());
        Failure::new(Exit::NotFound, anyhow::anyhow!("there is no recording of {what}"), told)
    })
}

/// A component, under the limits that were recorded. Compiled anew: a copy of a store is not written.
fn load(component: &[u8], recording: &Recording) -> Outcome<Module> {
    let limits = serde_json::to_value(&recording.limits).and_then(serde_json::from_value);
    let limits: RuleLimits = limits.map_err(|error| {
        Failure::new(Exit::Recording, error, "the recording was written by another version of trueup; use that one")
    })?;
    Ok(Module::clone(&*open::load(component, None, &limits)?))
}

fn save(terminal: &mut Terminal<'_>, recordings: &Recordings, run: RunId, path: &Path) -> Outcome {
    let unwritable = |error: std::io::Error| {
        let message = anyhow::Error::new(error).context(format!("cannot write `{}`", path.display()));
        Failure::new(Exit::Unwritable, message, "choose another place with --save")
    };
    let mut text = Vec::new();
    recordings.write_text(run, &mut text)?;
    std::fs::write(path, &text).map_err(unwritable)?;
    let bytes = text.len() as u64;
    if terminal.common.json {
        terminal.json(&serde_json::json!({ "run": run, "file": path, "bytes": bytes }))?;
    } else {
        writeln!(terminal.out, "{} {} ({} bytes)", paint(GREEN, "wrote"), path.display(), count(bytes))?;
    }
    Ok(Exit::Done)
}

fn unreadable(path: &Path, error: std::io::Error) -> Failure {
    let error = anyhow::Error::new(error).context(format!("cannot read `{}`", path.display()));
    Failure::new(Exit::NotFound, error, "`trueup replay RUN --save FILE` writes one")
}

fn tell(terminal: &mut Terminal<'_>, found: &Replayed, show: usize) -> Outcome {
    let exit = match found.verdict {
        ReplayVerdict::Same => Exit::Done,
        ReplayVerdict::Diverged => Exit::Diverged,
        ReplayVerdict::ProfileDiffers => Exit::ProfileDiffers,
        _ => Exit::NotRederivable,
    };
    if terminal.common.json {
        terminal.json(found)?;
        return Ok(exit);
    }
    let colour = match found.verdict {
        ReplayVerdict::Same => GREEN,
        ReplayVerdict::Diverged => RED,
        _ => YELLOW,
    };
    let Replayed { run, plan, as_of, rule, .. } = found;
    let verdict = match found.why {
        why @ ("redacted" | "gone") => format!("{} ({why})", found.verdict.name()),
        _ => found.verdict.name().to_owned(),
    };
    writeln!(terminal.out, "{run} as of {as_of} by {}: {}", safe(rule), paint(BOLD, paint(colour, verdict)))?;
    let sizes = format!("{} in {}", plural(found.cases, "case"), batches(found.batches));
    match found.level {
        0 => {}
        1 => writeln!(terminal.out, "  level 1: {sizes} decided and planned again from recorded answers")?,
        level => writeln!(terminal.out, "  level {level}: {sizes} judged again, decided and planned again")?,
    }
    if found.verdict == ReplayVerdict::Same {
        writeln!(terminal.out, "  plan {} is equal byte for byte", paint(CYAN, plan.0.short()))?;
    }
    let object = found.object.get(..12).unwrap_or_default();
    match found.why {
        "redacted" => writeln!(terminal.out, "  object {object} was redacted: what it held is nowhere any more")?,
        "gone" => writeln!(terminal.out, "  object {object} is not there; look for it in another copy of the store")?,
        "planner" => {
            let planner = found.planner;
            writeln!(terminal.out, "  it was planned by version {planner} of the planner, which this trueup does not keep")?;
        }
        "module" => writeln!(terminal.out, "  the rule's component is not here, so that it did not judge again; see --module")?,
        _ => {}
    }
    if found.level == 3 {
        writeln!(terminal.out, "  the rule judged under another profile then; a limit fired in {}", batches(found.limits))?;
    }
    if found.unjudged > 0 {
        writeln!(terminal.out, "  {} had no word of the rule: it rested, or was interrupted", batches(found.unjudged))?;
    }
    for one in found.divergences.iter().take(show) {
        let (case, column) = (safe(&one.case), safe(&one.column));
        writeln!(terminal.out, "  {case}  {}", paint(BOLD, column))?;
        writeln!(terminal.out, "    {} {}", paint(DIM, "recorded:"), word(&one.recorded))?;
        writeln!(terminal.out, "    {}     {}", paint(DIM, "came:"), word(&one.came))?;
    }
    let rest = found.differences.saturating_sub(found.divergences.len().min(show) as u64);
    if rest > 0 {
        writeln!(terminal.out, "  {}", paint(DIM, format_args!("and {} more", plural(rest, "difference"))))?;
    }
    Ok(exit)
}

fn word(text: &str) -> String {
    if text.is_empty() { "no answer".to_owned() } else { safe(text) }
}

fn batches(number: u64) -> String {
    if number == 1 { "1 batch".to_owned() } else { format!("{} batches", count(number)) }
}
