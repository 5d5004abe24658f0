//! A new rule's crate: one that builds and passes its own cases before its author has changed a line. Owns what stands in it.

use std::path::{Path, PathBuf};

/// The guest kit's crate.
const KIT: &str = "trueup-guest";
/// Where a checkout of trueup holds it.
const KIT_FOLDER: &str = "guest-sdk";
/// Longest name of a rule, in bytes: it is a crate's name, a file's name, and part of every report.
const NAME_BYTES: usize = 64;

/// Where a new crate takes the guest kit from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kit {
    /// A folder that holds it: a checkout's `guest-sdk`.
    Path(PathBuf),
    /// A git repository that holds it.
    Git(String),
}

/// Why there is no new crate.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The name cannot be a rule's.
    #[error(
        "`{name}` is no name for a rule: {problem}; call it `{instead}`, or something else of lower case letters, digits and hyphens"
    )]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
        /// One like it that would do.
        instead: String,
    },
    /// Something stands where the crate would.
    #[error("`{0}` exists and is not empty; choose another name, or remove it")]
    Occupied(PathBuf),
    /// No guest kit.
    #[error("the guest kit `{KIT}` is not in `{0}`; name the folder `{KIT_FOLDER}` of a checkout of trueup")]
    NoKit(PathBuf),
    /// A file could not be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Kit {
    /// What an author names: a folder, or the address of a git repository.
    ///
    /// # Errors
    /// When the folder holds no guest kit.
    pub fn named(text: &str) -> Result<Self, NewError> {
        if text.contains("://") || text.starts_with("git@") {
            return Ok(Kit::Git(text.to_owned()));
        }
        let path = Path::new(text);
        let inner = path.join(KIT_FOLDER);
        let found = [path, inner.as_path()].into_iter().find(|folder| is_kit(folder));
        let found = found.and_then(|folder| std::fs::canonicalize(folder).ok());
        found.map(Kit::Path).ok_or_else(|| NewError::NoKit(path.to_owned()))
    }

    /// The checkout that one of these places lies in, if any does.
    #[must_use]
    pub fn around(places: &[PathBuf]) -> Option<Self> {
        let absolute = places.iter().filter_map(|place| std::fs::canonicalize(place).ok());
        let above = absolute.flat_map(|place| place.ancestors().map(|folder| folder.join(KIT_FOLDER)).collect::<Vec<_>>());
        above.into_iter().find(|folder| is_kit(folder)).map(Kit::Path)
    }

    fn dependency(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        match self {
            Kit::Path(path) => format!("{{ path = {} }}", quoted(&path.display().to_string())),
            Kit::Git(address) => format!("{{ git = {} }}", quoted(address)),
        }
    }

    /// The lock file of the checkout: what the kit was tried with is what the new crate builds with.
    fn lock(&self) -> Option<String> {
        match self {
            Kit::Path(path) => std::fs::read_to_string(path.parent()?.join("Cargo.lock")).ok(),
            Kit::Git(_) => None,
        }
    }
}

fn is_kit(folder: &Path) -> bool {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    manifest.lines().any(|line| line.trim() == format!("name = \"{KIT}\""))
}

/// Writes the crate of a new rule into a folder of its name, and returns that folder.
///
/// # Errors
/// When the name is no rule's, something stands there already, or it cannot be written.
pub fn create_rule(name: &str, into: &Path, kit: &Kit) -> Result<PathBuf, NewError> {
    check_name(name)?;
    let folder = into.join(name);
    if std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        return Err(NewError::Occupied(folder));
    }
    let function = name.replace('-', "_");
    let mut files = vec![
        ("Cargo.toml", MANIFEST.replace("{name}", name).replace("{kit}", &kit.dependency())),
        (".gitignore", "/target\n".to_owned()),
        ("src/lib.rs", SOURCE.replace("{name}", name).replace("{function}", &function)),
        ("cases/unused.json", CASES.to_owned()),
        ("cases/sides.toml", TABLE.to_owned()),
    ];
    files.extend(kit.lock().map(|lock| ("Cargo.lock", lock)));
    for (file, text) in files {
        let path = folder.join(file);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, text));
        made.map_err(|source| NewError::Write { path, source })?;
    }
    Ok(folder)
}

/// A name must do as a crate's, a file's and a function's.
fn check_name(name: &str) -> Result<(), NewError> {
    let Some(problem) = problem_of(name) else { return Ok(()) };
    let instead = like(name);
    // What is made of a name of signs alone is none either.
    let instead = if problem_of(&instead).is_none() { instead } else { "dormant-admins".to_owned() };
    let mut shown: String = name.chars().take(NAME_BYTES).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    Err(NewError::Name { name: shown, problem, instead })
}

/// What is wrong with a name, if anything.
fn problem_of(name: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let wrong = match name.chars().find(|c| !allowed(*c)) {
        _ if name.is_empty() => "it is empty",
        _ if name.len() > NAME_BYTES => "it has more than 64 bytes",
        Some(c) if c.is_whitespace() => "it holds a space",
        Some(c) if c.is_uppercase() => "it holds an upper case letter",
        Some('_') => "it holds an underscore, where a hyphen belongs",
        Some(c) if c.is_alphabetic() => "it holds a letter other than a to z",
        Some(_) => "it holds a sign other than a hyphen",
        None if name.starts_with(|c: char| c.is_ascii_digit()) => "it begins with a digit, which no crate's name may",
        None if name.starts_with('-') => "it begins with a hyphen",
        None if name.ends_with('-') => "it ends with a hyphen",
        None if TAKEN.contains(&name) => "it is a word of Rust, or a crate that comes with it",
        None => return None,
    };
    Some(wrong)
}

/// A name like this one that may do.
fn like(name: &str) -> String {
    let spaced: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let words: Vec<&str> = spaced.split('-').filter(|word| !word.is_empty()).collect();
    let mut like = words.join("-");
    if like.starts_with(|c: char| c.is_ascii_digit()) || TAKEN.contains(&like.as_str()) {
        like.insert_str(0, "rule-");
    }
    like.truncate(NAME_BYTES);
    like.trim_end_matches('-').to_owned()
}

/// What cannot be a function, or a crate beside the standard library.
const TAKEN: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "trueup-guest",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

const MANIFEST: &str = r#"[package]
name = "{name}"
description = "What the rule is for, in one sentence"
version = "0.1.0"
edition = "2024"

[dependencies]
# The guest kit is not published yet: this names the place that `trueup rule new` found or was told.
trueup-guest = {kit}

# A workspace of its own, wherever it lies.
[workspace]
"#;

const SOURCE: &str = r#"//! What the rule is for, in one sentence.

use trueup_guest::prelude::*;

/// What a vendor can set for a tenant.
#[derive(Settings)]
pub struct Settings {
    /// Days after which unused access goes; 0 never removes any.
    #[setting(default = 90, min = 0, max = 3650)]
    unused_days: i64,
}

/// Why the rule says what it says: codes are the names in kebab case, and stay as they are once they are in use.
#[derive(Reasons, Clone, Copy, Debug, PartialEq)]
pub enum Why {
    /// The target holds what the sources want.
    Agrees,
    /// The sources want it and the target does not have it.
    Missing,
    /// No source wants it.
    Undesired,
    /// Nobody has used it for too long.
    Unused,
    /// One of the sides is not known.
    Unknown,
}

/// Judges one case. It sees no clock, file or network; the optional columns that it reads stand in `columns`.
#[rule(name = "{name}", columns(last_used))]
pub fn {function}(case: Case<'_>, cx: &Context<Settings>) -> Verdict<Why> {
    let (desired, observed) = (case.desired(), case.observed());
    if desired.is_unknown() || observed.is_unknown() {
        return Verdict::hold(Why::Unknown);
    }
    let days = cx.settings.unused_days;
    match (desired.exists(), observed.exists()) {
        (true, true) if days > 0 && cx.older_than(case.last_used(), Days(days)) => Verdict::absent(Why::Unused),
        (true, false) => Verdict::present(Why::Missing),
        (false, true) => Verdict::absent(Why::Undesired),
        _ => Verdict::keep(Why::Agrees),
    }
}

// Runs the folder `cases` under `cargo test`; `trueup rule test` also runs it against the component that is shipped.
trueup_guest::cases!();
"#;

const CASES: &str = r#"{
  "about": "Access that nobody has used for ninety days goes.",
  "as_of": "2026-03-01",
  "identities": [
    {
      "identity": "ada",
      "cases": [
        {
          "grant": { "target": "git", "object": "repo:forgotten" },
          "desired": "present",
          "observed": { "state": "present", "last_used": "2025-11-01" },
          "expect": { "effect": "absent", "reason": "unused" }
        },
        {
          "grant": { "target": "git", "object": "repo:in-use" },
          "desired": "present",
          "observed": { "state": "present", "last_used": "2026-02-27" },
          "expect": { "effect": "keep", "reason": "agrees" }
        }
      ]
    }
  ]
}
"#;

const TABLE: &str = r#"# Many small cases in one file: each row is an identity with one case; `defaults` fills in what a row leaves out.
about = "What is wanted is there, and nothing else; what is not known is held."
as_of = "2026-03-01"
defaults = { grant = { target = "git", object = "repo:payments" } }
table = [
  { name = "wanted and not there", desired = "present", expect = { effect = "present", reason = "missing" } },
  { name = "there and not wanted", observed = "present", expect = { effect = "absent", reason = "undesired" } },
  { name = "nobody knows whether it is there", desired = "present", observed = "unknown", expect = { effect = "hold", reason = "unknown" } },
]
"#;

#[cfg(test)]
mod tests {
    use super::{like, problem_of};

    #[test]
    fn a_name_that_will_not_do_is_told_what_is_wrong_and_what_would_do() {
        let cases = [
            ("9x", "begins with a digit", "rule-9x"),
            ("Dormant Admins", "an upper case letter", "dormant-admins"),
            ("dormant admins", "a space", "dormant-admins"),
            ("dormantAdmins", "an upper case letter", "dormantadmins"),
            ("dormant_admins", "an underscore", "dormant-admins"),
            ("größe", "a letter other than a to z", "gr-e"),
            ("a.b/c", "a sign", "a-b-c"),
            ("-x", "begins with a hyphen", "x"),
            ("x-", "ends with a hyphen", "x"),
            ("match", "a word of Rust", "rule-match"),
            ("", "empty", ""),
            ("…", "a sign", ""),
        ];
        for (name, problem, instead) in cases {
            assert!(problem_of(name).is_some_and(|found| found.contains(problem)), "{name}: {:?}", problem_of(name));
            assert_eq!(like(name), instead);
            assert!(instead.is_empty() || problem_of(instead).is_none(), "{instead}");
        }
        assert_eq!(problem_of("dormant-admins-2"), None);
        assert!(problem_of(&"x".repeat(65)).is_some() && problem_of(&like(&"x".repeat(65))).is_none());
    }
}
