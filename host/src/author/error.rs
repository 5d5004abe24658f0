//! Why a rule could not be tried at all. What its cases show is no error: it is in the report.

use std::path::PathBuf;

use super::BuildError;
use crate::rule::{AdmitError, EngineError, SettingsError};

/// Why a rule could not be tried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorError {
    /// There is no component.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The host would not take it.
    #[error(transparent)]
    Admit(#[from] AdmitError),
    /// This machine cannot run rules.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Settings do not fit the rule.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Case files cannot be used.
    #[error(transparent)]
    Cases(#[from] trueup_cases::CaseError),
    /// The crate has no cases.
    #[error("`{0}` has no folder `cases`")]
    NoCases(PathBuf),
    /// A component is not what the sources give.
    #[error("`{0}` is not what the sources give now; build it again with `trueup rule build`")]
    Stale(PathBuf),
    /// A file could not be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The record of fuel is none.
    #[error("`{path}` is no record of fuel: {problem}; remove it, and write it anew with `trueup rule test --bless`")]
    FuelRecord {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}
