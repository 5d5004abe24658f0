//! The command line as clap sees it. Owns names, help texts and defaults; does nothing.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::generate::{DAYS, MessKind, Profile};
use crate::limits::GENERATED_CHURN_PERCENT;

/// Trues up what access is with what it should be.
#[derive(Debug, Parser)]
#[command(name = "trueup", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done, 2 usage, 3 configuration, 4 source data, 5 rule module, 6 ledger in use, \
7 ledger damaged or newer, 8 no room or permission, 9 plan cannot be applied, 10 something waits or differs (with --exit-code), \
11 cases disagree, 12 audit log does not verify, 13 not found, 14 a replay diverged, 15 its profile differs, 16 it cannot be derived again, \
17 a recording is damaged, 1 anything else.")]
pub struct Cli {
    /// What every command understands.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Common {
    /// The configuration file.
    #[arg(short, long, global = true, default_value = "trueup.toml", value_name = "FILE")]
    pub config: PathBuf,
    /// Print JSON for machines instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// Write counts and durations here when the command ends, for the textfile collector of Prometheus.
    #[arg(long, global = true, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// How to show work in progress (on standard error).
    #[arg(long, global = true, value_enum, default_value_t = ProgressStyle::Auto, value_name = "STYLE")]
    pub progress: ProgressStyle,
}

/// How work in progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressStyle {
    /// Bars on a terminal, nothing elsewhere.
    Auto,
    /// One JSON object a line.
    Json,
    /// Nothing.
    None,
}

/// All commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// True up a generated organisation over a month, from nothing, in a temporary folder.
    Demo(DemoArgs),
    /// Discover, judge and seal a plan; write nothing to any target.
    Plan(PlanArgs),
    /// Commit a sealed plan exactly as it is.
    Apply(ApplyArgs),
    /// Plan and apply in one go.
    Run(PlanArgs),
    /// Go on with a run that was interrupted, or whose gates were opened.
    Resume(FinishArgs),
    /// What the last runs did and how far the open one is.
    Status,
    /// What waits for a person, and why.
    Holds(HoldsArgs),
    /// Open gates: let changes that wait be committed, or believe a scan that shrank.
    Release(ReleaseArgs),
    /// Take access away at once, ahead of a running job, and deny it until it is lifted.
    Revoke(RevokeArgs),
    /// Seal a plan that undoes what another plan did; write nothing to any target.
    Rollback(RollbackArgs),
    /// Derive the plan of a run again from what was recorded of it, and compare byte for byte; writes nothing.
    Replay(super::replay::ReplayArgs),
    /// End a denial, so that routine work may give the access again.
    Lift(LiftArgs),
    /// What should be cleaned up, how much of it there is, and how that changes from run to run.
    Debt(DebtArgs),
    /// Why one case is decided as it is.
    Explain(ExplainArgs),
    /// Build, test and roll out rule modules.
    #[command(subcommand)]
    Rule(RuleCommand),
    /// Verify and read the audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Write a generated estate: sources, targets and a configuration to run on.
    Generate(GenerateArgs),
    /// Print shell completions.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// Options of `plan` and `run`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The instant of the plan, instead of now (RFC 3339 or a date).
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub as_of: Option<crate::model::Time>,
    /// Also write the plan here.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// List at most this many changes.
    #[arg(long, default_value_t = 40, value_name = "N")]
    pub show: usize,
    /// Return 10 when something waits for a person.
    #[arg(long)]
    pub exit_code: bool,
}

/// Options of `apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A plan file, or the beginning of a plan's digest.
    pub plan: String,
    /// See `resume`.
    #[command(flatten)]
    pub finish: FinishArgs,
}

/// Options of what commits.
#[derive(Debug, Args)]
pub struct FinishArgs {
    /// Return 10 when something waits for a person.
    #[arg(long)]
    pub exit_code: bool,
}

/// Options of `holds`.
#[derive(Debug, Args)]
pub struct HoldsArgs {
    /// List at most this many cases.
    #[arg(long, default_value_t = 40, value_name = "N")]
    pub show: usize,
}

/// Options of `release`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub struct ReleaseArgs {
    /// Beginnings of change ids, as `holds` prints them.
    #[arg(group = "what", value_name = "CHANGE")]
    pub changes: Vec<String>,
    /// Every change that waits at this gate.
    #[arg(long, group = "what", value_name = "GATE")]
    pub gate: Option<String>,
    /// The shrunk scan of this source.
    #[arg(long, group = "what", value_name = "SOURCE")]
    pub scan: Vec<String>,
    /// All that waits, but what another writer manages.
    #[arg(long, group = "what")]
    pub all: bool,
    /// Also take over what another writer manages (the claim gate).
    #[arg(long)]
    pub force: bool,
    /// Who opens.
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// Why it is right.
    #[arg(long, value_name = "TEXT")]
    pub why: String,
}

/// Options of `revoke`.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The holder's native id.
    pub holder: String,
    /// Only in this target.
    #[arg(long, value_name = "TARGET")]
    pub target: Option<String>,
    /// Only this entitlement or credential, as `type:name`.
    #[arg(long, value_name = "OBJECT")]
    pub object: Option<String>,
    /// Who calls for it.
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub why: String,
    /// While another process writes: wait this many seconds for it to be done.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub wait: u64,
}

/// Options of `rollback`.
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// A plan file, or the beginning of a plan's digest.
    pub plan: String,
    /// Only changes whose ids begin like this; all that are confirmed otherwise.
    #[arg(long = "change", value_name = "CHANGE")]
    pub changes: Vec<String>,
    /// List at most this many changes.
    #[arg(long, default_value_t = 40, value_name = "N")]
    pub show: usize,
}

/// Options of `lift`.
#[derive(Debug, Args)]
pub struct LiftArgs {
    /// The holder's native id, as `status` prints it.
    pub holder: String,
    /// The system that the denial names; without it, the denial of every system.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub target: String,
    /// The entitlement or credential that the denial names; without it, the denial of everything.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub object: String,
    /// Who lifts it.
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// Why it is right.
    #[arg(long, value_name = "TEXT")]
    pub why: String,
}

/// Options of `debt`.
#[derive(Debug, Args)]
pub struct DebtArgs {
    /// List the worst cases of one kind.
    #[arg(value_parser = kind, value_name = "KIND")]
    pub kind: Option<crate::debt::Kind>,
    /// Look back at most this many runs.
    #[arg(long, default_value_t = 30, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=120))]
    pub runs: u32,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The case, as `target/holder/object`, or `target/holder` for an account.
    pub case: String,
}

/// Commands on rule modules.
#[derive(Debug, Subcommand)]
pub enum RuleCommand {
    /// What an author does with a rule before it is uploaded.
    #[command(flatten)]
    Author(super::rule::AuthorCommand),
    /// Wrap a core module that another language's compiler made.
    #[command(after_help = "Example: trueup rule wrap rule.core.wasm --out rule.wasm")]
    Wrap {
        /// The module, with the bindings of `wit/rules.wit` linked in.
        #[arg(value_name = "FILE")]
        module: PathBuf,
        /// Where to write the component.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Take in a module: check, compile and keep it. It does not decide yet.
    Upload {
        /// The component.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Who, and why.
        #[command(flatten)]
        signed: Signed,
    },
    /// Let an uploaded module judge each plan beside the one that decides; nothing follows from what it says.
    Shadow {
        /// The beginning of its digest, as `rule list` prints it.
        module: String,
        /// Who, and why.
        #[command(flatten)]
        signed: Signed,
    },
    /// End that a module judges beside.
    Withdraw {
        /// Who, and why.
        #[command(flatten)]
        signed: Signed,
    },
    /// Let an uploaded module decide from the next plan on.
    Promote {
        /// The beginning of its digest, as `rule list` prints it.
        module: String,
        /// Although it has not judged beside the one that decides now.
        #[arg(long)]
        unseen: bool,
        /// Who, and why.
        #[command(flatten)]
        signed: Signed,
    },
    /// Take the module back that decides: the one before it decides from the next plan on.
    Rollback {
        /// Who, and why.
        #[command(flatten)]
        signed: Signed,
    },
    /// Which modules there are, which decides, and every step that was taken.
    List {
        /// List at most this many steps, the newest.
        #[arg(long, default_value_t = 20, value_name = "N")]
        show: usize,
    },
}

/// Who takes a step, and why: both are written into the audit log.
#[derive(Debug, Args)]
pub struct Signed {
    /// Who does it.
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// Why it is right.
    #[arg(long, value_name = "TEXT")]
    pub why: String,
}

/// Commands on the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Recompute the whole log and compare it with its head and its checkpoints; or check one proof, offline.
    Verify(ProofArgs),
    /// Sign what is committed, print the newest checkpoint, and tell how far witnesses are behind.
    Checkpoint,
    /// Prove to others that a leaf is in the log, or that the log only grew.
    Prove(ProveArgs),
    /// Remove the states beside a leaf, or a holder from all that is kept; leaves and proofs stay, and other leaves say so.
    Redact(RedactArgs),
    /// Write the log as static tiles, for a server of files; what is there already stays.
    Export {
        /// The folder; made when it does not exist.
        dir: PathBuf,
    },
    /// Print leaves as events for collectors of security events, one JSON object a line.
    Events(super::events::EventsArgs),
    /// Push events to the configured sinks now, and tell how far each is behind.
    ExportEvents(super::events::ExportArgs),
    /// Make, rotate and show the keys that sign checkpoints.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Who held an entitlement at an instant, as last observed.
    WhoHas(super::who_has::WhoHasArgs),
    /// How fast access goes that should go: from the decision to the evidence.
    Performance(super::performance::PerformanceArgs),
    /// Everything that happened to the accounts of a person, a machine or a group.
    History(super::history::HistoryArgs),
    /// Why a change was made: from the source record to the evidence.
    Why(super::why::WhyArgs),
    /// Remove old leaves: what may go, and with --by and --why, removing it.
    Prune(super::prune::PruneArgs),
    /// Keep a file as evidence of a change: a ticket, a mail, a picture of a screen.
    Attach(super::attach::AttachArgs),
    /// Print leaves.
    Log {
        /// The first leaf; without it, the newest ones.
        #[arg(long, value_name = "INDEX")]
        from: Option<u64>,
        /// How many.
        #[arg(long, default_value_t = 20, value_name = "N")]
        count: u32,
    },
}

/// Options of `audit redact`.
#[derive(Debug, Args)]
#[command(after_help = "Example: trueup audit redact --holder ada@example.com --by grace --why 'request 4711'")]
pub struct RedactArgs {
    /// The leaf's index, as `audit log` prints it.
    #[arg(required_unless_present = "holder")]
    pub leaf: Option<u64>,
    /// A holder's native id: all its states, in leaves, plans, pages, answers and reports of settled runs.
    #[arg(long, value_name = "ID", conflicts_with = "leaf")]
    pub holder: Option<String>,
    /// Who asks for it.
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub why: String,
}

/// Options of `audit verify`.
#[derive(Debug, Args)]
pub struct ProofArgs {
    /// Check this proof instead of the log; needs no configuration and no store.
    #[arg(long, value_name = "FILE", requires = "keys", conflicts_with = "seen")]
    pub proof: Option<PathBuf>,
    /// A verifier key that is trusted: `name+hash+base64`.
    #[arg(long = "key", value_name = "KEY")]
    pub keys: Vec<String>,
    /// The log's name in its checkpoints, where it is not the first key's.
    #[arg(long, value_name = "NAME")]
    pub origin: Option<String>,
    /// The record, where the proof does not bring it along.
    #[arg(long, value_name = "FILE", requires = "proof")]
    pub record: Option<PathBuf>,
    /// Also hold the log against the checkpoints that a witness kept in this file.
    #[arg(long, value_name = "FILE")]
    pub seen: Vec<PathBuf>,
}

/// Options of `audit prove`.
#[derive(Debug, Args)]
pub struct ProveArgs {
    /// The leaf's index, as `audit log` prints it.
    #[arg(required_unless_present = "since")]
    pub leaf: Option<u64>,
    /// Prove that the log grew from this size without a change to what was there.
    #[arg(long, value_name = "SIZE", conflicts_with = "leaf")]
    pub since: Option<u64>,
    /// A folder of tiles of this log: reads a few files instead of the hashes of all leaves.
    #[arg(long, value_name = "DIR", conflicts_with = "since")]
    pub tiles: Option<PathBuf>,
    /// Write the proof here instead of printing it.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Commands on keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make the first key. Its name is the log's name in its checkpoints, for ever.
    New {
        /// A URL without a scheme that is yours, such as `example.com/audit/acme`.
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    /// Let a further key sign beside the present one, which signs for it in the log.
    Rotate {
        /// Its name, where it is not the log's.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// End a rotation: the newest key signs alone.
    Retire,
    /// Print the verifier keys, the oldest first.
    Show,
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The rule module that judges.
    #[arg(long, value_name = "FILE", default_value = "target/rules/standard.wasm")]
    pub module: PathBuf,
    /// Seed of the organisation.
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub seed: u64,
    /// Where to work; kept afterwards.
    #[arg(long, value_name = "DIR", default_value = "target/demo")]
    pub dir: PathBuf,
}

/// Options of `generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Where to write; made when it does not exist, and must be empty.
    pub dir: PathBuf,
    /// How large, and how skewed.
    #[arg(long, default_value = "demo", value_name = "PROFILE", ignore_case = true, value_parser = profiles())]
    pub profile: Profile,
    /// Seed: the same seed writes the same bytes.
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub seed: u64,
    /// The day of the month that the sources show; day 0 is the first.
    #[arg(long, default_value_t = 0, value_name = "DAY", value_parser = clap::value_parser!(u16).range(0..=i64::from(DAYS)))]
    pub day: u16,
    /// Grants that change on a day, in percent: 0 to 5.
    #[arg(long, default_value = "0.12", value_name = "PERCENT", value_parser = churn)]
    pub churn: u32,
    /// A day on which one grant in twenty ends at once, as after a reorganisation.
    #[arg(long, value_name = "DAY", value_parser = clap::value_parser!(u16).range(1..=i64::from(DAYS)))]
    pub bulk: Option<u16>,
    /// What is wrong with the files of the sources; several, separated by commas.
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = mess())]
    pub mess: Vec<MessKind>,
    /// The rule module that the written configuration names.
    #[arg(long, value_name = "FILE", default_value = "standard.wasm")]
    pub module: PathBuf,
}

fn profiles() -> impl TypedValueParser<Value = Profile> {
    let told = |profile: Profile| PossibleValue::new(profile.name()).help(profile.words());
    PossibleValuesParser::new(Profile::ALL.map(told)).try_map(|name| name.parse::<Profile>())
}

fn mess() -> impl TypedValueParser<Value = MessKind> {
    let told = |kind: MessKind| PossibleValue::new(kind.name()).help(kind.words());
    PossibleValuesParser::new(MessKind::ALL.map(told)).try_map(|name| {
        let found = MessKind::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| format!("nothing of that kind goes wrong: {name}"))
    })
}

/// A percentage as millionths.
fn churn(text: &str) -> Result<u32, String> {
    let percent = text.parse::<f64>().ok().filter(|percent| (0.0..=f64::from(GENERATED_CHURN_PERCENT)).contains(percent));
    let percent = percent.ok_or_else(|| format!("a percentage from 0 to {GENERATED_CHURN_PERCENT} is wanted, such as 0.12"))?;
    Ok((percent * 10_000.0).round() as u32)
}

fn kind(text: &str) -> Result<crate::debt::Kind, String> {
    let wanted = text.replace('-', "_");
    let names = || crate::debt::Kind::ALL.map(crate::debt::Kind::name).join(", ");
    let found = crate::debt::Kind::ALL.into_iter().find(|kind| kind.name() == wanted);
    found.ok_or_else(|| format!("kinds are {}", names()))
}

pub(super) fn instant(text: &str) -> Result<crate::model::Time, String> {
    crate::model::Time::parse(text).map_err(|error| error.to_string())
}
