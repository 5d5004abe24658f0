//! A generated estate in a folder: sources, targets and the configuration that ties them together. What `generate` writes
//! once, `demo` rewrites day by day.

use std::fmt::Write as _;
use std::path::Path;

use super::exit::{Exit, Failure, Outcome};
use crate::generate::{Edit, Estate, FileKind, ForeignEdit, ObservedRow, SourceFile, renaming};
use crate::model::{Holding, Subject};
use crate::target::{EmbeddedRow, EmbeddedTarget};

/// Writes the sources of a day, and the configuration that reads them.
pub(super) fn write_day(estate: &Estate, day: u16, dir: &Path, module: &Path) -> Outcome<()> {
    let failed =
        |error: crate::generate::GenerateError| Failure::new(Exit::Unwritable, error, "choose a folder on a disk with room");
    let sources = dir.join("sources");
    std::fs::create_dir_all(&sources)?;
    estate.write_sources(day, &sources).map_err(failed)?;
    std::fs::write(dir.join("trueup.toml"), config(estate, day, module))?;
    Ok(())
}

/// Fills the targets with what they hold before the first day's plan.
pub(super) fn seed(estate: &Estate, day: u16, dir: &Path) -> Outcome<u64> {
    std::fs::create_dir_all(dir.join("targets"))?;
    let mut rows: std::collections::BTreeMap<String, Vec<EmbeddedRow>> =
        estate.targets().map(|t| (t.to_owned(), Vec::new())).collect();
    for row in estate.observed(day) {
        rows.entry(row.target.clone()).or_default().push(embedded(row));
    }
    let mut count = 0;
    for (target, rows) in rows {
        count += open(dir, &target)?.seed(rows).map_err(broken)?;
    }
    Ok(count)
}

/// Does by hand what somebody did on a day.
pub(super) fn edit_by_hand(estate: &Estate, day: u16, dir: &Path) -> Outcome<Vec<ForeignEdit>> {
    let edits = estate.foreign_edits_on(day);
    for edit in &edits {
        let target = open(dir, &edit.target)?;
        let subject = if edit.object.is_empty() { Subject::Account } else { Subject::Grant };
        let holding = match &edit.edit {
            Edit::Added { level } | Edit::Level { to: level } => Some(Holding { level: level.clone(), ..Holding::default() }),
            Edit::Enabled => Some(Holding::default()),
            Edit::Removed => None,
        };
        target.foreign_edit(Estate::instant(day), subject, &edit.holder, &edit.object, holding.as_ref()).map_err(broken)?;
    }
    Ok(edits)
}

/// Lets a day's use show in the targets.
pub(super) fn use_access(estate: &Estate, day: u16, dir: &Path) -> Outcome<()> {
    let mut used: std::collections::BTreeMap<String, Vec<EmbeddedRow>> = std::collections::BTreeMap::new();
    for row in estate.observed(day).filter(|row| row.last_used.is_some()) {
        used.entry(row.target.clone()).or_default().push(embedded(row));
    }
    for (target, rows) in used {
        open(dir, &target)?.use_all(&rows).map_err(broken)?;
    }
    Ok(())
}

fn open(dir: &Path, target: &str) -> Outcome<EmbeddedTarget> {
    EmbeddedTarget::open(&dir.join("targets").join(format!("{target}.db")), target).map_err(broken)
}

fn broken(error: crate::target::EmbeddedError) -> Failure {
    Failure::new(Exit::Unwritable, error, "choose an empty folder on a disk with room")
}

fn embedded(row: ObservedRow) -> EmbeddedRow {
    let ObservedRow { subject, holder, object, level, enabled, owner, purpose, expires_at, last_used, via, .. } = row;
    EmbeddedRow { subject, holder, object, holding: Holding { enabled, expires_at, level, owner, purpose }, last_used, via }
}

fn config(estate: &Estate, day: u16, module: &Path) -> String {
    let mut text = format!(
        "# A generated estate on day {day} of its month. Every key is explained in trueup's README.\ntenant = \"acme\"\n\n"
    );
    let sources: Vec<SourceFile> = estate.sources();
    let (unmanaged, known): (Vec<_>, Vec<_>) = sources.into_iter().partition(|source| source.from_day > day);
    // Writing into a text cannot fail.
    let _infallible = write_config(&mut text, estate, day, module, &known, &unmanaged);
    text
}

fn write_config(
    text: &mut String,
    estate: &Estate,
    day: u16,
    module: &Path,
    sources: &[SourceFile],
    unmanaged: &[SourceFile],
) -> std::fmt::Result {
    writeln!(text, "[rule]\nmodule = {}\n", quoted(&module.display().to_string()))?;
    let (old, new) = renaming();
    for source in sources {
        let kind = match source.kind {
            FileKind::People => "people",
            FileKind::Accounts => "accounts",
            FileKind::Credentials => "credentials",
            FileKind::Entitlements => "entitlements",
            FileKind::Grants => "grants",
        };
        writeln!(text, "[[source]]\nname = \"{}\"\npath = \"sources/{}\"\nkind = \"{kind}\"", source.name, source.file)?;
        if !source.covers.is_empty() {
            let covers: Vec<_> = source.covers.iter().map(|target| quoted(target)).collect();
            writeln!(text, "covers = [{}]", covers.join(", "))?;
        }
        if source.kind == FileKind::Grants {
            writeln!(text, "aliases = [{{ from = {}, to = {} }}]", quoted(&new), quoted(&old))?;
        }
        if source.manifest {
            writeln!(text, "complete = \"manifest\"\n")?;
        } else {
            writeln!(text, "complete = \"gate\"\nread_at = \"{}\"\n", Estate::instant(day))?;
        }
    }
    for target in estate.targets() {
        writeln!(text, "[[target]]\nname = {0}\nkind = \"embedded\"\npath = \"targets/{target}.db\"\n", quoted(target))?;
    }
    for target in estate.targets() {
        let observed = unmanaged.iter().any(|source| source.covers.iter().any(|covered| covered == target));
        let mode = if observed { "observe" } else { "authoritative" };
        writeln!(text, "[[scope]]\ntarget = {}\nmode = \"{mode}\"\n", quoted(target))?;
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
