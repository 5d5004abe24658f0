//! The commands of rule authors as clap sees them. Owns names, help texts and defaults; does nothing.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What an author does with a rule before it is uploaded.
#[derive(Debug, Subcommand)]
pub enum AuthorCommand {
    /// Begin a new rule: a crate with a rule, its cases and a test that passes.
    New(NewArgs),
    /// Compile a rule crate to a component.
    Build(BuildArgs),
    /// Run a rule crate's cases natively and as the shipped component, and compare.
    Test(TestArgs),
    /// What an error code means and what to do about it; or why the component answers one case as it does.
    Explain(ExplainArgs),
    /// What a component says of itself: rule, contract, imports, columns, settings, reasons.
    Inspect(InspectArgs),
    /// Whether a vendor's limits admit a component, and how much of each it uses.
    Check(CheckArgs),
    /// What another version of the rule would decide, grouped by reason and tier, the worst first; writes nothing but a report.
    Diff(DiffArgs),
    /// What judging each case file costs: time, fuel, memory.
    Bench(BenchArgs),
    /// Where the rule spends its fuel over its cases, function by function.
    Profile(super::profile::ProfileArgs),
    /// Test again after each save.
    Watch(WatchArgs),
    /// Which reasons, effects and branches the cases reach.
    Coverage(CoverageArgs),
    /// Turn cases that the newest plan saw into a case file.
    Capture(CaptureArgs),
}

/// Options of `rule new`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  trueup rule new dormant-admins\n  cd dormant-admins && trueup rule test")]
pub struct NewArgs {
    /// The rule's name, lower case with hyphens; the folder is called so too.
    pub name: String,
    /// Where the guest kit comes from: the folder `guest-sdk` of a checkout of trueup, or the address of a git repository. Inside
    /// of a checkout, or with a program that was built in one, it is found.
    #[arg(long, value_name = "PATH")]
    pub sdk: Option<String>,
}

/// Options of `rule build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// The crate's folder.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Where to write the component.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Options of `rule test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The crate's folder.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Rewrite what is expected: verdicts in case files, golden files, recorded fuel.
    #[arg(long)]
    pub bless: bool,
    /// Also show what each file cost, and what the rule logged.
    #[arg(short, long)]
    pub verbose: bool,
    /// Do not run the native tests.
    #[arg(long)]
    pub component_only: bool,
    /// A component that was built before: it must be the one that the sources give now.
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
}

/// Options of `rule explain`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  trueup rule explain TR0402\n  trueup rule explain git/ada/repo:payments --dir rules/my-rule"
)]
pub struct ExplainArgs {
    /// An error code such as `TR0402`; or a case, as its file and line (`cases/unused.json:14`) or its key (`git/ada/repo:payments`).
    pub what: String,
    /// The crate whose case it is.
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
}

/// Options of `rule inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The component.
    pub file: PathBuf,
}

/// Options of `rule check`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  trueup rule check my-rule.wasm --limits vendor.toml --cases rules/my-rule/cases")]
pub struct CheckArgs {
    /// The component.
    pub file: PathBuf,
    /// The vendor's limits: a configuration, or the keys of its `[rule.limits]` alone; the usual ones otherwise.
    #[arg(long, value_name = "FILE")]
    pub limits: Option<PathBuf>,
    /// Also measure judging, on the case files in this folder.
    #[arg(long, value_name = "DIR")]
    pub cases: Vec<PathBuf>,
}

/// Options of `rule diff`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  trueup rule diff new.wasm                         the configured rule beside this one, on the newest plan\n  \
trueup rule diff old.wasm new.wasm --on captured --html report.html"
)]
pub struct DiffArgs {
    /// The other version's component; or the old one and the new one.
    #[arg(value_name = "MODULE", num_args = 1..=2, required = true)]
    pub modules: Vec<PathBuf>,
    /// Compare on the case files in this folder, instead of on what the newest plan saw.
    #[arg(long, value_name = "DIR")]
    pub on: Option<PathBuf>,
    /// Also write a page for review and signature.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// List at most this many cases.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub show: usize,
    /// Return 10 when anything would be decided otherwise.
    #[arg(long)]
    pub exit_code: bool,
}

/// Options of `rule bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// The crate's folder.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// How often each file is judged.
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rounds: u32,
    /// Do not time the native function: it is compiled for that, optimised, which takes a while the first time.
    #[arg(long)]
    pub component_only: bool,
}

/// Options of `rule watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The crate's folder.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Also run the native tests each time, after the component.
    #[arg(long)]
    pub native: bool,
    /// Stop after so many rounds.
    #[arg(long, value_name = "N")]
    pub rounds: Option<u32>,
}

/// Options of `rule coverage`.
#[derive(Debug, Args)]
pub struct CoverageArgs {
    /// The crate's folder.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Also write a page.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Leave out the source: reasons and effects alone.
    #[arg(long)]
    pub no_source: bool,
}

/// Options of `rule capture`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  trueup rule capture cases/leavers.json --reason account-undesired --take 5 --pseudonyms")]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true))]
pub struct CaptureArgs {
    /// The case file to write; it must not exist.
    pub file: PathBuf,
    /// The identities of cases that are answered with this reason.
    #[arg(long, value_name = "CODE", group = "which")]
    pub reason: Option<String>,
    /// This identity.
    #[arg(long, value_name = "NAME", group = "which")]
    pub identity: Option<String>,
    /// At most so many identities.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub take: usize,
    /// Put made-up names in the place of holders, identities, owners and approvers. A rule that reads names may answer otherwise.
    #[arg(long)]
    pub pseudonyms: bool,
}
