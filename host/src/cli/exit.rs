//! Exit codes and how an error is shown. Owns the mapping from every error of the library to one code and one help line.

use std::process::ExitCode;

use crate::author::Coded as _;
use crate::commit::CommitError;
use crate::discover::DiscoverError;
use crate::engine::EngineError;
use crate::export::ExportError;
use crate::ledger::LedgerError;
use crate::model::RolloutError;
use crate::notary::NotaryError;
use crate::plan::PlanError;
use crate::rule::AdmitError;

/// Advice where something cannot be written: a run that was interrupted by that is gone on with or replaced by the next one.
const ROOM: &str = "make room there, or allow writing there; then give the same command again: nothing is half done";

/// What the process tells the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Something that should not happen.
    Internal = 1,
    /// The command line is wrong (clap's own code).
    Usage = 2,
    /// The configuration is wrong.
    Config = 3,
    /// A source holds a row that cannot be understood.
    Input = 4,
    /// The rule module is refused.
    Module = 5,
    /// The ledger is in use.
    Busy = 6,
    /// The ledger is newer or damaged.
    Ledger = 7,
    /// There is no room, or no permission to write.
    Unwritable = 8,
    /// The plan cannot be applied.
    Plan = 9,
    /// With `--exit-code`: done, but something waits for a person, or would be decided otherwise.
    Waiting = 10,
    /// Case files and the rule disagree.
    Cases = 11,
    /// The audit log does not verify.
    Audit = 12,
    /// What was asked for does not exist.
    NotFound = 13,
    /// A replay came to something else than what was recorded.
    Diverged = 14,
    /// A replay came to something else, under another profile of the sandbox, where a limit fired.
    ProfileDiffers = 15,
    /// What a replay needs was redacted, is gone, or was made by a planner that is not kept.
    NotRederivable = 16,
    /// A recording is damaged.
    Recording = 17,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why a command failed, for people and for scripts.
#[derive(Debug)]
pub struct Failure {
    /// What the process returns.
    pub exit: Exit,
    /// What went wrong, outermost first.
    pub error: anyhow::Error,
    /// What to do about it.
    pub help: Option<String>,
    /// The stable code of what a rule's author can meet.
    pub code: Option<&'static str>,
}

/// Result of a command.
pub type Outcome<T = Exit> = Result<T, Failure>;

impl Failure {
    /// A failure with advice.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>, help: impl Into<String>) -> Self {
        Failure { exit, error: error.into(), help: Some(help.into()), code: None }
    }

    /// The same with a stable code.
    #[must_use]
    pub fn coded(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// The error with its causes, each once, joined by colons.
    #[must_use]
    pub fn message(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for cause in self.error.chain() {
            let text = cause.to_string();
            if parts.last().is_none_or(|last| !last.ends_with(&text)) {
                parts.push(text);
            }
        }
        parts.join(": ")
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure { exit: Exit::Unwritable, error: error.into(), help: None, code: None }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let (exit, help) = match &error {
            EngineError::Unknown { near, .. } => (Exit::NotFound, Some(look_alikes(near))),
            error => {
                let (exit, help) = classify(error);
                (exit, help.map(str::to_owned))
            }
        };
        let code = match &error {
            EngineError::Admit(error) => Some(error.code()),
            _ => None,
        };
        Failure { exit, error: error.into(), help, code }
    }
}

/// Advice where a name is not on record.
fn look_alikes(near: &[String]) -> String {
    let near: Vec<String> = near.iter().map(|name| format!("`{}`", super::style::safe(name))).collect();
    match near.is_empty() {
        true => "`trueup audit log` and `trueup plan` print the names that there are".to_owned(),
        false => format!("on record are, among others: {}", near.join(", ")),
    }
}

fn classify(error: &EngineError) -> (Exit, Option<&'static str>) {
    match error {
        EngineError::Discover(DiscoverError::Spool { .. })
        | EngineError::Store { .. }
        | EngineError::Plan(PlanError::Run { .. } | PlanError::Write(_))
        | EngineError::Commit(CommitError::NotDurable) => (Exit::Unwritable, Some(ROOM)),
        EngineError::Discover(DiscoverError::Config { .. }) => {
            (Exit::Config, Some("every key of a source is described in the README"))
        }
        EngineError::Discover(_) => (Exit::Input, Some("nothing was written; correct the source and run again")),
        EngineError::Link(_) | EngineError::Judge(_) => {
            (Exit::Module, Some("nothing was written; ask the author of the rule module"))
        }
        EngineError::Admit(AdmitError::Worker { .. }) => {
            (Exit::Internal, Some("nothing was run; try again where there is more memory, or fewer processes"))
        }
        EngineError::Admit(_) => (Exit::Module, Some("nothing was run; `trueup rule build` makes a module from a rule's crate")),
        EngineError::Rollout(RolloutError::NotCompared(_)) => (
            Exit::Module,
            Some("let it judge one plan first: `trueup rule shadow`, then `trueup plan`; or waive that with --unseen"),
        ),
        EngineError::Rollout(_) => (Exit::Module, Some("`trueup rule list` shows where each module stands")),
        EngineError::Settings(_) => (Exit::Config, Some("settings stand in `[rule.settings]` of the configuration")),
        EngineError::Ledger(error) | EngineError::Commit(CommitError::Ledger(error)) => of_ledger(error),
        EngineError::Notary(error) => of_notary(error),
        EngineError::Export(ExportError::Name { .. }) => (Exit::Config, Some("sinks stand in `[[export]]` of the configuration")),
        EngineError::Export(ExportError::Address { .. }) => {
            (Exit::Config, Some("an address is `http://IP:PORT/PATH`, such as that of a proxy on this host"))
        }
        EngineError::Export(ExportError::Leaf { .. }) => {
            (Exit::Audit, Some("`trueup audit verify` names the first leaf that does not verify"))
        }
        EngineError::Export(_) => {
            (Exit::Unwritable, Some("what was committed stands; its events are delivered by the next command"))
        }
        EngineError::Plan(_)
        | EngineError::Commit(CommitError::Plan(_) | CommitError::Order { .. } | CommitError::Lane { .. })
        | EngineError::ForeignPlan { .. }
        | EngineError::OtherTerms { .. } => (Exit::Plan, Some("make a new plan with `trueup plan`")),
        EngineError::UnknownTarget { .. } => (Exit::Config, Some("add a `[[target]]` with that name, or correct the source")),
        EngineError::PagesGone => {
            (Exit::NotFound, Some("a plan can be explained until the next run begins; make a new one with `trueup plan`"))
        }
        EngineError::Log(_) => (
            Exit::Audit,
            Some(
                "no question is answered from it; `trueup audit verify` names what is wrong, and a copy of the store may be sound",
            ),
        ),
        EngineError::Ambiguous { .. } => (Exit::NotFound, Some("write more of the id")),
        EngineError::BeforeLog { .. } | EngineError::NotYet { .. } => {
            (Exit::NotFound, Some("ask about a time between the first record and now"))
        }
        EngineError::Unreadable { .. } => (Exit::NotFound, Some("name a file that is there and may be read")),
        EngineError::AttachmentSize { .. } => (Exit::Usage, Some("attach the part of it that shows what matters")),
        EngineError::DamagedObject { .. } => {
            (Exit::Recording, Some("nothing is known of the run by this; replay it from another copy of the store"))
        }
        EngineError::Unsettled { .. } => {
            (Exit::Plan, Some("let it end with `trueup resume`, or make a new plan, which ends what it left open"))
        }
        EngineError::NotFound { .. } => (Exit::NotFound, Some("`trueup status` and `trueup holds` list what there is")),
        _ => (Exit::Internal, None),
    }
}

const fn of_ledger(error: &LedgerError) -> (Exit, Option<&'static str>) {
    match error {
        LedgerError::Busy { .. } => (Exit::Busy, Some("wait for the other run, or look at it with `trueup status`")),
        LedgerError::Newer { .. } => (Exit::Ledger, Some("use the version of trueup that wrote it, or a later one")),
        LedgerError::Unwritable { .. } => (Exit::Unwritable, Some(ROOM)),
        LedgerError::Absent { .. } => {
            (Exit::NotFound, Some("the first plan makes it: begin with `trueup plan`, which writes to no target"))
        }
        _ => (Exit::Ledger, Some("`trueup audit verify` tells how far the log can be trusted")),
    }
}

const fn of_notary(error: &NotaryError) -> (Exit, Option<&'static str>) {
    match error {
        NotaryError::Io { .. } => {
            (Exit::Unwritable, Some("what was committed stands; its checkpoint is signed by the next command"))
        }
        NotaryError::Shrunk { .. } | NotaryError::Forked { .. } | NotaryError::Emptied { .. } => (
            Exit::Audit,
            Some(
                "nothing is done on it but `trueup revoke`; restore the newest store, or begin a log of another name with new keys",
            ),
        ),
        NotaryError::Open { .. }
        | NotaryError::NoKeys { .. }
        | NotaryError::Exists { .. }
        | NotaryError::Key(_)
        | NotaryError::Address { .. } => (
            Exit::Config,
            Some("keys lie in the folder `audit.keys` of the configuration; `trueup audit key new` makes the first"),
        ),
        NotaryError::Pruned { .. } => {
            (Exit::NotFound, Some("a proof that was made earlier still verifies: `trueup audit verify --proof`"))
        }
        NotaryError::TooManyKeys { .. } => (Exit::Config, Some("`trueup audit key retire` ends a rotation")),
        NotaryError::Unsigned | NotaryError::Beyond { .. } => {
            (Exit::NotFound, Some("`trueup audit checkpoint` signs what is committed"))
        }
        _ => (Exit::Audit, Some("`trueup audit verify` tells how far the log can be trusted")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn whatever_a_full_disk_stops_has_one_code_and_one_advice() {
        let (path, full) = (PathBuf::from("store/x"), || Error::from(ErrorKind::StorageFull));
        let ledger = || LedgerError::Unwritable { path: path.clone(), problem: "database or disk is full".to_owned() };
        let errors = [
            DiscoverError::Spool { path: path.clone(), source: full() }.into(),
            PlanError::Run { path: path.clone(), source: full() }.into(),
            PlanError::Write(full()).into(),
            EngineError::Store { path: path.clone(), source: full() },
            ledger().into(),
            CommitError::Ledger(ledger()).into(),
            CommitError::NotDurable.into(),
        ];
        for error in errors {
            let failure = Failure::from(error);
            assert_eq!((failure.exit, failure.help.as_deref()), (Exit::Unwritable, Some(ROOM)), "{}", failure.message());
        }
    }
}
