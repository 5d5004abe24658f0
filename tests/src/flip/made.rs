//! The small store that is changed, in two images: as it lies when nobody has it open, and as a crash leaves it, with what was
//! committed last in the write-ahead log alone. Owns how it is made, copied and verified.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;
use trueup::Clock;
use trueup::audit::LogHead;
use trueup::discover::{FileConfig, FileSource, Source};
use trueup::engine::{Engine, Options, Parts, Revocation};
use trueup::ledger::{Adoption, Batch, Entry, Leaf, Opening, Settled};
use trueup::model::{ChangeId, Digest, GateKind, Holding, Mode, RuleChange, RuleStep, RunId, Scope, Scopes, Subject, Time};
use trueup::notary::Keyring;
use trueup::rule::Settings;
use trueup::target::{EmbeddedRow, EmbeddedTarget, Target};

/// When the first run is.
const BEGIN: Time = Time::from_seconds(1_772_323_200);
const ORIGIN: &str = "example.com/audit/small";
const TENANT: &str = "small";

/// A store and its keys, in a folder.
pub struct Image {
    /// What it is called.
    pub name: &'static str,
    /// Where it is: `store` and `keys`.
    pub folder: PathBuf,
    _kept: TempDir,
}

struct Hands(AtomicI64);

#[trueup::async_trait]
impl Clock for Hands {
    fn now(&self) -> Time {
        Time::from_seconds(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, seconds: u32) {
        self.0.fetch_add(i64::from(seconds), Ordering::SeqCst);
    }
}

/// Makes the store, and both images of it.
///
/// # Errors
/// When anything about it fails.
pub fn images() -> Result<[Image; 2]> {
    let made = memory()?;
    let folder = made.path();
    Keyring::create(&folder.join("keys"), ORIGIN, [7; 32])?;
    let target = EmbeddedTarget::open(&folder.join("crm.db"), "crm")?;
    let hour = |hours: i64| BEGIN.plus(hours * 3_600);
    target.seed((1..=6).map(|number| {
        let holding = Holding { level: "member".to_owned(), expires_at: hour(number), ..Holding::default() };
        let (holder, object) = (format!("user{number}"), "team:a".to_owned());
        EmbeddedRow { subject: Subject::Grant, holder, object, holding, last_used: Time::NONE, via: String::new() }
    }))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build()?;
    let run = |hour: i64| -> Result<Engine> {
        let engine = writer(folder, hour)?;
        runtime.block_on(engine.run(None))?;
        Ok(engine)
    };
    drop(writer(folder, 0)?);
    small_pages(&folder.join("store/ledger/ledger.sqlite"))?;
    rest(&writer(folder, 0)?)?;
    drop(run(1)?);
    let engine = run(2)?;
    let leaves = engine.leaves(0, 100)?;
    let intent = leaves.iter().find(|leaf| !leaf.bodies.is_empty()).context("a leaf with states")?;
    engine.redact(intent.index, "ada", "asked for")?;
    let mut call = Revocation::default();
    (call.target, call.holder, call.by, call.why) = ("crm".into(), "user6".into(), "ada".into(), "leaked".into());
    runtime.block_on(engine.revoke(&call))?;
    engine.checkpoint()?;
    drop(engine);
    call.holder = "user5".to_owned();
    looker(folder)?.call(&call)?;
    let settled = image("settled", folder)?;
    fs::remove_dir_all(folder.join("store/calls"))?;
    let open = run(3)?;
    let torn = image("torn", folder)?;
    drop(open);
    Ok([settled, torn])
}

/// Makes the pages of an empty database as small as SQLite has them. Most tables hold less than a page of the usual size, and every
/// byte of what lies empty behind their rows would be changed for nothing.
fn small_pages(database: &Path) -> Result<()> {
    let conn = rusqlite::Connection::open(database)?;
    // The size of pages is chosen when a database is written anew, and not beside a write-ahead log.
    conn.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    conn.execute_batch("PRAGMA page_size = 512; VACUUM")?;
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    let size: u32 = conn.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    ensure!(size == 512, "pages have {size} bytes");
    Ok(())
}

/// Rows of every kind that runs without a rule do not write.
fn rest(engine: &Engine) -> Result<()> {
    let (change, at) = (ChangeId(Digest::of(b"a change")), BEGIN);
    let (by, why) = ("ada".to_owned(), "a test".to_owned());
    let opening = Opening { change, gate: GateKind::Approval, by: by.clone(), why: why.clone(), at };
    let module = Digest::of(b"a module");
    let step = RuleStep { module, rule: "small@1.0.0".to_owned(), what: RuleChange::Admitted, by, why, at };
    let adoption = Adoption { scope: "crm/*".to_owned(), mode: Mode::Authoritative, module, at };
    let leaves = vec![Leaf::approval(RunId(0), &opening), Leaf::rule(RunId(0), &step)];
    let entries = vec![Entry::Opened(opening), Entry::Rule(step), Entry::Adopted(adoption)];
    let owned = engine.ledger().acquire(TENANT)?;
    let ticket = engine.ledger().submit(&owned, Batch { entries, leaves })?;
    match engine.ledger().wait(ticket)? {
        Settled::Committed(LogHead { .. }) => Ok(()),
        other => bail!("it was not committed: {other:?}"),
    }
}

fn parts(folder: Option<&Path>) -> Result<Parts> {
    let mut sources: Vec<Arc<dyn Source>> = Vec::new();
    let mut targets: Vec<Arc<dyn Target>> = Vec::new();
    if let Some(folder) = folder {
        fs::write(folder.join("grants.tsv"), "holder\tobject\tlevel\nuser5\tteam:a\tmember\n")?;
        let config =
            serde_json::json!({"name": "grants", "path": "grants.tsv", "kind": "grants", "target": "crm", "complete": "always"});
        let config: FileConfig = serde_json::from_value(config)?;
        sources.push(Arc::new(FileSource::open(config, folder)?));
        targets.push(Arc::new(EmbeddedTarget::open(&folder.join("crm.db"), "crm")?));
    }
    let scopes = Scopes(vec![Scope { target: "crm".to_owned(), objects: "*".to_owned(), mode: Mode::Authoritative }]);
    let mut options = Options::default();
    (options.threads, options.max_age) = (1, i64::MAX);
    let (settings, tenant) = (Settings::default(), TENANT.to_owned());
    Ok(Parts { tenant, sources, targets, module: None, settings, scopes, sink: None, options })
}

/// An engine that writes, at an hour of its own.
fn writer(folder: &Path, hour: i64) -> Result<Engine> {
    let clock = Hands(AtomicI64::new(BEGIN.plus(hour * 3_600).seconds()));
    let engine = Engine::open(parts(Some(folder))?, &folder.join("store"))?.on_clock(Arc::new(clock));
    Ok(engine.signed_by(Keyring::open(&folder.join("keys"))?))
}

/// An engine that looks.
fn looker(folder: &Path) -> Result<Engine> {
    Ok(Engine::open_read_only(parts(None)?, &folder.join("store"))?)
}

/// What `trueup audit verify` does.
pub(super) fn verify(folder: &Path) -> Result<()> {
    let engine = looker(folder)?.signed_by(Keyring::open(&folder.join("keys"))?);
    engine.verify_log()??;
    engine.verify_store()?;
    for run in engine.runs(u32::MAX)? {
        // Not verified, but nobody may fall over it.
        drop(trueup::engine::RunReport::read(&engine.store().report(run.run)));
    }
    Ok(())
}

/// A folder that is not flushed anywhere, where the system has one.
fn memory() -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    Ok(if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? })
}

fn image(name: &'static str, from: &Path) -> Result<Image> {
    let kept = memory()?;
    for part in ["store", "keys"] {
        copy_into(&from.join(part), &kept.path().join(part))?;
    }
    let shared = kept.path().join("store/ledger/ledger.sqlite-shm");
    if shared.exists() {
        fs::remove_file(shared)?;
    }
    Ok(Image { name, folder: kept.path().to_owned(), _kept: kept })
}

/// A copy of an image for one worker.
pub(super) fn copy(image: &Path) -> Result<TempDir> {
    let kept = memory()?;
    for part in ["store", "keys"] {
        copy_into(&image.join(part), &kept.path().join(part))?;
    }
    Ok(kept)
}

fn copy_into(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let to = to.join(path.file_name().context("a name")?);
        if path.is_dir() { copy_into(&path, &to)? } else { _ = fs::copy(&path, &to)? }
    }
    Ok(())
}
