//! A folder with one file of desired grants and one embedded target, and engines over it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::commit::Clock;
use crate::correlate::{Case, Side};
use crate::decide::decide;
use crate::decide::fixture::{NOW, Reply, Row, World, verdicts};
use crate::discover::{Cursor, DiscoverError, FileConfig, FileSource, Page, Source};
use crate::engine::{Applied, Engine, EngineError, Options, Parts, Planned, Recordings, Release, ReplayVerdict, Replaying};
use crate::ledger::{Adoption, Batch, Entry};
use crate::model::{CaseKey, Change, Digest, Holding, Mode, PlanId, Scope, Scopes, Subject, Time};
use crate::plan::{Draft, HeldLine, Inputs, PLANNER, PlanFile, seal};
use crate::progress::Silent;
use crate::rule::{RuleFacts, Settings};
use crate::target::{
    Class, EmbeddedRow, EmbeddedTarget, Found, Profile, ReadError, Reading, Receipt, Target, Write, WriteError, Written,
};

/// A clock whose hands a test moves.
pub(super) struct Hands(AtomicI64);

#[async_trait]
impl Clock for Hands {
    fn now(&self) -> Time {
        Time::from_seconds(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, seconds: u32) {
        self.0.fetch_add(i64::from(seconds), Ordering::SeqCst);
    }
}

/// What goes wrong with the writes of one holder; afterwards its cases cannot be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Applied; the answer is lost.
    Dark,
    /// Not applied; the answer is lost.
    Lost,
    /// Applied and acknowledged.
    Mute,
}

/// The target, with what goes wrong there.
pub(super) struct Shop {
    pub(super) inner: EmbeddedTarget,
    /// By holder.
    pub(super) trouble: Mutex<BTreeMap<String, Trouble>>,
    written: Mutex<BTreeSet<String>>,
    /// Holders of whom somebody else changes a case each time that it was read.
    pub(super) restless: Mutex<BTreeSet<String>>,
    /// Holders whose rows another writer says it manages.
    pub(super) claimed: Mutex<BTreeSet<String>>,
    /// What it says it can do, if not what the system itself says.
    pub(super) profile: Mutex<Option<&'static Profile>>,
    /// Work items that are open, by the key of their change (K6).
    pub(super) items: Mutex<BTreeSet<String>>,
    /// Whether it lists what one holder has, which emergencies need.
    pub(super) lists: AtomicBool,
}

impl Shop {
    /// From now on it says this of itself.
    pub(super) fn claims(&self, profile: Profile) {
        *self.profile.lock().unwrap() = Some(Box::leak(Box::new(profile)));
    }
}

#[async_trait]
impl Target for Shop {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn profile(&self) -> &Profile {
        self.profile.lock().unwrap().unwrap_or(self.inner.profile())
    }

    async fn version(&self) -> Result<String, DiscoverError> {
        Ok(String::new())
    }

    async fn page(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError> {
        let mut page = self.inner.page(after).await?;
        let writer = page.symbols.intern("terraform");
        let claimed = self.claimed.lock().unwrap();
        for fact in page.facts.iter_mut().filter(|fact| claimed.contains(page.symbols.text(fact.holder))) {
            fact.managed_by = writer;
        }
        drop(claimed);
        Ok(page)
    }

    async fn read(&self, key: &CaseKey) -> Result<Reading, ReadError> {
        if self.trouble.lock().unwrap().contains_key(&key.holder) && self.written.lock().unwrap().contains(&key.holder) {
            return Err(ReadError { key: key.to_string(), message: "no answer".to_owned() });
        }
        let reading = self.inner.read(key).await?;
        if self.restless.lock().unwrap().contains(&key.holder)
            && let Some(holding) = &reading.state
        {
            let after = Holding { level: format!("{}+", holding.level), ..holding.clone() };
            self.inner.foreign_edit(Time::from_seconds(NOW), key.subject, &key.holder, &key.object, Some(&after)).unwrap();
        }
        Ok(reading)
    }

    async fn write(&self, write: Write<'_>) -> Result<Written, WriteError> {
        let holder = &write.change.key.holder;
        if self.profile().class == Class::K6 {
            self.items.lock().unwrap().insert(write.key.to_owned());
            return Ok(Written::accepted(write.key));
        }
        let trouble = self.trouble.lock().unwrap().get(holder).copied();
        self.written.lock().unwrap().insert(holder.clone());
        if trouble != Some(Trouble::Lost) {
            self.inner.write(write).await?;
        }
        match trouble {
            Some(Trouble::Dark | Trouble::Lost) => Err(WriteError::Ambiguous { message: "no answer".to_owned() }),
            Some(Trouble::Mute) | None => Ok(Written::default()),
        }
    }

    async fn find(&self, key: &str) -> Result<Vec<Found>, ReadError> {
        let items = self.items.lock().unwrap();
        Ok(items.get(key).map(|id| Found { id: id.clone() }).into_iter().collect())
    }

    async fn held_by(&self, holder: &str) -> Result<Vec<(CaseKey, Holding)>, ReadError> {
        match self.lists.load(Ordering::SeqCst) {
            true => self.inner.held_by(holder).await,
            false => Err(ReadError { key: holder.to_owned(), message: "it cannot be listed".to_owned() }),
        }
    }

    async fn poll(&self, receipt: &str) -> Result<Receipt, ReadError> {
        Ok(if self.items.lock().unwrap().contains(receipt) { Receipt::Pending } else { Receipt::Done })
    }
}

pub(super) struct Estate {
    folder: tempfile::TempDir,
    pub(super) clock: Arc<Hands>,
    pub(super) shop: Arc<Shop>,
    pub(super) mode: Mode,
    /// Facts of one part of a plan.
    pub(super) part: u64,
    /// Runs that can be replayed.
    pub(super) recordings: u32,
}

/// A grant in the target.
pub(super) fn held(holder: &str, object: &str, expires_at: i64) -> EmbeddedRow {
    let holding = Holding { expires_at: Time::from_seconds(expires_at), ..Holding::default() };
    let (holder, object) = (holder.to_owned(), object.to_owned());
    EmbeddedRow { subject: Subject::Grant, holder, object, holding, last_used: Time::NONE, via: String::new() }
}

impl Estate {
    /// Nothing is desired, and the target holds these rows. Its one scope is adopted under some rule.
    pub(super) fn new(rows: impl IntoIterator<Item = EmbeddedRow>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let inner = EmbeddedTarget::open(&folder.path().join("gh.db"), "gh").unwrap();
        inner.seed(rows).unwrap();
        let (trouble, written, restless, claimed) = Default::default();
        let (profile, items, lists) = Default::default();
        let shop = Arc::new(Shop { inner, trouble, written, restless, claimed, profile, items, lists });
        let clock = Arc::new(Hands(AtomicI64::new(NOW)));
        let estate = Estate { folder, clock, shop, mode: Mode::Authoritative, part: u64::MAX, recordings: 400 };
        estate.desire(&[]);
        std::fs::write(estate.path("accounts.tsv"), "holder\n").unwrap();
        let adoption =
            Adoption { scope: "gh/*".to_owned(), mode: estate.mode, module: Digest::of(b"rule"), at: Time::from_seconds(1) };
        estate.record(Entry::Adopted(adoption));
        estate
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Rewrites the file of desired grants: holder, object, end.
    pub(super) fn desire(&self, rows: &[(&str, &str, i64)]) {
        let mut text = "holder\tobject\texpires_at\n".to_owned();
        for (holder, object, end) in rows {
            let end = if *end == 0 { String::new() } else { Time::from_seconds(*end).to_string() };
            text += &format!("{holder}\t{object}\t{end}\n");
        }
        std::fs::write(self.path("grants.tsv"), text).unwrap();
    }

    /// An engine without a rule.
    pub(super) fn engine(&self) -> Engine {
        self.try_engine().unwrap()
    }

    /// The same where the store may refuse.
    pub(super) fn try_engine(&self) -> Result<Engine, EngineError> {
        let source = |kind: &str| -> Arc<dyn Source> {
            let path = format!("{kind}.tsv");
            let config = serde_json::json!({"name": kind, "path": path, "kind": kind, "target": "gh", "complete": "always"});
            let config: FileConfig = serde_json::from_value(config).unwrap();
            Arc::new(FileSource::open(config, self.folder.path()).unwrap())
        };
        let mut sources = vec![source("grants"), source("accounts")];
        let more = ["credentials", "entitlements"].into_iter();
        sources.extend(more.filter(|kind| self.path(&format!("{kind}.tsv")).exists()).map(source));
        let target: Arc<dyn Target> = Arc::clone(&self.shop) as Arc<dyn Target>;
        let parts = Parts {
            tenant: "acme".to_owned(),
            sources,
            targets: vec![target],
            module: None,
            settings: Settings::default(),
            scopes: Scopes(vec![Scope { target: "gh".to_owned(), objects: "*".to_owned(), mode: self.mode }]),
            sink: None,
            options: Options {
                threads: 1,
                part: self.part,
                max_age: i64::MAX,
                recordings: self.recordings,
                ..Options::default()
            },
        };
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        Ok(Engine::open(parts, &self.path("store"))?.on_clock(clock))
    }

    pub(super) fn record(&self, entry: Entry) {
        let engine = self.engine();
        let owned = engine.acquire().unwrap();
        engine.submit(&owned, Batch { entries: vec![entry], leaves: Vec::new() }).unwrap();
    }

    pub(super) fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(super) fn plan(&self) -> Planned {
        let planned = block_on(self.engine().plan(None)).unwrap();
        self.replays(&planned);
        planned
    }

    /// What was recorded of a run derives its plan again, whatever the run had to do with.
    fn replays(&self, planned: &Planned) {
        let recordings = Recordings::of(&self.path("store"));
        let found = recordings.replay(planned.report.run, &Replaying { threads: 3, module: None }).unwrap();
        assert_eq!((found.verdict, found.level, found.plan), (ReplayVerdict::Same, 1, planned.plan), "{found:?}");
    }

    pub(super) fn apply(&self, plan: PlanId) -> Applied {
        block_on(self.engine().apply(plan)).unwrap()
    }

    pub(super) fn resume(&self) -> Option<Applied> {
        block_on(self.engine().resume()).unwrap().map(|(_, applied)| applied)
    }

    pub(super) fn run(&self) -> (Planned, Applied) {
        let (planned, applied) = block_on(self.engine().run(None)).unwrap();
        self.replays(&planned);
        (planned, applied)
    }

    /// Opens what waits at a gate and commits what passes.
    pub(super) fn release(&self, release: Release) -> usize {
        let release = Release { by: "ada".to_owned(), why: "a test".to_owned(), ..release };
        self.engine().release(&release).unwrap().len()
    }

    /// How often the target was asked to write something of a holder, and did.
    pub(super) fn writes_of(&self, holder: &str) -> usize {
        self.shop.inner.journal().unwrap().iter().filter(|row| row.holder == holder).count()
    }

    /// Where the changes of a plan stand, by holder.
    pub(super) fn standing(&self, plan: PlanId) -> BTreeMap<String, &'static str> {
        let statuses = self.engine().statuses(plan).unwrap();
        let name = |change: Change| (change.key.holder, statuses.get(&change.id).map_or("ready", |status| status.name()));
        self.file(plan).changes().map(|change| name(change.unwrap())).collect()
    }

    /// What the target holds, as holder/object.
    pub(super) fn holds(&self) -> Vec<String> {
        self.shop.inner.dump().unwrap().iter().map(|row| format!("{}/{}", row.holder, row.object)).collect()
    }

    pub(super) fn file(&self, plan: PlanId) -> PlanFile {
        PlanFile::open(&self.engine().store().plan(plan)).unwrap()
    }

    pub(super) fn held_lines(&self, plan: PlanId) -> Vec<HeldLine> {
        self.file(plan).held().map(Result::unwrap).collect()
    }

    /// Seals and stores what a rule would have planned of these rows.
    pub(super) fn by_hand(&self, rows: &[Row], reply: impl Fn(u32, &Case) -> Option<Reply>) -> PlanId {
        let world = World::new(Mode::Authoritative);
        let cases = world.cases(rows, 1);
        let decided = decide(&cases, &verdicts(&cases, reply), &world.policy(), 1);
        let rule = RuleFacts { module: world.module, ..RuleFacts::absent() };
        let digest = Digest::of(b"");
        let inputs = Inputs {
            limits: None,
            amends: None,
            as_of: Time::from_seconds(NOW),
            clock: Time::NONE,
            denials: None,
            facts: digest,
            planner: PLANNER,
            profile: rule.profile.clone(),
            recorded: digest,
            rule: rule.label(),
            rule_module: rule.module,
            scopes: digest,
            settings: digest,
            tenant: "acme".to_owned(),
            undoes: None,
            unsettled: None,
            verdicts: digest,
        };
        let draft = Draft { cases: &cases, decided: &decided, policy: world.policy(), rule: &rule, inputs };
        let mut bytes = Vec::new();
        let sealed = seal(&draft, 1, &mut bytes, &Silent).unwrap();
        std::fs::write(self.engine().store().plan(sealed.id), bytes).unwrap();
        sealed.id
    }
}

/// What a rule says that makes true what is desired.
pub(super) fn as_desired(_: u32, case: &Case) -> Option<Reply> {
    Some(Reply { effect: if case.desired_side == Side::Absent { 2 } else { 1 }, ..Reply::default() })
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap().block_on(future)
}
