//! Replays a history of desired access month by month and compares the target with it after each run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trueup::target::EmbeddedTarget;

use crate::cli;

/// A fact of the history: group, principal, role.
pub type Tuple = (String, String, String);

/// One change of the history.
#[derive(Debug, Deserialize)]
pub struct Event {
    t: i64,
    add: Vec<Tuple>,
    del: Vec<Tuple>,
}

/// A first state and what happened since.
#[derive(Debug)]
pub struct History {
    first: BTreeSet<Tuple>,
    events: Vec<Event>,
}

/// How a history is to be read.
#[derive(Debug, Default)]
pub struct Options {
    /// The role is part of what is held, not an attribute of it.
    pub level_in_key: bool,
    /// Names that the source changed, as (new, old).
    pub aliases: Vec<(String, String)>,
}

/// What a replay came to.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Runs at month ends.
    pub months: u64,
    /// Facts of all months together.
    pub facts: u64,
    /// Mutations in the target's own journal, per operation.
    pub mutations: BTreeMap<String, u64>,
    /// Role changes of the history on facts that stayed, where the level is an attribute.
    pub role_changes: u64,
    /// Keys that a month lists with two roles; the export names the stronger one.
    pub two_roles: u64,
    /// Respellings of a login that the history made.
    pub respellings: u64,
    /// Mutations on a key that was only respelled.
    pub respelling_writes: u64,
    /// Keys that differed after a first run, all of them listed as held.
    pub held: u64,
    /// Months in which something was held.
    pub months_with_holds: u64,
    /// Scans that shrank, as (month, lost, of).
    pub shrunk: Vec<(String, u64, u64)>,
    /// Keys that differed and were not listed as held, or differed after the release.
    pub differences: u64,
}

impl History {
    /// Reads `first.tsv` and `events.jsonl` of a folder.
    ///
    /// # Errors
    /// When they are not there or not of that shape.
    pub fn read(folder: &Path) -> Result<Self> {
        let first = fs::read_to_string(folder.join("first.tsv")).context("first.tsv")?;
        let first = first.lines().skip(1).map(tuple).collect::<Result<_>>()?;
        let events = fs::read_to_string(folder.join("events.jsonl")).context("events.jsonl")?;
        let events = events.lines().map(|line| Ok(serde_json::from_str(line)?)).collect::<Result<_>>()?;
        Ok(History { first, events })
    }

    /// State at each month end, with the instant.
    fn months(&self) -> Vec<(i64, BTreeSet<Tuple>)> {
        let mut state = self.first.clone();
        let begin = self.events.first().map_or(0, |event| event.t);
        let mut months = vec![(begin - 1, state.clone())];
        let mut end = next_month(begin);
        for event in &self.events {
            while event.t >= end {
                months.push((end - 1, state.clone()));
                end = next_month(end);
            }
            for tuple in &event.del {
                state.remove(tuple);
            }
            state.extend(event.add.iter().cloned());
        }
        months.push((end - 1, state));
        months
    }
}

fn tuple(line: &str) -> Result<Tuple> {
    let mut fields = line.split('\t').map(str::to_owned);
    match (fields.next(), fields.next(), fields.next()) {
        (Some(group), Some(principal), Some(role)) => Ok((group, principal, role)),
        _ => anyhow::bail!("not three fields: {line}"),
    }
}

/// Begin of the month after the one that holds `t`, in UTC.
fn next_month(t: i64) -> i64 {
    let days = t.div_euclid(86_400);
    (1..=31).map(|ahead| days + ahead).find(|&day| civil_day(day) == 1).map_or(t + 31 * 86_400, |day| day * 86_400)
}

/// Day of the month of a day since 1970 (the usual proleptic Gregorian reckoning by eras of 400 years).
fn civil_day(days: i64) -> i64 {
    let day_of_era = (days + 719_468).rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    day_of_year - (153 * month + 2) / 5 + 1
}

/// A fact as the target compares it: object (with the role where it is part of the key), holder in lower case, role.
type Held = BTreeMap<(String, String), String>;

fn expected(state: &BTreeSet<Tuple>, options: &Options) -> Held {
    state
        .iter()
        .map(|(group, principal, role)| {
            let group = options
                .aliases
                .iter()
                .find_map(|(new, old)| group.strip_prefix(new.as_str()).map(|rest| format!("{old}{rest}")))
                .unwrap_or_else(|| group.clone());
            let holder = principal.to_ascii_lowercase();
            if options.level_in_key {
                ((format!("{group}#{role}"), holder), String::new())
            } else {
                ((group, holder), role.clone())
            }
        })
        .collect()
}

fn observed(folder: &Path) -> Result<Held> {
    let target = EmbeddedTarget::open(&folder.join("target.db"), "target")?;
    Ok(target.dump()?.into_iter().map(|row| ((row.object, row.holder.to_ascii_lowercase()), row.holding.level)).collect())
}

/// Replays a history in a temporary folder; each month is one line of `out`.
///
/// # Errors
/// When a command fails or prints what it should not.
pub fn replay(history: &History, options: &Options, out: &mut dyn Write) -> Result<Report> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("trueup.toml"), config(options)?)?;
    let mut report = Report::default();
    let mut before: BTreeSet<Tuple> = BTreeSet::new();
    for (at, state) in history.months() {
        month(folder.path(), at, &before, &state, options, &mut report, out)?;
        before = state;
    }
    Ok(report)
}

fn config(options: &Options) -> Result<String> {
    let module = cli::standard_module()?.display();
    let in_key = if options.level_in_key { "level_in_key = [\"*\"]\n" } else { "" };
    let aliases: Vec<String> =
        options.aliases.iter().map(|(new, old)| format!("{{ from = \"{new}\", to = \"{old}\" }}")).collect();
    Ok(format!(
        "tenant = \"history\"\n[rule]\nmodule = \"{module}\"\n\
         [[source]]\nname = \"grants\"\npath = \"grants.tsv\"\nkind = \"grants\"\ntarget = \"target\"\n{in_key}aliases = [{}]\n\
         [source.columns]\nobject = \"group\"\nholder = \"principal\"\nlevel = \"role\"\n\
         [[target]]\nname = \"target\"\nkind = \"embedded\"\npath = \"target.db\"\n\
         [[scope]]\ntarget = \"target\"\nmode = \"authoritative\"\n",
        aliases.join(", ")
    ))
}

fn month(
    folder: &Path,
    at: i64,
    before: &BTreeSet<Tuple>,
    state: &BTreeSet<Tuple>,
    options: &Options,
    report: &mut Report,
    out: &mut dyn Write,
) -> Result<()> {
    let state = &if options.level_in_key { state.clone() } else { strongest(state, report) };
    let mut file = String::from("group\tprincipal\trole\n");
    for (group, principal, role) in state {
        file.push_str(&format!("{group}\t{principal}\t{role}\n"));
    }
    fs::write(folder.join("grants.tsv"), file)?;
    let as_of = at.to_string();
    let journal_before = journal(folder)?.len();
    cli::json(folder, &["run", "--as-of", &as_of])?;
    let wanted = expected(state, options);
    let open = differing(&wanted, &observed(folder)?);
    let holds = cli::json(folder, &["holds", "--show", "1000000"])?;
    let listed = listed(&holds)?;
    let unlisted = open.iter().filter(|key| !listed.contains(*key)).count() as u64;
    let label = trueup::model::Time::from_seconds(at).to_string();
    for scan in holds["scans"].as_array().into_iter().flatten() {
        report.shrunk.push((label.clone(), scan["lost"].as_u64().unwrap_or(0), scan["of"].as_u64().unwrap_or(0)));
    }
    if !open.is_empty() {
        report.months_with_holds += 1;
        release(folder, &as_of)?;
    }
    let left = differing(&wanted, &observed(folder)?);
    let written: Vec<(String, String, String)> = journal(folder)?.split_off(journal_before);
    count(before, state, options, &written, report);
    report.months += 1;
    report.facts += state.len() as u64;
    report.held += open.len() as u64;
    report.differences += unlisted + left.len() as u64;
    writeln!(
        out,
        "{label}  {:>5} facts  {:>4} writes  {:>4} held, {unlisted} unlisted, {} left after release",
        state.len(),
        written.len(),
        open.len(),
        left.len()
    )?;
    Ok(())
}

/// Opens all that waits, commits it, and plans again what a shrunk scan had hidden.
fn release(folder: &Path, as_of: &str) -> Result<()> {
    for _round in 0..3 {
        let output = cli::trueup(folder, &["release", "--all", "--by", "history", "--why", "the history says so", "--json"])?;
        ensure!(output.status.success(), "release: {}", String::from_utf8_lossy(&output.stderr));
        cli::json(folder, &["resume"])?;
        cli::json(folder, &["run", "--as-of", as_of])?;
        let holds = cli::json(folder, &["holds"])?;
        let waiting = |field: &str| holds[field].as_array().is_some_and(|list| !list.is_empty());
        if !waiting("gates") && !waiting("scans") {
            break;
        }
    }
    Ok(())
}

/// Where the role is an attribute, a key has one: of two that the history lists, an export names the stronger.
fn strongest(state: &BTreeSet<Tuple>, report: &mut Report) -> BTreeSet<Tuple> {
    let rank =
        |role: &str| ["member", "read", "triage", "write", "maintain", "maintainer", "admin"].iter().position(|r| *r == role);
    let mut keys: BTreeMap<(&String, &String), &String> = BTreeMap::new();
    for (group, principal, role) in state {
        let held = keys.entry((group, principal)).or_insert(role);
        if *held != role {
            report.two_roles += 1;
            *held = if rank(role) > rank(held) { role } else { *held };
        }
    }
    keys.into_iter().map(|((group, principal), role)| (group.clone(), principal.clone(), role.clone())).collect()
}

fn differing(wanted: &Held, found: &Held) -> BTreeSet<(String, String)> {
    let keys: BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
    keys.into_iter().filter(|key| wanted.get(*key) != found.get(*key)).cloned().collect()
}

/// Keys that `holds` lists, as (object, holder in lower case).
fn listed(holds: &Value) -> Result<BTreeSet<(String, String)>> {
    let lines = ["gates", "held"].into_iter().flat_map(|field| holds[field].as_array().into_iter().flatten());
    lines
        .map(|line| {
            let text = |field: &str| line["key"][field].as_str().map(str::to_owned).context("a hold without a key");
            Ok((text("object")?, text("holder")?.to_ascii_lowercase()))
        })
        .collect()
}

/// The target's own journal as (operation, object, holder in lower case).
fn journal(folder: &Path) -> Result<Vec<(String, String, String)>> {
    let path = folder.join("target.db");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let target = EmbeddedTarget::open(&path, "target")?;
    Ok(target.journal()?.into_iter().map(|row| (row.operation, row.object, row.holder.to_ascii_lowercase())).collect())
}

fn count(
    before: &BTreeSet<Tuple>,
    state: &BTreeSet<Tuple>,
    options: &Options,
    written: &[(String, String, String)],
    report: &mut Report,
) {
    for (operation, _, _) in written {
        *report.mutations.entry(operation.clone()).or_default() += 1;
    }
    let (old, new) = (expected(before, options), expected(state, options));
    report.role_changes += new.iter().filter(|(key, role)| old.get(*key).is_some_and(|former| former != *role)).count() as u64;
    for (group, principal, role) in state.difference(before) {
        let respelled =
            before.iter().any(|(g, p, r)| g == group && r == role && p != principal && p.eq_ignore_ascii_case(principal));
        if respelled {
            report.respellings += 1;
            let holder = principal.to_ascii_lowercase();
            report.respelling_writes +=
                written.iter().filter(|(_, object, who)| object == group && *who == holder).count() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{civil_day, next_month};

    #[test]
    fn months_begin_where_calendars_say() {
        for (t, next) in [(0, 2_678_400), (951_782_400, 951_868_800), (1_582_934_400, 1_583_020_800)] {
            assert_eq!(next_month(t), next, "{t}");
        }
        assert_eq!(civil_day(0), 1);
    }
}
