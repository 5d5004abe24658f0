//! The cases that are measured: those of a generated estate's first day, as a run makes them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use serde_json::json;
use trueup::correlate::{Cases, Identity};
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
    for file in estate.sources().into_iter().filter(|file| file.from_day == DAY) {
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
