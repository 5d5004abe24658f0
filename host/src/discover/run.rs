//! Runs discovery: every source and target at once, page by page, each page stored before the next is asked for. Owns
//! which failures end the run and which only make a scan incomplete.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::{JoinError, JoinSet, spawn_blocking};

use super::assemble::{Part, Sorted, assemble, renumber_entitlement, renumber_fact, renumber_person};
use super::gate::Gate;
use super::spool::Spool;
use super::{Completeness, Cursor, DiscoverError, Page, Scan, ScanSide, Snapshot, Source, Subjects};
use crate::ledger::ScanCount;
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
    /// The last complete scans.
    pub counts: Vec<ScanCount>,
    /// Directory of the keys of the last complete scans.
    pub keys_dir: PathBuf,
    /// Digests of shrunk scans that a person released.
    pub released: BTreeSet<Digest>,
}

/// Reads all sources and targets. What they say decides the result, not who was faster.
///
/// Rows of an incomplete scan count as present; only their absence means nothing.
///
/// # Errors
/// When a row is malformed or contradicts another, a configured file does not exist, or pages cannot be stored. A source
/// or target that cannot be read makes its scans incomplete instead.
pub async fn discover(
    sources: &[Arc<dyn Source>],
    targets: &[Arc<dyn Target>],
    options: &Discovery,
    observer: Arc<dyn Observer>,
) -> Result<Snapshot, DiscoverError> {
    let origins = sources.iter().cloned().map(Origin::Source).chain(targets.iter().cloned().map(Origin::Target));
    let mut names = BTreeSet::new();
    let mut tasks = JoinSet::new();
    for origin in origins {
        if !names.insert((origin.side(), origin.name().to_owned())) {
            let problem = "another one has the same name".to_owned();
            return Err(DiscoverError::Config { name: origin.name().to_owned(), problem });
        }
        tasks.spawn(read(origin, options.clone(), Arc::clone(&observer)));
    }
    let mut parts = Vec::new();
    let mut gated = BTreeSet::new();
    while let Some(done) = tasks.join_next().await {
        let Read { part, gate } = done.map_err(|error| stopped("discovery", error))??;
        if gate {
            gated.insert((part.part().side, part.part().name.clone()));
        }
        parts.push(part);
    }
    let options = options.clone();
    let finish = move || {
        let mut snapshot = assemble(parts)?;
        let gate = Gate { counts: &options.counts, keys_dir: &options.keys_dir, released: &options.released };
        gate.settle(&mut snapshot, &gated)?;
        Ok(snapshot)
    };
    spawn_blocking(finish).await.map_err(|error| stopped("discovery", error))?
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
struct Read {
    part: Sorted,
    /// Nobody vouches for its completeness: the shrink gate decides.
    gate: bool,
}

/// Reads one origin to its end, or as far as it can be read.
async fn read(origin: Origin, options: Discovery, observer: Arc<dyn Observer>) -> Result<Read, DiscoverError> {
    let mut reading = Reading::new(origin.part(&options));
    let name = origin.name().to_owned();
    let mut broken = None;
    match origin.version().await {
        Ok(version) => {
            // What is covered decides what a row may say, so stored pages hold for the same coverage only.
            let covers: Vec<&str> = reading.part.scans.iter().map(|scan| scan.target.as_str()).collect();
            let version = if version.is_empty() { version } else { format!("{version}\n{}", covers.join("\n")) };
            let (dir, side) = (options.spool.clone(), origin.side());
            let mut spool;
            (reading, spool) = blocking(&name, {
                let name = name.clone();
                move || {
                    let spool = Spool::open(&dir, side, &name, &version, |page| reading.take(&page))?;
                    Ok((reading, spool))
                }
            })
            .await?;
            while reading.ended.is_none() {
                match origin.page(reading.next.as_ref()).await {
                    Ok(page) => {
                        let stored = move || {
                            reading.take(&page)?;
                            spool.append(&page)?;
                            Ok((reading, spool))
                        };
                        (reading, spool) = blocking(&name, stored).await?;
                        observer.on(&Progress::Page { source: name.clone(), rows: reading.rows });
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
    blocking(&name, move || Ok(reading.finish(broken))).await
}

async fn blocking<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, DiscoverError> + Send + 'static,
) -> Result<T, DiscoverError> {
    spawn_blocking(work).await.map_err(|error| stopped(name, error))?
}

/// How far one origin has been read.
pub(super) struct Reading {
    pub(super) part: Part,
    rows: u64,
    /// The subjects that it holds rows of.
    found: Subjects,
    next: Option<Cursor>,
    /// Set by the last page: its total, and why the scan is not whole.
    ended: Option<(Option<u64>, Option<String>)>,
}

impl Reading {
    /// Nothing is read yet.
    pub(super) const fn new(part: Part) -> Self {
        Reading { part, rows: 0, found: Subjects::NONE, next: None, ended: None }
    }

    /// Takes in a page.
    pub(super) fn take(&mut self, page: &Page) -> Result<(), DiscoverError> {
        let part = &mut self.part;
        let map = part.symbols.absorb(&page.symbols);
        let of = |sym: Sym| map.get(sym.0 as usize).copied().unwrap_or_default();
        // Few targets: looking one up costs less than a table.
        let scans: Vec<Option<Sym>> = part.scans.iter().map(|scan| page.symbols.find(&scan.target)).collect();
        let own = if part.side == ScanSide::Observed { Some(part.symbols.intern(&part.name)) } else { None };
        part.facts.reserve(page.facts.len());
        for fact in &page.facts {
            let mut fact = *fact;
            let implied = fact.target.is_empty() && own.is_some();
            let scan = if implied { Some(0) } else { scans.iter().position(|target| *target == Some(fact.target)) };
            let Some(scan) = scan else { return Err(uncovered(part, page.symbols.text(fact.target), fact.line)) };
            renumber_fact(&mut fact, of);
            fact.target = if implied { own.unwrap_or_default() } else { fact.target };
            fact.scan = scan as u16;
            if let Some(scan) = part.scans.get_mut(scan) {
                scan.rows += 1;
            }
            self.found = self.found.and(fact.subject);
            part.facts.push(fact);
        }
        for person in &page.people {
            let mut person = *person;
            renumber_person(&mut person, of);
            part.people.push(person);
        }
        for row in &page.entitlements {
            let mut row = *row;
            renumber_entitlement(&mut row, of);
            part.entitlements.push(row);
        }
        self.rows += page.rows();
        self.next.clone_from(&page.next);
        if page.next.is_none() {
            self.ended = Some((page.total, page.incomplete.clone()));
        }
        Ok(())
    }

    /// Settles what is known without the shrink gate.
    fn finish(mut self, broken: Option<String>) -> Read {
        let (total, incomplete) = self.ended.unwrap_or_default();
        let short = total.filter(|&total| total != self.rows);
        let why = broken.or(incomplete).or_else(|| {
            short.map(|total| format!("it holds {} rows where {total} were announced; read it again once it is whole", self.rows))
        });
        for scan in &mut self.part.scans {
            if scan.subjects == Subjects::AS_FOUND {
                scan.subjects = self.found;
            }
            if scan.target.is_empty() {
                scan.rows = self.rows;
            }
            if let Some(why) = &why {
                scan.completeness = Completeness::Incomplete { why: why.clone() };
            }
        }
        Read { part: Sorted::new(self.part), gate: total.is_none() && why.is_none() }
    }
}

fn uncovered(part: &Part, target: &str, line: u32) -> DiscoverError {
    let covered: Vec<String> = part.scans.iter().map(|scan| format!("`{}`", scan.target)).collect();
    DiscoverError::Row {
        file: part.place.clone(),
        line: u64::from(line),
        field: "target".to_owned(),
        problem: format!("`{target}` is not a target that this source covers; it covers {}", covered.join(", ")),
    }
}
