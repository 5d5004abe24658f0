//! `trueup generate`: an estate to try things on.

use serde_json::json;

use super::args::GenerateArgs;
use super::exit::{Exit, Failure, Outcome};
use super::style::{BOLD, CYAN, paint, plural};
use super::{Terminal, estate};
use crate::generate::{DAYS, Estate, Profile};

/// `trueup generate`.
pub(super) fn generate(terminal: &mut Terminal<'_>, args: &GenerateArgs) -> Outcome {
    let profile: Profile = args
        .profile
        .parse()
        .map_err(|error: crate::generate::ProfileError| Failure::new(Exit::Usage, error, "`demo` is the one to begin with"))?;
    let day = u16::try_from(args.day).ok().filter(|day| *day <= DAYS).ok_or_else(|| {
        Failure::new(Exit::Usage, anyhow::anyhow!("there is no day {}", args.day), format!("days are 0 to {DAYS}"))
    })?;
    if std::fs::read_dir(&args.dir).is_ok_and(|mut entries| entries.next().is_some()) {
        let error = anyhow::anyhow!("`{}` is not empty", args.dir.display());
        return Err(Failure::new(Exit::Usage, error, "name a folder that does not exist yet"));
    }
    std::fs::create_dir_all(&args.dir)?;
    let module = std::path::absolute(&args.module)?;
    let made = Estate::new(profile, args.seed);
    estate::write_day(&made, day, &args.dir, &module)?;
    let rows = estate::seed(&made, day, &args.dir)?;
    if terminal.common.json {
        terminal.json(&json!({ "dir": args.dir, "profile": args.profile, "seed": args.seed, "day": day, "observed": rows, "as_of": Estate::instant(day) }))?;
        return Ok(Exit::Done);
    }
    writeln!(terminal.out, "{} in {}: {} in its targets", paint(BOLD, "an estate"), args.dir.display(), plural(rows, "row"))?;
    let command = format!("cd {} && trueup plan --as-of {}", args.dir.display(), Estate::instant(day));
    writeln!(terminal.out, "look at its first plan: {}", paint(CYAN, command))?;
    Ok(Exit::Done)
}
