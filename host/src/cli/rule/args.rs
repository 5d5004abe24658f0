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
