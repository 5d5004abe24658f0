//! Two lists of grants as sources and targets hold them: one TSV file of desired rows, one embedded target per system.
//! Owns the files; what is measured over them is elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use trueup::discover::{FileConfig, FileSource, Source};
use trueup::generate::{self, GrantRow, ObservedRow, Pair};
use trueup::model::{Holding, Mode, Scope, Scopes, Time};
use trueup::rule::{Module, RuleEngine, RuleLimits};
use trueup::target::{EmbeddedRow, EmbeddedTarget, Target};

/// Of a million desired grants, so many are not just so in the target.
pub(super) const CHURN_PER_MILLION: u32 = 1_000;
/// The rule's component within the work folder.
pub(super) const RULE: &str = "rule.wasm";
/// The instant of every plan.
pub(super) const AS_OF: Time = generate::instant(0);

/// What targets hold.
pub(super) const HELD: &str = "held";
/// Targets that hold nothing.
pub(super) const EMPTY: &str = "empty";

/// Rows that are put into a target at once.
const SEEDED_AT_ONCE: usize = 20_000;
const DESIRED: &str = "desired.tsv";
const HEADER: &str =
    "target\tholder\tobject\tlevel\tidentity\towner\tpurpose\trecord\tapprover\tnot_before\texpires_at\treplaces";

/// Writes a pair of lists into a new folder: the desired file, targets that hold the observed rows, and empty ones.
pub(super) fn write(folder: &Path, rows: u64, seed: u64) -> Result<()> {
    let pair = Pair::new(rows, CHURN_PER_MILLION, seed);
    for held in [HELD, EMPTY] {
        fs::create_dir_all(folder.join(held))?;
    }
    let mut file = BufWriter::new(fs::File::create(folder.join(DESIRED))?);
    writeln!(file, "{HEADER}")?;
    pair.desired().try_for_each(|row| write_row(&mut file, &row))?;
    file.flush()?;
    let mut by_target: BTreeMap<String, Vec<EmbeddedRow>> = BTreeMap::new();
    for row in pair.observed() {
        let target = row.target.clone();
        let rows = by_target.entry(target.clone()).or_default();
        rows.push(embedded(row));
        if rows.len() == SEEDED_AT_ONCE {
            EmbeddedTarget::open(&database(folder, HELD, &target), &target)?.seed(std::mem::take(rows))?;
        }
    }
    for (target, rows) in by_target {
        EmbeddedTarget::open(&database(folder, HELD, &target), &target)?.seed(rows)?;
        EmbeddedTarget::open(&database(folder, EMPTY, &target), &target)?;
    }
    Ok(())
}

fn write_row(file: &mut impl std::io::Write, row: &GrantRow) -> Result<()> {
    let GrantRow { target, holder, object, level, identity, owner, purpose, record, approver, not_before, expires_at, replaces } =
        row;
    let time = |time: &Time| if time.is_none() { String::new() } else { time.to_string() };
    let (not_before, expires_at) = (time(not_before), time(expires_at));
    writeln!(
        file,
        "{target}\t{holder}\t{object}\t{level}\t{identity}\t{owner}\t{purpose}\t{record}\t{approver}\t{not_before}\t{expires_at}\t{replaces}"
    )?;
    Ok(())
}

/// What a target holds, as the embedded one keeps it.
pub(super) fn embedded(row: ObservedRow) -> EmbeddedRow {
    let ObservedRow { subject, target: _, holder, object, level, enabled, owner, purpose, expires_at, last_used, via } = row;
    EmbeddedRow { subject, holder, object, holding: Holding { enabled, expires_at, level, owner, purpose }, last_used, via }
}

fn database(folder: &Path, held: &str, target: &str) -> std::path::PathBuf {
    folder.join(held).join(format!("{target}.db"))
}

/// The systems of such a folder.
pub(super) struct Systems {
    /// The one desired file.
    pub(super) sources: Vec<Arc<dyn Source>>,
    /// The targets.
    pub(super) targets: Vec<Arc<dyn Target>>,
    /// Each target as a whole.
    pub(super) scopes: Scopes,
}

/// Opens the systems of a folder, with targets that are `held` or `empty`.
pub(super) fn open(folder: &Path, held: &str) -> Result<Systems> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder.join(held))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".db").map(str::to_owned));
    }
    let config: FileConfig = serde_json::from_value(serde_json::json!({
        "name": "desired", "path": DESIRED, "kind": "grants", "covers": names, "complete": "always",
    }))?;
    let mut targets: Vec<Arc<dyn Target>> = Vec::new();
    for name in &names {
        targets.push(Arc::new(EmbeddedTarget::open(&database(folder, held, name), name)?));
    }
    let scope = |target| Scope { target, objects: "*".to_owned(), mode: Mode::Authoritative };
    Ok(Systems {
        sources: vec![Arc::new(FileSource::open(config, folder)?)],
        targets,
        scopes: Scopes(names.into_iter().map(scope).collect()),
    })
}

/// The rule of the work folder.
pub(super) fn module(work: &Path) -> Result<Module> {
    Ok(Module::load(&RuleEngine::new(&RuleLimits::default())?, &fs::read(work.join(RULE))?)?)
}
