//! What is written is what discovery reads: the formats fit, manifests make files complete, and what goes wrong is seen.

use std::path::Path;
use std::sync::Arc;

use super::scripted::Folder;
use super::*;
use crate::discover::files::{Alias, CompleteBy, FileConfig, FileSource, RowKind};
use crate::discover::{Completeness, DiscoverError, Discovery, Scan, Snapshot, Source, Survey, discover, record_counts};
use crate::ledger::ScanCount;
use crate::progress::Silent;

fn source(file: &SourceFile, folder: &Path, day: u16) -> Arc<dyn Source> {
    let kind = match file.kind {
        FileKind::People => RowKind::People,
        FileKind::Accounts => RowKind::Accounts,
        FileKind::Credentials => RowKind::Credentials,
        FileKind::Entitlements => RowKind::Entitlements,
        FileKind::Grants => RowKind::Grants,
    };
    let mut config = FileConfig::new(file.name, Path::new(file.file), kind);
    config.covers.clone_from(&file.covers);
    match file.manifest {
        true => config.complete = CompleteBy::Manifest,
        false => config.read_at = instant(day),
    }
    let (to, from) = renaming();
    config.aliases.push(Alias { from, to });
    Arc::new(FileSource::open(config, folder).unwrap())
}

/// Writes a day's sources and reads them as discovery does.
fn read(estate: &Estate, day: u16, folder: &Path, counts: &[ScanCount]) -> Result<Survey, DiscoverError> {
    estate.write_sources(day, folder).unwrap();
    let files = estate.sources();
    let sources: Vec<_> = files.iter().filter(|f| f.from_day <= day).map(|f| source(f, folder, day)).collect();
    let options = Discovery {
        as_of: instant(day),
        now: instant(day),
        max_age_seconds: 3_600,
        spool: folder.join("spool"),
        scratch: folder.join("scratch"),
        counts: counts.to_vec(),
        keys_dir: folder.join("keys"),
        released: BTreeSet::new(),
    };
    for part in ["spool", "scratch", "keys"] {
        if part != "keys" {
            let _ = std::fs::remove_dir_all(folder.join(part));
        }
        std::fs::create_dir_all(folder.join(part)).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(discover(&sources, &[], &options, Arc::new(Silent)))
}

fn incomplete(snapshot: &Snapshot) -> Vec<&Scan> {
    snapshot.scans.iter().filter(|scan| scan.completeness != Completeness::Complete).collect()
}

/// The grants that discovery read, by their keys in the spelling of the targets.
fn grants(snapshot: &Snapshot) -> BTreeSet<(String, String, String)> {
    let text = |sym| snapshot.symbols.text(sym).to_owned();
    let grants = snapshot.desired.iter().filter(|fact| fact.subject == Subject::Grant);
    grants.map(|fact| (text(fact.target), text(fact.holder), text(fact.object))).collect()
}

#[test]
fn discovery_reads_what_was_meant() {
    let folder = Folder::new("read");
    let estate = Estate::with(small(), 4, Options::default());
    for day in [0, 15] {
        let snapshot = read(&estate, day, &folder.0, &[]).unwrap().whole().unwrap();
        let meant = estate.grants(day).filter(|row| row.target != "wiki").map(|row| (row.target, row.holder, row.object));
        assert_eq!(grants(&snapshot), meant.collect());
        assert_eq!(snapshot.people.len(), estate.people(day).count());
        assert_eq!(snapshot.entitlements.len(), estate.entitlements().count());
        assert_eq!(snapshot.scans.iter().filter(|scan| scan.read_at != instant(day)).count(), 0);
    }
}

#[test]
fn discovery_sees_what_goes_wrong() {
    let folder = Folder::new("wrong");
    let estate = Estate::with(small(), 4, Options::default());
    let before = read(&estate, 15, &folder.0, &[]).unwrap();
    let counts = record_counts(&before, &folder.0.join("keys")).unwrap();
    let half = read(&estate, 16, &folder.0, &counts).unwrap().snapshot;
    let shrunk: Vec<_> = incomplete(&half).into_iter().filter(|scan| scan.source == "crm-export").collect();
    assert!(matches!(shrunk[..], [Scan { completeness: Completeness::Shrunk { .. }, .. }]), "{shrunk:?}");

    // Renamed, but the alias knows.
    let renamed = read(&estate, 23, &folder.0, &[]).unwrap().whole().unwrap();
    let (old, _) = renaming();
    assert!(grants(&renamed).iter().filter(|(target, ..)| target == "registry").all(|(.., object)| object.starts_with(&old)));

    let malformed = Options { stories: false, mess: Mess { malformed: true, ..Mess::default() } };
    let error = read(&Estate::with(small(), 4, malformed), 0, &folder.0, &[]).map(|_| ()).unwrap_err();
    assert!(matches!(&error, DiscoverError::Row { line: 101, field, .. } if field == "expires_at"), "{error}");
}
