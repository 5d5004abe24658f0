//! The cases that are measured: those of a generated estate's first day, as a run makes them, cut into batches of a size.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use serde_json::json;
use trueup::correlate::{Batch, Cases, Identity};
use trueup::discover::{FileConfig, FileSource, Source};
use trueup::generate::{Estate, FileKind, Profile};
use trueup::model::{Mode, Scope, Scopes};
use trueup::rule::Module;
use trueup::target::{EmbeddedTarget, Target};

use super::super::SEED;
use super::super::estate::{Systems, embedded};
use super::super::judging;

const DAY: u16 = 0;

/// All cases, and whole identities.
pub(super) fn of(profile: Profile, folder: &Path, module: &Module) -> Result<(Cases, Vec<Identity>)> {
    let estate = Estate::new(profile, SEED);
    let scope = |target: &str| Scope { target: target.to_owned(), objects: "*".to_owned(), mode: Mode::Authoritative };
    let systems = Systems {
        sources: sources(&estate, folder)?,
        targets: targets(&estate, folder)?,
        scopes: Scopes(estate.targets().map(scope).collect()),
    };
    let cases = judging::cases_of(&systems, folder, module)?;
    let whole = cases.identities.clone();
    Ok((cases, whole))
}

fn sources(estate: &Estate, folder: &Path) -> Result<Vec<Arc<dyn Source>>> {
    let written = folder.join("sources");
    fs::create_dir(&written)?;
    estate.write_sources(DAY, &written)?;
    let mut sources: Vec<Arc<dyn Source>> = Vec::new();
    for file in estate.sources().into_iter().filter(|file| file.from_day <= DAY) {
        let kind = match file.kind {
            FileKind::People => "people",
            FileKind::Accounts => "accounts",
            FileKind::Credentials => "credentials",
            FileKind::Entitlements => "entitlements",
            FileKind::Grants => "grants",
        };
        let mut config = json!({ "name": file.name, "path": file.file, "kind": kind, "complete": "always" });
        if !file.covers.is_empty() {
            config["covers"] = json!(file.covers);
        }
        let config: FileConfig = serde_json::from_value(config)?;
        sources.push(Arc::new(FileSource::open(config, &written)?));
    }
    Ok(sources)
}

fn targets(estate: &Estate, folder: &Path) -> Result<Vec<Arc<dyn Target>>> {
    let mut targets: Vec<Arc<dyn Target>> = Vec::new();
    for name in estate.targets() {
        let target = EmbeddedTarget::open(&folder.join(format!("{name}.db")), name)?;
        target.seed(estate.observed(DAY).filter(|row| row.target == name).map(embedded))?;
        targets.push(Arc::new(target));
    }
    Ok(targets)
}

/// Cuts the first `total` cases into batches of exactly this size, so that engines are compared over equal batches. A run
/// never cuts an identity; here one that lies across a border is cut there.
pub(super) fn cut(cases: &mut Cases, whole: &[Identity], total: u32, size: u32) {
    cases.identities.clear();
    cases.batches.clear();
    let mut from = 0;
    while from < total {
        let (to, first) = ((from + size).min(total), cases.identities.len() as u32);
        let begin = whole.partition_point(|identity| identity.cases.end <= from);
        let inside = whole.iter().skip(begin).take_while(|identity| identity.cases.start < to);
        cases.identities.extend(
            inside.map(|identity| Identity {
                cases: identity.cases.start.max(from)..identity.cases.end.min(to),
                ..identity.clone()
            }),
        );
        let identities = first..cases.identities.len() as u32;
        cases.batches.push(Batch { identities, cases: from..to, too_large: false });
        from = to;
    }
}
