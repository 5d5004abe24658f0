//! Runs discovery: every source and target at once, page by page, each page stored before the next is asked for. Owns
//! which failures end the run and which only make a scan incomplete.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet, spawn_blocking};

use super::assemble::{Part, Sorted, finish, join, renumber_entitlement, renumber_person};
use super::gate::Gate;
use super::gather::{Gathered, Gathering};
use super::reading::Reading;
use super::spool::Spool;
use super::survey::{self, Survey};
use super::{Completeness, Cursor, DiscoverError, Page, Scan, ScanSide, Source, Subjects};
use crate::ledger::ScanCount;
use crate::limits::ROWS_AT_ONCE;
use crate::model::{Digest, Sym, Time};
use crate::progress::{Observer, Progress};
use crate::target::Target;

/// What discovery is told.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// The one instant of the plan.
    pub as_of: Time,
    /// When the run reads: the read instant of whoever does not say one.
    pub now: Time,
    /// A source read longer before `as_of` than this is stale.
    pub max_age_seconds: i64,
    /// Directory of the spool files. Those of a finished run may be removed.
    pub spool: PathBuf,
    /// Directory for what the run keeps on disk while it works: it exists, and nobody else writes there.
    pub scratch: PathBuf,
    /// The last complete scans.
    pub counts: Vec<ScanCount>,
    /// Directory of the keys of the last complete scans.
    pub keys_dir: PathBuf,
    /// Digests of shrunk scans that a person released.
    pub released: BTreeSet<Digest>,
}

/// Reads all sources and targets into pages. What they say decides the result, not who was faster. What is kept in memory is
/// who and what is named, not the facts: those are gone through again with [`Survey::pages`].
///
/// Rows of an incomplete scan count as present; only their absence means nothing.
///
/// # Errors
/// When a row is malformed, a configured file does not exist, or pages cannot be stored. A source or target that cannot be
/// read makes its scans incomplete instead.
pub async fn discover(
    sources: &[Arc<dyn Source>],
    targets: &[Arc<dyn Target>],
    options: &Discovery,
    observer: Arc<dyn Observer>,
) -> Result<Survey, DiscoverError> {
    let origins = sources.iter().cloned().map(Origin::Source).chain(targets.iter().cloned().map(Origin::Target));
    let mut origins: Vec<Origin> = origins.collect();
    origins.sort_by(|a, b| (a.side(), a.name()).cmp(&(b.side(), b.name())));
    let config =
        |origin: &Origin, problem: &str| DiscoverError::Config { name: origin.name().to_owned(), problem: problem.to_owned() };
    let twice = origins.iter().zip(origins.iter().skip(1)).find(|(a, b)| (a.side(), a.name()) == (b.side(), b.name()));
    if let Some((origin, _)) = twice {
        return Err(config(origin, "another one has the same name"));
    }
    let shared = Arc::new(Shared {
        options: options.clone(),
        observer,
        gathering: Gathering::new(&options.scratch),
        rows: Semaphore::new(ROWS_AT_ONCE),
    });
    let mut tasks = JoinSet::new();
    let mut scans = 0;
    for origin in origins {
        let part = origin.part(options);
        let base = scans as u16;
        scans += part.scans.len();
        if scans > usize::from(u16::MAX) {
            return Err(config(&origin, "there are more than 65535 scans in all"));
        }
        tasks.spawn(read(origin, Reading::new(part), base, Arc::clone(&shared)));
    }
    let mut reads = Vec::new();
    while let Some(done) = tasks.join_next().await {
        reads.push(done.map_err(|error| stopped("discovery", error))??);
    }
    spawn_blocking(move || survey(reads, &shared)).await.map_err(|error| stopped("discovery", error))?
}

/// What all readers share.
struct Shared {
    options: Discovery,
    observer: Arc<dyn Observer>,
    gathering: Gathering,
    /// How many rows of pages may be in memory.
    rows: Semaphore,
}

/// Puts together what was read.
fn survey(mut reads: Vec<Read>, shared: &Shared) -> Result<Survey, DiscoverError> {
    reads.sort_by_key(|read| read.base);
    let gated =
        reads.iter().filter(|read| read.gate).map(|read| (read.part.part().side, read.part.part().name.clone())).collect();
    let Discovery { spool, counts, keys_dir, released, .. } = &shared.options;
    let mut survey = put_together(reads, shared.gathering.finish(), spool)?;
    Gate { counts, keys_dir, released }.settle(&mut survey, &gated)?;
    Ok(survey)
}

/// A survey of what was read, in the order of scans, as far as each scan vouches for itself.
pub(super) fn put_together(reads: Vec<Read>, gathered: Gathered, spool: &Path) -> Result<Survey, DiscoverError> {
    let origin = |read: &Read| {
        let Part { side, name, .. } = read.part.part();
        survey::Origin { side: *side, name: name.clone(), base: read.base, facts: read.facts }
    };
    let origins = reads.iter().map(origin).collect();
    let (mut snapshot, places) = join(reads.into_iter().map(|read| read.part).collect())?;
    finish(&mut snapshot, gathered.rows)?;
    let own = std::mem::replace(&mut snapshot.symbols, gathered.symbols);
    let symbols = &mut snapshot.symbols;
    let mut of = |sym: Sym| symbols.intern(own.text(sym));
    let people = snapshot.people.iter_mut().chain(&mut snapshot.stated_people);
    people.for_each(|person| renumber_person(person, &mut of));
    let rows = snapshot.entitlements.iter_mut().chain(&mut snapshot.stated_entitlements);
    rows.for_each(|row| renumber_entitlement(row, &mut of));
    Ok(Survey { snapshot, names: gathered.names, places, spool: spool.to_owned(), origins, keys: gathered.keys })
}

/// A panic goes on; a task that was cancelled is an error of the run's end.
pub(super) fn stopped(name: &str, error: JoinError) -> DiscoverError {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => DiscoverError::Unreadable { name: name.to_owned(), problem: "the run is ending".to_owned() },
    }
}

/// Whoever pages come from.
enum Origin {
    Source(Arc<dyn Source>),
    Target(Arc<dyn Target>),
}

impl Origin {
    const fn side(&self) -> ScanSide {
        match self {
            Self::Source(_) => ScanSide::Desired,
            Self::Target(_) => ScanSide::Observed,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Source(source) => source.name(),
            Self::Target(target) => target.name(),
        }
    }

    async fn version(&self) -> Result<String, DiscoverError> {
        match self {
            Self::Source(source) => source.version().await,
            Self::Target(target) => target.version().await,
        }
    }

    async fn page(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError> {
        match self {
            Self::Source(source) => source.page(after).await,
            Self::Target(target) => target.page(after).await,
        }
    }

    /// An empty part with a scan for each target that is spoken for.
    fn part(&self, options: &Discovery) -> Part {
        let (name, mut targets, mut subjects, place, read_at) = match self {
            Self::Source(s) => (s.name(), s.covers().to_vec(), s.subjects(), s.place(), s.read_at().unwrap_or(options.now)),
            Self::Target(t) => (t.name(), vec![t.name().to_owned()], Subjects::ALL, t.name(), options.now),
        };
        if targets.is_empty() {
            (targets, subjects) = (vec![String::new()], Subjects::NONE);
        }
        targets.sort();
        targets.dedup();
        let stale = options.as_of.seconds().saturating_sub(read_at.seconds()) > options.max_age_seconds;
        let scan = |target| Scan {
            source: name.to_owned(),
            side: self.side(),
            target,
            subjects,
            read_at,
            rows: 0,
            completeness: if stale { Completeness::Stale } else { Completeness::Complete },
            digest: Digest::default(),
        };
        Part::new(name, place, self.side(), targets.into_iter().map(scan).collect())
    }
}

/// What became of one origin.
pub(super) struct Read {
    pub(super) part: Sorted,
    /// The number of its first scan.
    pub(super) base: u16,
    pub(super) facts: u64,
    /// Nobody vouches for its completeness: the shrink gate decides.
    pub(super) gate: bool,
}

/// Reads one origin to its end, or as far as it can be read.
async fn read(origin: Origin, mut reading: Reading, base: u16, shared: Arc<Shared>) -> Result<Read, DiscoverError> {
    let (name, side) = (origin.name().to_owned(), origin.side());
    let mut broken = None;
    match origin.version().await {
        Ok(version) => {
            // What is covered decides what a row may say, so stored pages hold for the same coverage only.
            let covers: Vec<&str> = reading.part.scans.iter().map(|scan| scan.target.as_str()).collect();
            let version = if version.is_empty() { version } else { format!("{version}\n{}", covers.join("\n")) };
            let mut spool;
            (reading, spool) = blocking(&name, {
                let (name, shared) = (name.clone(), Arc::clone(&shared));
                move || {
                    let spool = Spool::open(&shared.options.spool, side, &name, &version, |mut page| {
                        reading.take(&mut page)?;
                        shared.gathering.take(&page, side, base)
                    })?;
                    Ok((reading, spool))
                }
            })
            .await?;
            while reading.ended.is_none() {
                // A page is taken for as large as the one before. Nobody closes the semaphore.
                let _room = shared.rows.acquire_many(reading.expected).await;
                match origin.page(reading.next.as_ref()).await {
                    Ok(mut page) => {
                        let gathering = Arc::clone(&shared);
                        let stored = move || {
                            reading.take(&mut page)?;
                            spool.append(&page)?;
                            gathering.gathering.take(&page, side, base)?;
                            Ok((reading, spool))
                        };
                        (reading, spool) = blocking(&name, stored).await?;
                        shared.observer.on(&Progress::Page { source: name.clone(), rows: reading.rows });
                    }
                    Err(error @ DiscoverError::Unreadable { .. }) => {
                        broken = Some(error.to_string());
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Err(error @ DiscoverError::Unreadable { .. }) => broken = Some(error.to_string()),
        Err(error) => return Err(error),
    }
    blocking(&name, move || {
        let gate = reading.finish(broken);
        Ok(Read { facts: reading.facts, part: Sorted::new(reading.part), base, gate })
    })
    .await
}

async fn blocking<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, DiscoverError> + Send + 'static,
) -> Result<T, DiscoverError> {
    spawn_blocking(work).await.map_err(|error| stopped(name, error))?
}
