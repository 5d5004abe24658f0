//! A stable code for each fault that a rule's author can meet, and the page that tells what to do about it. Owns the numbers of
//! admission and building; those of cases are in `trueup_cases::code`.

use trueup_cases::{CaseError, code};

use super::{AuthorError, BuildError, NewError, WrapError};
use crate::rule::{AdmitError, Fault};

/// The page, a section per code.
const PAGE: &str = include_str!("../../docs/errors.md");

/// What has a stable code.
pub trait Coded {
    /// The code, like `TR0101`.
    fn code(&self) -> &'static str;
}

impl Coded for AdmitError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "TR0101",
            Self::Precompiled => "TR0102",
            Self::NotWasm => "TR0103",
            Self::CoreModule => "TR0104",
            Self::Invalid { .. } => "TR0105",
            Self::Contract { .. } => "TR0106",
            Self::ForeignImport { .. } => "TR0107",
            Self::MissingExport { .. } => "TR0108",
            Self::Shape { .. } => "TR0109",
            Self::CompileTime { .. } => "TR0110",
            Self::CompileMemory { .. } => "TR0111",
            Self::Worker { .. } => "TR0112",
            Self::Describe(_) => code::DESCRIBE,
            Self::Info { .. } => "TR0114",
        }
    }
}

impl Coded for Fault {
    fn code(&self) -> &'static str {
        match self {
            Self::Trap { .. } => code::TRAP,
            Self::Limit { .. } => code::LIMIT,
            Self::Rule { .. } => code::REFUSED,
            Self::Malformed { .. } => code::MALFORMED,
            Self::Interrupted { .. } | Self::Absent | Self::Resting { .. } | Self::IdentityTooLarge { .. } => code::FAULT,
        }
    }
}

impl Coded for BuildError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoCrate(_) => "TR0301",
            Self::Start { .. } => "TR0302",
            Self::NoTarget => "TR0303",
            Self::Compile(_) => "TR0304",
            Self::NoModule(_) => "TR0305",
            Self::Read { .. } => "TR0306",
            Self::Encode { .. } => "TR0307",
        }
    }
}

impl Coded for NewError {
    fn code(&self) -> &'static str {
        match self {
            Self::Name { .. } => "TR0311",
            Self::Occupied(_) => "TR0312",
            Self::NoKit(_) => "TR0313",
            Self::Write { .. } => "TR0314",
        }
    }
}

impl Coded for WrapError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotWasm => "TR0321",
            Self::Component => "TR0322",
            Self::Unfit(_) => "TR0323",
            Self::NoRule => "TR0324",
        }
    }
}

impl Coded for CaseError {
    fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "TR0421",
            Self::Malformed { .. } => "TR0422",
            Self::Empty { .. } => "TR0423",
        }
    }
}

impl Coded for AuthorError {
    fn code(&self) -> &'static str {
        match self {
            Self::Build(error) => error.code(),
            Self::Admit(error) => error.code(),
            Self::Cases(error) => error.code(),
            Self::Engine(_) => "TR0112",
            Self::Settings(_) => "TR0115",
            Self::NoCases(_) => "TR0423",
            Self::Stale(_) => code::STALE,
            Self::Read { .. } | Self::Write { .. } => "TR0421",
            Self::FuelRecord { .. } => "TR0424",
        }
    }
}

/// What the page says of a code, its heading first; in any case of letters. None: there is no such code.
#[must_use]
pub fn explain_code(code: &str) -> Option<&'static str> {
    let (_, rest) = PAGE.split_once(&format!("\n### {} ", code.to_ascii_uppercase()))?;
    let end = rest.find("\n### ").into_iter().chain(rest.find("\n## ")).min().unwrap_or(rest.len());
    // The heading's hashes are left out, its code is not.
    let from = PAGE.len() - rest.len() - code.len() - 1;
    PAGE.get(from..PAGE.len() - rest.len() + end).map(str::trim_end)
}

/// What to do about a limit that was passed.
pub(super) fn limit_advice(limit: &str) -> &'static str {
    match limit {
        "memory" => "look for what is collected over a whole batch, and answer identity by identity",
        "fuel" => {
            "look for a loop that never ends, for one over all cases inside of another, and for texts that are built per case; `trueup rule bench` shows which cases cost most"
        }
        "fuel to start" => "statics with large initial values are filled at each start: make them constants",
        "stack" => "a recursion goes too deep for its input: make it a loop",
        "host call bytes" => "answer each case once, with short log lines",
        "table elements" => "the module has too many functions that are called indirectly: use fewer trait objects",
        "log" => "log only where `cx.explain()` says that somebody reads along",
        _ => "`trueup rule check` shows each limit and how much of it is used",
    }
}

#[cfg(test)]
mod tests {
    use super::explain_code;

    #[test]
    fn a_code_is_explained_in_any_case_and_alone() {
        let text = explain_code("tr0402").unwrap_or_default();
        assert!(text.starts_with("TR0402 ") && !text.contains("TR0403 ") && text.lines().count() > 2, "{text}");
        assert_eq!(explain_code("TR9999"), None);
        assert_eq!(explain_code("TR04"), None);
        assert_eq!(explain_code(""), None);
    }
}
