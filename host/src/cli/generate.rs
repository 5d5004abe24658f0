//! `trueup generate`: an estate to try things on.

use serde_json::json;

use super::args::GenerateArgs;
use super::exit::{Exit, Failure, Outcome};
use super::style::{BOLD, CYAN, paint, plural};
use super::{Terminal, estate};
use crate::generate::{Estate, Options, Shape};

/// `trueup generate`.
pub(super) fn generate(terminal: &mut Terminal<'_>, args: &GenerateArgs) -> Outcome {
    let (profile, day) = (args.profile, args.day);
    let shape = Shape { churn: args.churn, bulk_day: args.bulk.unwrap_or_default(), ..profile.shape() };
    let options = Options { mess: args.mess.iter().copied().collect(), ..Options::default() };
    let made = Estate::with(shape, args.seed, options);
    if let Some(kind) = args.mess.iter().find(|kind| !made.targets().any(|target| target == kind.target())) {
        let error =
            anyhow::anyhow!("`{}` needs `{}`, which profile `{}` does not have", kind.name(), kind.target(), profile.name());
        return Err(Failure::new(Exit::Usage, error, "choose a profile with more targets, such as `demo` or `s`"));
    }
    if std::fs::read_dir(&args.dir).is_ok_and(|mut entries| entries.next().is_some()) {
        let error = anyhow::anyhow!("`{}` is not empty", args.dir.display());
        return Err(Failure::new(Exit::Usage, error, "name a folder that does not exist yet"));
    }
    std::fs::create_dir_all(&args.dir)?;
    let module = std::path::absolute(&args.module)?;
    estate::write_day(&made, day, &args.dir, &module)?;
    let rows = estate::seed(&made, day, &args.dir)?;
    if terminal.common.json {
        terminal.json(&json!({ "dir": args.dir, "profile": profile.name(), "seed": args.seed, "day": day, "observed": rows, "as_of": Estate::instant(day) }))?;
        return Ok(Exit::Done);
    }
    writeln!(terminal.out, "{} in {}: {} in its targets", paint(BOLD, "an estate"), args.dir.display(), plural(rows, "row"))?;
    let command = format!("cd {} && trueup plan --as-of {}", args.dir.display(), Estate::instant(day));
    writeln!(terminal.out, "look at its first plan: {}", paint(CYAN, command))?;
    Ok(Exit::Done)
}
