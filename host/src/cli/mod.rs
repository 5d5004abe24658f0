//! The command line: one file per command. Prints only to the writers that it is given.

mod args;
mod attach;
mod audit;
mod config;
mod debt;
mod demo;
mod emergency;
mod estate;
mod events;
mod evidence;
mod exit;
mod explain;
mod generate;
mod history;
mod holds;
mod lift;
mod metrics;
mod moment;
mod open;
mod outcome;
mod performance;
mod plan;
mod progress;
mod prune;
mod redact;
mod release;
mod replay;
mod rollback;
mod rollout;
mod rule;
mod run;
mod status;
mod style;
#[cfg(test)]
mod tests;
mod who_has;
mod why;
mod wrap;

use std::io::Write;
use std::sync::Arc;

use clap::{CommandFactory as _, Parser as _};

pub use exit::Exit;

use args::{AuditCommand, Cli, Command, Common, RuleCommand};
use exit::{Failure, Outcome};

use crate::progress::{Observer, Silent};
use crate::telemetry::Metrics;

/// Where a command prints, and how.
pub(crate) struct Terminal<'a> {
    /// Results.
    pub(crate) out: &'a mut dyn Write,
    /// Options of every command.
    pub(crate) common: &'a Common,
    /// Is told of progress besides whoever watches this terminal.
    pub(crate) listener: Arc<dyn Observer>,
    /// What the command's engine counted, once it has one.
    pub(crate) metrics: std::cell::OnceCell<Arc<Metrics>>,
}

impl Terminal<'_> {
    /// Prints one JSON value and a line end.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> Outcome<()> {
        serde_json::to_writer_pretty(&mut *self.out, value).map_err(std::io::Error::from)?;
        Ok(writeln!(self.out)?)
    }
}

/// Runs this process's command line on its own terminal: colour where there is one, plain text elsewhere.
pub fn process() -> std::process::ExitCode {
    process_observed_by(Arc::new(Silent))
}

/// The same for a program that is more than the command line: this observer is told of every step too, after it was shown.
pub fn process_observed_by(listener: Arc<dyn Observer>) -> std::process::ExitCode {
    // No command of people: what it writes is machine code, for the process that started it.
    if std::env::args_os().skip(1).eq([open::COMPILE]) {
        return crate::rule::compile_here();
    }
    let mut out = std::io::BufWriter::new(anstream::stdout().lock());
    // Not locked: progress is told from other threads meanwhile.
    let mut err = anstream::stderr();
    command_line(std::env::args_os(), &mut out, &mut err, listener).into()
}

fn command_line(
    args: impl IntoIterator<Item = std::ffi::OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
    listener: Arc<dyn Observer>,
) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, out, err),
    };
    let json = cli.common.json;
    let mut terminal = Terminal { out, common: &cli.common, listener, metrics: std::cell::OnceCell::new() };
    let done = dispatch(&mut terminal, cli.command);
    // Also of a command that failed.
    let written = metrics::write(&terminal);
    match done.and_then(|exit| written.map(|()| exit)).and_then(|exit| Ok(terminal.out.flush().map(|()| exit)?)) {
        Ok(exit) => exit,
        Err(failure) if is_closed_pipe(&failure) => Exit::Done,
        Err(failure) => {
            let exit = failure.exit;
            // Nobody is left to tell when standard error is closed; the exit code still says it.
            let _closed = report(&failure, json, err);
            exit
        }
    }
}

fn usage(error: &clap::Error, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let text = error.render();
    // Nobody is left to tell when the terminal is gone; the exit code still says it.
    if error.use_stderr() {
        let _closed = write!(err, "{}", text.ansi());
        return Exit::Usage;
    }
    let _closed = write!(out, "{}", text.ansi());
    Exit::Done
}

fn report(failure: &Failure, json: bool, err: &mut dyn Write) -> std::io::Result<()> {
    let message = style::safe(&failure.message());
    if json {
        let value =
            serde_json::json!({ "error": message, "help": failure.help, "exit": failure.exit as u8, "code": failure.code });
        return writeln!(err, "{value}");
    }
    let code = failure.code.map(|code| format!("[{code}]")).unwrap_or_default();
    writeln!(err, "{} {message}", style::paint(style::RED, format_args!("error{code}:")))?;
    match &failure.help {
        Some(help) => writeln!(err, "{} {help}", style::paint(style::CYAN, "help:")),
        None => Ok(()),
    }
}

fn is_closed_pipe(failure: &Failure) -> bool {
    failure.error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn dispatch(terminal: &mut Terminal<'_>, command: Command) -> Outcome {
    match command {
        Command::Demo(args) => demo::demo(terminal, &args),
        Command::Plan(args) => run::plan(terminal, &args),
        Command::Apply(args) => run::apply(terminal, &args),
        Command::Run(args) => run::run(terminal, &args),
        Command::Resume(args) => run::resume(terminal, &args),
        Command::Status => status::status(terminal),
        Command::Holds(args) => holds::holds(terminal, &args),
        Command::Release(args) => release::release(terminal, &args),
        Command::Revoke(args) => emergency::revoke(terminal, &args),
        Command::Replay(args) => replay::replay(terminal, &args),
        Command::Rollback(args) => rollback::rollback(terminal, &args),
        Command::Lift(args) => lift::lift(terminal, &args),
        Command::Debt(args) => debt::debt(terminal, &args),
        Command::Explain(args) => explain::explain(terminal, &args),
        Command::Rule(RuleCommand::Author(command)) => rule::dispatch(terminal, command),
        Command::Rule(RuleCommand::Wrap { module, out }) => wrap::wrap(terminal, &module, &out),
        Command::Rule(RuleCommand::Upload { file, signed }) => rollout::upload(terminal, &file, &signed),
        Command::Rule(RuleCommand::Shadow { module, signed }) => rollout::shadow(terminal, &module, &signed),
        Command::Rule(RuleCommand::Withdraw { signed }) => rollout::withdraw(terminal, &signed),
        Command::Rule(RuleCommand::Promote { module, unseen, signed }) => rollout::promote(terminal, &module, unseen, &signed),
        Command::Rule(RuleCommand::Rollback { signed }) => rollout::rollback(terminal, &signed),
        Command::Rule(RuleCommand::List { show }) => rollout::list(terminal, show),
        Command::Audit(AuditCommand::Verify(args)) => audit::verify(terminal, &args),
        Command::Audit(AuditCommand::Checkpoint) => evidence::checkpoint(terminal),
        Command::Audit(AuditCommand::Prove(args)) => evidence::prove(terminal, &args),
        Command::Audit(AuditCommand::Redact(args)) => redact::redact(terminal, &args),
        Command::Audit(AuditCommand::Export { dir }) => evidence::export(terminal, &dir),
        Command::Audit(AuditCommand::Events(args)) => events::events(terminal, &args),
        Command::Audit(AuditCommand::ExportEvents(args)) => events::export(terminal, &args),
        Command::Audit(AuditCommand::Key(command)) => evidence::key(terminal, &command),
        Command::Audit(AuditCommand::WhoHas(args)) => who_has::who_has(terminal, &args),
        Command::Audit(AuditCommand::Performance(args)) => performance::performance(terminal, &args),
        Command::Audit(AuditCommand::History(args)) => history::history(terminal, &args),
        Command::Audit(AuditCommand::Why(args)) => why::why(terminal, &args),
        Command::Audit(AuditCommand::Prune(args)) => prune::prune(terminal, &args),
        Command::Audit(AuditCommand::Attach(args)) => attach::attach(terminal, &args),
        Command::Audit(AuditCommand::Log { from, count }) => audit::log(terminal, from, count),
        Command::Generate(args) => generate::generate(terminal, &args),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "trueup", &mut terminal.out);
            Ok(Exit::Done)
        }
    }
}
