//! A generated month, run day by day in two places at once: one judges everything every day, the other only what changed. Their
//! plans must be the same bytes. Owns the month; who looks at it decides what is shown.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use trueup::discover::{FileConfig, FileSource, Source};
use trueup::engine::{Engine, Options, Parts, Release, RunReport};
use trueup::generate::{self, Estate, FileKind, ObservedRow, Shape};
use trueup::model::{Holding, Mode, Scope, Scopes};
use trueup::plan::Header;
use trueup::rule::Module;
use trueup::target::{EmbeddedRow, EmbeddedTarget, Target};

use crate::bench::cpu_seconds;
use crate::estate::{StandingClock, block_on};

/// What a month is made of.
pub struct Month {
    /// How large.
    pub shape: Shape,
    /// Which.
    pub seed: u64,
    /// The last of its days, counted from zero.
    pub days: u16,
    /// Facts of one part of a plan, where only what changed is judged; elsewhere a plan is made as usual.
    pub part: u64,
    /// Whether the estate has its stories: then somebody must be able to break the glass, and keys take the place of others.
    pub stories: bool,
    /// Whether targets tell every day when access was last used. If not, they tell what they told on the first day.
    pub used: bool,
}

/// What one place did on one day.
pub struct Made {
    /// The plan's first line.
    pub header: Header,
    /// What else it tells.
    pub report: RunReport,
    /// How long each stage took.
    pub stages: Vec<(&'static str, Duration)>,
    /// Processor time of planning, in seconds.
    pub cpu: f64,
}

/// One day in both places.
pub struct Day {
    /// Counted from zero.
    pub day: u16,
    /// Where all is judged.
    pub full: Made,
    /// Where only what changed is judged.
    pub incremental: Made,
}

/// Lives a month in a folder, and shows each day.
///
/// # Errors
/// When two plans of a day differ, a run fails, or `each` does.
pub fn live(month: &Month, module: &Module, folder: &Path, mut each: impl FnMut(&Day) -> Result<()>) -> Result<()> {
    let options = generate::Options { stories: month.stories, ..generate::Options::default() };
    let estate = Estate::with(month.shape, month.seed, options);
    let (full, incremental) =
        (Place::new(folder, "full", &estate, None)?, Place::new(folder, "incremental", &estate, Some(month.part))?);
    for day in 0..=month.days {
        let one = |place: &Place| place.day(&estate, day, month.used && day > 0, module);
        let day = Day { day, full: one(&full)?, incremental: one(&incremental)? };
        ensure!(full.plan(&day.full)? == incremental.plan(&day.incremental)?, "the plans of day {} differ", day.day);
        each(&day)?;
    }
    Ok(())
}

/// The stores of a month that was lived in a folder: where all was judged, and where what changed was.
#[must_use]
pub fn stores(folder: &Path) -> [PathBuf; 2] {
    ["full", "incremental"].map(|name| folder.join(name).join("store"))
}

/// Sources, targets and a store.
struct Place {
    folder: PathBuf,
    /// Facts of a part, where answers are reused.
    reuse: Option<u64>,
}

impl Place {
    fn new(folder: &Path, name: &str, estate: &Estate, reuse: Option<u64>) -> Result<Self> {
        let place = Place { folder: folder.join(name), reuse };
        fs::create_dir_all(place.folder.join("sources"))?;
        for (target, rows) in rows(estate, 0, |_| true) {
            place.target(&target)?.seed(rows)?;
        }
        Ok(place)
    }

    fn target(&self, name: &str) -> Result<EmbeddedTarget> {
        Ok(EmbeddedTarget::open(&self.folder.join(format!("{name}.db")), name)?)
    }

    fn day(&self, estate: &Estate, day: u16, used: bool, module: &Module) -> Result<Made> {
        estate.write_sources(day, &self.folder.join("sources"))?;
        for (target, rows) in rows(estate, day, |row| used && row.last_used.is_some()) {
            self.target(&target)?.use_all(&rows)?;
        }
        let now = Estate::instant(day);
        let engine = self.engine(estate, day, module)?.on_clock(Arc::new(StandingClock(now)));
        let cpu = cpu_seconds()?;
        let planned = block_on(engine.plan(Some(now)))??;
        let cpu = cpu_seconds()? - cpu;
        block_on(engine.apply(planned.plan))??;
        if day == 0 {
            // A first plan removes nothing until a person has looked.
            let mut release = Release::default();
            (release.all, release.by, release.why) = (true, "month".to_owned(), "the first plan was looked at".to_owned());
            engine.release(&release)?;
            block_on(engine.resume())??;
        }
        Ok(Made { header: planned.header, report: planned.report, stages: planned.timings, cpu })
    }

    fn engine(&self, estate: &Estate, day: u16, module: &Module) -> Result<Engine> {
        let mut sources: Vec<Arc<dyn Source>> = Vec::new();
        // A source that comes later is configured when it is there.
        for file in estate.sources().into_iter().filter(|file| file.from_day <= day) {
            let kind = match file.kind {
                FileKind::People => "people",
                FileKind::Accounts => "accounts",
                FileKind::Credentials => "credentials",
                FileKind::Entitlements => "entitlements",
                FileKind::Grants => "grants",
            };
            let complete = if file.manifest { "manifest" } else { "gate" };
            let path = format!("sources/{}", file.file);
            let mut config = json!({ "name": file.name, "path": path, "kind": kind, "complete": complete });
            if !file.covers.is_empty() {
                config["covers"] = json!(file.covers);
            }
            if !file.manifest {
                config["read_at"] = json!(Estate::instant(day));
            }
            let config: FileConfig = serde_json::from_value(config)?;
            sources.push(Arc::new(FileSource::open(config, &self.folder)?));
        }
        let mut targets: Vec<Arc<dyn Target>> = Vec::new();
        for name in estate.targets() {
            targets.push(Arc::new(self.target(name)?));
        }
        let scope = |target: &str| Scope { target: target.to_owned(), objects: "*".to_owned(), mode: Mode::Authoritative };
        let mut options = Options::default();
        options.reuse = self.reuse.is_some();
        options.part = self.reuse.unwrap_or(options.part);
        let parts = Parts {
            tenant: "acme".to_owned(),
            sources,
            targets,
            module: Some(Arc::new(module.clone())),
            settings: module.check_settings(&BTreeMap::new())?,
            scopes: Scopes(estate.targets().map(scope).collect()),
            sink: None,
            options,
        };
        Ok(Engine::open(parts, &self.folder.join("store"))?)
    }

    /// The bytes of a plan.
    fn plan(&self, made: &Made) -> Result<Vec<u8>> {
        let path = self.folder.join("store/plans").join(format!("{}.plan", made.report.plan));
        fs::read(&path).with_context(|| path.display().to_string())
    }
}

/// What targets hold, by target.
fn rows(estate: &Estate, day: u16, of: impl Fn(&ObservedRow) -> bool) -> BTreeMap<String, Vec<EmbeddedRow>> {
    let mut rows: BTreeMap<String, Vec<EmbeddedRow>> = estate.targets().map(|name| (name.to_owned(), Vec::new())).collect();
    for row in estate.observed(day).filter(of) {
        let ObservedRow { subject, target, holder, object, level, enabled, owner, purpose, expires_at, last_used, via } = row;
        let holding = Holding { enabled, expires_at, level, owner, purpose };
        rows.entry(target).or_default().push(EmbeddedRow { subject, holder, object, holding, last_used, via });
    }
    rows
}
