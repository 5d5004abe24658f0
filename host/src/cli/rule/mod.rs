//! The commands of rule authors, one file each.

mod args;
mod coverage;
mod explain;
mod new;
mod test;

pub(super) use args::AuthorCommand;

use super::Terminal;
use super::exit::Outcome;

/// `trueup rule …` of an author.
pub(super) fn dispatch(terminal: &mut Terminal<'_>, command: AuthorCommand) -> Outcome {
    match command {
        AuthorCommand::New(args) => new::new(terminal, &args),
        AuthorCommand::Build(args) => test::build(terminal, &args.dir, args.out.as_deref()),
        AuthorCommand::Explain(args) => explain::explain(terminal, &args),
        AuthorCommand::Test(args) => test::test(terminal, &args),
    }
}
