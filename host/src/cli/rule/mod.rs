//! The commands of rule authors, one file each.

mod args;
mod bench;
mod capture;
mod coverage;
mod diff;
mod explain;
mod inspect;
mod new;
mod profile;
mod test;

use std::path::Path;

pub(super) use args::AuthorCommand;
pub(super) use diff::tell;

use super::Terminal;
use super::exit::{Exit, Failure, Outcome};

/// `trueup rule …` of an author.
pub(super) fn dispatch(terminal: &mut Terminal<'_>, command: AuthorCommand) -> Outcome {
    match command {
        AuthorCommand::New(args) => new::new(terminal, &args),
        AuthorCommand::Build(args) => test::build(terminal, &args.dir, args.out.as_deref()),
        AuthorCommand::Test(args) => test::test(terminal, &args),
        AuthorCommand::Explain(args) => explain::explain(terminal, &args),
        AuthorCommand::Inspect(args) => inspect::inspect(terminal, &args),
        AuthorCommand::Check(args) => inspect::check(terminal, &args),
        AuthorCommand::Diff(args) => diff::diff(terminal, &args),
        AuthorCommand::Bench(args) => bench::bench(terminal, &args),
        AuthorCommand::Profile(args) => profile::profile(terminal, &args),
        AuthorCommand::Watch(args) => bench::watch(terminal, &args),
        AuthorCommand::Coverage(args) => coverage::coverage(terminal, &args),
        AuthorCommand::Capture(args) => capture::capture(terminal, &args),
    }
}

/// Writes a file that was asked for.
fn write_page(path: &Path, text: &str) -> Outcome<()> {
    std::fs::write(path, text).map_err(|error| {
        let message = anyhow::Error::new(error).context(format!("cannot write `{}`", path.display()));
        Failure::new(Exit::Unwritable, message, "choose another place")
    })
}
