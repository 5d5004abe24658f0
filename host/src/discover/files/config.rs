//! How one file is to be read, as an operator configures it. Owns what makes sense together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::discover::{DiscoverError, Subjects};
use crate::model::{Subject, Time};

/// One file and its mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// The source's name.
    pub name: String,
    /// The file, relative to the configuration.
    pub path: PathBuf,
    /// How it is written; by default what its extension says.
    #[serde(default)]
    pub format: Option<FileFormat>,
    /// What its rows are.
    pub kind: RowKind,
    /// The target of every row; else a column says it.
    #[serde(default)]
    pub target: Option<String>,
    /// The targets that it speaks for, when a column says which: what is missing from a complete file is not desired there.
    #[serde(default)]
    pub covers: Vec<String>,
    /// Our field → the file's column or key; by default the same name.
    #[serde(default)]
    pub columns: BTreeMap<Field, String>,
    /// Types of objects for which the level is part of the key: `team:a` with level `admin` becomes `team:a#admin`.
    /// `*` for all. By default the level is an attribute.
    #[serde(default)]
    pub level_in_key: Vec<String>,
    /// Names that the file writes differently from the target.
    #[serde(default)]
    pub aliases: Vec<Alias>,
    /// What makes the file complete.
    #[serde(default)]
    pub complete: CompleteBy,
    /// When its content was true; by default what the manifest says, else when it is read.
    #[serde(default, skip_serializing_if = "Time::is_none")]
    pub read_at: Time,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// One JSON object on each line.
    Jsonl,
    /// Fields between commas, quoted where needed; a header first.
    Csv,
    /// Fields between tabs, never quoted; a header first.
    Tsv,
}

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// Holders and what they hold.
    Grants,
    /// Holders' objects in a target.
    Accounts,
    /// Keys, tokens and certificates.
    Credentials,
    /// Identities.
    People,
    /// The catalogue.
    Entitlements,
    /// JSON Lines only: `kind` says it: grant, account, credential, entitlement, or person, machine, group for identities.
    /// Such a file speaks for the subjects of which it has rows.
    Mixed,
}

/// A field of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names of the fields of facts, identities and catalogue rows, explained there")]
#[repr(usize)]
pub enum Field {
    Target,
    Holder,
    Object,
    Level,
    Identity,
    Owner,
    Purpose,
    Record,
    Approver,
    Replaces,
    NotBefore,
    ExpiresAt,
    LastUsed,
    Enabled,
    Kind,
    Status,
    Unit,
    MovedAt,
    EndsAt,
    Tier,
    Privileged,
    BreakGlass,
    Exclusion,
    MinHolders,
    Parent,
}

impl Field {
    /// How many there are.
    pub(super) const COUNT: usize = Field::Parent as usize + 1;

    /// All with their names, in order.
    pub(super) const ALL: [(Field, &'static str); Field::COUNT] = [
        (Field::Target, "target"),
        (Field::Holder, "holder"),
        (Field::Object, "object"),
        (Field::Level, "level"),
        (Field::Identity, "identity"),
        (Field::Owner, "owner"),
        (Field::Purpose, "purpose"),
        (Field::Record, "record"),
        (Field::Approver, "approver"),
        (Field::Replaces, "replaces"),
        (Field::NotBefore, "not_before"),
        (Field::ExpiresAt, "expires_at"),
        (Field::LastUsed, "last_used"),
        (Field::Enabled, "enabled"),
        (Field::Kind, "kind"),
        (Field::Status, "status"),
        (Field::Unit, "unit"),
        (Field::MovedAt, "moved_at"),
        (Field::EndsAt, "ends_at"),
        (Field::Tier, "tier"),
        (Field::Privileged, "privileged"),
        (Field::BreakGlass, "break_glass"),
        (Field::Exclusion, "exclusion"),
        (Field::MinHolders, "min_holders"),
        (Field::Parent, "parent"),
    ];

    /// Its name in a configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        Field::ALL.get(self as usize).map_or("", |(_, name)| name)
    }
}

/// A name that the file writes differently from the target, or the beginning of such names. It holds for whole parts of
/// a name: `team:a` also renames `team:a/b` and `team:a#admin`, but never `team:ab`; `team:` renames all teams. The
/// longest one that fits is applied, to objects and holders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alias {
    /// As the file writes it.
    pub from: String,
    /// As the target writes it.
    pub to: String,
}

/// What makes a file complete: only then does the absence of a row mean something. A trailer that is there always counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompleteBy {
    /// It always is: whoever writes it replaces it as a whole.
    Always,
    /// Its last line counts the rows: `{"trueup":"end","rows":2}` or `# rows=2`.
    Trailer,
    /// `<path>.manifest.json` counts the rows: `{"rows":2}`, and perhaps `"sha256"` and `"read_at"`.
    Manifest,
    /// Nothing says so: it is held against the last complete reading.
    #[default]
    Gate,
}

impl RowKind {
    /// The fields that its rows may have.
    pub(super) fn fields(self) -> &'static [Field] {
        use Field as F;
        const GRANTS: &[F] = &[
            F::Target,
            F::Holder,
            F::Object,
            F::Level,
            F::Identity,
            F::Owner,
            F::Purpose,
            F::Record,
            F::Approver,
            F::Replaces,
            F::NotBefore,
            F::ExpiresAt,
            F::LastUsed,
            F::Enabled,
        ];
        const ALL: [F; F::COUNT] = {
            let mut all = [F::Target; F::COUNT];
            let mut i = 0;
            while i < F::COUNT {
                all[i] = F::ALL[i].0;
                i += 1;
            }
            all
        };
        match self {
            Self::Grants | Self::Accounts | Self::Credentials => GRANTS,
            Self::People => &[F::Identity, F::Kind, F::Status, F::Owner, F::Unit, F::MovedAt, F::EndsAt],
            Self::Entitlements => {
                const ROWS: &[F] = &[
                    F::Target,
                    F::Object,
                    F::Level,
                    F::Tier,
                    F::Privileged,
                    F::BreakGlass,
                    F::Exclusion,
                    F::Owner,
                    F::MinHolders,
                    F::Parent,
                ];
                ROWS
            }
            Self::Mixed => &ALL,
        }
    }

    /// The fields without which a row says nothing; `target` unless it is configured.
    pub(super) fn required(self) -> &'static [Field] {
        match self {
            Self::Grants | Self::Credentials => &[Field::Holder, Field::Object],
            Self::Accounts => &[Field::Holder],
            Self::People => &[Field::Identity],
            Self::Entitlements => &[Field::Object],
            Self::Mixed => &[Field::Kind],
        }
    }

    /// The subjects that a file of such rows speaks for.
    pub(super) const fn subjects(self) -> Subjects {
        match self {
            Self::Grants => Subjects::only(Subject::Grant),
            Self::Accounts => Subjects::only(Subject::Account),
            Self::Credentials => Subjects::only(Subject::Credential),
            Self::People | Self::Entitlements => Subjects::NONE,
            Self::Mixed => Subjects::AS_FOUND,
        }
    }
}

impl FileConfig {
    /// A file of this kind, with defaults for all else.
    #[must_use]
    pub fn new(name: &str, path: &Path, kind: RowKind) -> Self {
        FileConfig {
            name: name.to_owned(),
            path: path.to_owned(),
            format: None,
            kind,
            target: None,
            covers: Vec::new(),
            columns: BTreeMap::new(),
            level_in_key: Vec::new(),
            aliases: Vec::new(),
            complete: CompleteBy::default(),
            read_at: Time::NONE,
        }
    }

    /// How the file is written.
    pub(super) fn written_as(&self) -> Result<FileFormat, DiscoverError> {
        let extension = self.path.extension().and_then(|e| e.to_str()).unwrap_or("");
        match (self.format, extension) {
            (Some(format), _) => Ok(format),
            (None, "jsonl" | "ndjson") => Ok(FileFormat::Jsonl),
            (None, "csv") => Ok(FileFormat::Csv),
            (None, "tsv") => Ok(FileFormat::Tsv),
            (None, _) => Err(self.error(format!("set `format` to jsonl, csv or tsv: the extension `{extension}` does not tell"))),
        }
    }

    /// What the file speaks for.
    pub(super) fn coverage(&self) -> Result<Vec<String>, DiscoverError> {
        if self.kind.subjects() == Subjects::NONE {
            return Ok(Vec::new());
        }
        match (&self.target, self.covers.as_slice()) {
            (Some(target), []) => Ok(vec![target.clone()]),
            (Some(_), _) => Err(self.error("set either `target` or `covers`, not both".to_owned())),
            (None, []) => Err(self.error("set `target`, or list in `covers` the targets that its rows name".to_owned())),
            (None, covers) => Ok(covers.to_vec()),
        }
    }

    /// Refuses what cannot be meant.
    pub(super) fn check(&self) -> Result<(), DiscoverError> {
        let format = self.written_as()?;
        if self.kind == RowKind::Mixed && format != FileFormat::Jsonl {
            return Err(self.error("rows of mixed kinds need the format jsonl".to_owned()));
        }
        if let Some(field) = self.columns.keys().find(|field| !self.kind.fields().contains(field)) {
            let known: Vec<&str> = self.kind.fields().iter().map(|field| field.name()).collect();
            let problem = format!("its rows have no field `{}`; they have {}", field.name(), known.join(", "));
            return Err(self.error(problem));
        }
        if self.target.is_some() && self.columns.contains_key(&Field::Target) {
            return Err(self.error("`target` is set and mapped to a column; keep one of them".to_owned()));
        }
        if self.target.as_deref() == Some("") || self.covers.iter().any(String::is_empty) {
            return Err(self.error("a target has an empty name".to_owned()));
        }
        if self.aliases.iter().any(|alias| alias.from.is_empty() || alias.to.is_empty()) {
            return Err(self.error("an alias has an empty side".to_owned()));
        }
        Ok(())
    }

    pub(super) fn error(&self, problem: String) -> DiscoverError {
        DiscoverError::Config { name: self.name.clone(), problem }
    }
}
