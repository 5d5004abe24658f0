//! A disk that is really full while a plan is made: a small file system is filled to different places, and freed again. Each
//! place gives an error that names what could not be written, and leaves a store that plans the same as one that was never in need.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::estate::{Estate, block_on, held};
use crate::decide::fixture::NOW;
use crate::engine::EngineError;
use crate::ledger::fixture::SmallDisk;
use crate::model::{Change, Digest, PlanId};
use crate::plan::{HeldLine, PlanFile};

const PEOPLE: usize = 3_000;
/// How near to each other the places are that are tried, in bytes: each stage writes more.
const STEP: u64 = 16_384;
/// Where the disk must have been full, and how each is known from the error.
const STAGES: [(&str, &str); 9] = [
    ("pages", "/store/pages/run-1/observed-gh.pages`"),
    ("keys of scans, as they come", "/store/spill/scan-"),
    ("keys of scans, kept", "/store/keys/"),
    ("facts in parts", "/store/spill/facts-"),
    ("lines of changes", "/store/spill/changes-"),
    ("held lines", "/store/spill/held-0`"),
    ("rows to record", "/store/spill/seen-"),
    ("merging", "/store/plans/next.plan`"),
    ("recording the seal", "the plan stands: cannot write the ledger"),
];

/// About 3,000 facts in six parts. So many end that they wait for a person, and nothing is ever committed.
fn estate() -> Estate {
    let end = |i: usize| if i.is_multiple_of(3) { NOW - 1 } else { 0 };
    let mut estate = Estate::new((0..PEOPLE).map(|i| held(&format!("p{i:04}"), "team:a", end(i))));
    estate.part = 500;
    estate
}

/// An estate whose store has a small disk of its own, and the store as it was before the first plan.
struct Trial {
    estate: Estate,
    disk: SmallDisk,
    /// What a store that was never in need plans, and what is recorded before.
    expected: PlanId,
    lines: Lines,
    recorded: Digest,
    /// The errors that were met, and with how much room.
    met: BTreeMap<String, u64>,
}

impl Trial {
    fn store(&self) -> std::path::PathBuf {
        self.estate.path("store")
    }

    /// Puts the store back as it was before the first plan.
    fn begin(&self) {
        for entry in fs::read_dir(self.store()).unwrap() {
            fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
        copy(&self.estate.path("before"), &self.store());
    }

    /// What a first plan comes to with so much room, after which all must be as if it had not been tried: where it failed.
    fn with(&mut self, spared: u64) -> Option<String> {
        self.begin();
        self.disk.fill(spared);
        let ended = self.estate.try_engine().and_then(|engine| block_on(engine.plan(None)));
        self.disk.free();
        let failed = ended.map(|planned| assert_eq!(planned.plan, self.expected)).err();
        let text = failed.map(|error| self.judge(&error, spared))?;
        self.nothing_is_half_done(spared);
        if self.met.insert(text.clone(), spared).is_none() {
            self.plans_as_ever();
        }
        STAGES.iter().find(|(_, mark)| text.contains(mark)).map_or(Some(text), |(stage, _)| Some((*stage).to_owned()))
    }

    /// What an error says, which must be one of a full disk.
    fn judge(&self, error: &EngineError, spared: u64) -> String {
        let (mut root, mut text): (&dyn Error, _) = (error, error.to_string());
        while let Some(source) = root.source() {
            root = source;
            text += &format!(": {root}");
        }
        let full = ["No space left on device (os error 28)", "database or disk is full", "the disk may be full"];
        assert!(full.iter().any(|end| text.ends_with(end)), "with {spared} bytes left: {text}");
        let stands = fs::read_dir(self.store().join("plans")).unwrap().count() > 0;
        let text = if stands { "the plan stands: " } else { "" }.to_owned() + &text;
        text.replace(&self.store().display().to_string(), "/store")
    }

    fn nothing_is_half_done(&self, spared: u64) {
        assert!(!self.store().join("spill").exists(), "with {spared} bytes left");
        for entry in fs::read_dir(self.store().join("plans")).unwrap() {
            let file = PlanFile::open(&entry.unwrap().path()).unwrap();
            file.verify().unwrap();
            assert_eq!(file.id(), self.expected, "with {spared} bytes left");
        }
        let engine = self.estate.engine();
        assert!(engine.verify_log().unwrap().is_ok());
    }

    /// The next plan is that of a store that was never in need. Where the disk was full between the batches that date what was
    /// seen, the digest of recorded state is another, and nothing else is.
    fn plans_as_ever(&self) {
        let dated = self.estate.engine().ledger().recorded_root("acme").unwrap() != self.recorded;
        let planned = self.estate.plan();
        assert!(planned.plan == self.expected || dated);
        assert!(lines(&self.estate, planned.plan) == self.lines);
        let files = |folder: &str| fs::read_dir(self.store().join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(files("plans").all(|name| name.to_string_lossy().len() == self.expected.to_string().len() + ".plan".len()));
        assert!(files("keys").all(|name| name.to_string_lossy().ends_with(".keys")));
    }

    /// A run that was to commit goes on with the pages that it has.
    fn resumes(&self, spared: u64) {
        self.begin();
        self.disk.fill(spared);
        let ended = block_on(self.estate.engine().run(None));
        self.disk.free();
        assert!(matches!(ended, Err(EngineError::Discover(_))), "with {spared} bytes left");
        let (planned, _) = block_on(self.estate.engine().resume()).unwrap().unwrap();
        assert_eq!(planned.unwrap().plan, self.expected);
    }

    /// Looks between two places until whatever fails there fails alike, or nothing is between.
    fn between(&mut self, (low, low_failed): (u64, Option<String>), (high, high_failed): (u64, Option<String>), coarse: u64) {
        let middle = (low + high) / 2 / STEP * STEP;
        if middle <= low || (low_failed == high_failed && high - low <= coarse) {
            return;
        }
        let failed = self.with(middle);
        self.between((low, low_failed), (middle, failed.clone()), coarse);
        self.between((middle, failed), (high, high_failed), coarse);
    }
}

/// All that a plan holds but its first line.
type Lines = (Vec<Change>, Vec<HeldLine>);

fn lines(estate: &Estate, plan: PlanId) -> Lines {
    (estate.file(plan).changes().map(Result::unwrap).collect(), estate.held_lines(plan))
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
    assert!(copied.success());
}

#[test]
fn a_disk_that_is_full_ends_planning_clearly_and_leaves_nothing_half_done() {
    let undisturbed = estate();
    let recorded = undisturbed.engine().ledger().recorded_root("acme").unwrap();
    let expected = undisturbed.plan();
    assert!(expected.report.parts == 6 && expected.header.changes == 1_000 && expected.header.summary.gated["budget"] == 1_000);
    let lines = lines(&undisturbed, expected.plan);
    let estate = estate();
    fs::rename(estate.path("store"), estate.path("before")).unwrap();
    fs::create_dir(estate.path("store")).unwrap();
    let Some(disk) = SmallDisk::at(&estate.path("store"), 16) else { return };
    let mut trial = Trial { disk, estate, expected: expected.plan, lines, recorded, met: BTreeMap::new() };
    let mut enough = 1 << 20;
    while trial.with(enough).is_some() {
        enough *= 2;
    }
    let nothing = trial.with(0);
    assert!(nothing.is_some());
    trial.between((0, nothing), (enough, None), enough / 8);
    let met: Vec<String> = trial.met.iter().map(|(error, spared)| format!("{spared:8} bytes left: {error}")).collect();
    println!("errors met:\n  {}", met.join("\n  "));
    for (stage, mark) in STAGES {
        assert!(met.iter().any(|error| error.contains(mark)), "the disk was never full at: {stage}\n  {}", met.join("\n  "));
    }
    let dealing = trial.met.iter().find(|(error, _)| error.contains("/store/spill/facts-")).map(|(_, spared)| *spared).unwrap();
    trial.resumes(dealing);
}
