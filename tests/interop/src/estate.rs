//! A small estate that engines work on: one target in a file, no source, no rule, keys that sign. Owns its clock and its log.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tempfile::TempDir;
use trueup::audit::{LogEntry, LogHead};
use trueup::commit::{End, Event, Outcome};
use trueup::discover::{FileConfig, FileSource, Source};
use trueup::engine::{Engine, Lift, Options, Parts, Release, Revocation};
use trueup::ledger::{Batch, Leaf, Opening, Settled};
use trueup::model::{
    Change, ChangeId, Digest, GateKind, Holding, Mode, PlanId, RuleChange, RuleStep, RunId, Scope, Scopes, Subject, Time,
};
use trueup::notary::Keyring;
use trueup::rule::Settings;
use trueup::target::{EmbeddedRow, EmbeddedTarget, Target};
use trueup::{Clock, async_trait};

/// When the first run is.
pub(crate) const BEGIN: Time = Time::from_seconds(1_772_323_200);
pub(crate) const ORIGIN: &str = "example.com/audit/small";
/// More than may end in one plan without a word from somebody.
const GRANTS: u32 = 30;

struct Hands(AtomicI64);

#[async_trait]
impl Clock for Hands {
    fn now(&self) -> Time {
        Time::from_seconds(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, seconds: u32) {
        self.0.fetch_add(i64::from(seconds), Ordering::SeqCst);
    }
}

pub(crate) struct Estate {
    tenant: &'static str,
    folder: TempDir,
    pub(crate) runtime: tokio::runtime::Runtime,
}

impl Estate {
    /// Grants of which all but one end within the first hour.
    pub(crate) fn of(tenant: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Keyring::create(&folder.path().join("keys"), ORIGIN, [7; 32]).expect("keys");
        let target = EmbeddedTarget::open(&folder.path().join("crm.db"), "crm").expect("a target");
        let rows = (1..=GRANTS).map(|number| {
            let hours = if number == GRANTS { 10_000 } else { 1 };
            let holding = Holding { level: "member".to_owned(), expires_at: BEGIN.plus(hours * 3_600), ..Holding::default() };
            let (holder, object) = (format!("user{number}"), format!("team:{}", number % 3));
            EmbeddedRow { subject: Subject::Grant, holder, object, holding, last_used: Time::NONE, via: String::new() }
        });
        target.seed(rows).expect("rows");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
        Estate { tenant, folder, runtime }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// An engine at an hour of its own.
    pub(crate) fn engine(&self, hour: i64) -> Engine {
        let target = EmbeddedTarget::open(&self.path().join("crm.db"), "crm").expect("the target");
        let targets: Vec<Arc<dyn Target>> = vec![Arc::new(target)];
        let scope = Scope { target: "crm".to_owned(), objects: "*".to_owned(), mode: Mode::Authoritative };
        let (scopes, settings, tenant) = (Scopes(vec![scope]), Settings::default(), self.tenant.to_owned());
        let (mut options, sources) = (Options::default(), vec![self.source()]);
        options.max_age = i64::MAX;
        let parts = Parts { tenant, sources, targets, module: None, settings, scopes, sink: None, options };
        let clock = Hands(AtomicI64::new(BEGIN.plus(hour * 3_600).seconds()));
        let engine = Engine::open(parts, &self.path().join("store")).expect("an engine").on_clock(Arc::new(clock));
        engine.signed_by(Keyring::open(&self.path().join("keys")).expect("the keys"))
    }

    /// What should be: one of the grants.
    fn source(&self) -> Arc<dyn Source> {
        let rows = format!("holder\tobject\tlevel\nuser{GRANTS}\tteam:0\tmember\n");
        std::fs::write(self.path().join("grants.tsv"), rows).expect("a file");
        let config = serde_json::json!(
            {"name": "grants", "path": "grants.tsv", "kind": "grants", "target": "crm", "complete": "always"}
        );
        let config: FileConfig = serde_json::from_value(config).expect("a source");
        Arc::new(FileSource::open(config, self.path()).expect("a source"))
    }

    /// Lives through what a person can bring about: a run that waits, gates that are opened, a call, and all that may follow.
    pub(crate) fn live(&self) -> Engine {
        let (by, why) = ("ada".to_owned(), "looked at".to_owned());
        let engine = self.engine(2);
        self.runtime.block_on(engine.run(None)).expect("a run");
        let mut release = Release::default();
        (release.all, release.by, release.why) = (true, by.clone(), why.clone());
        let opened = engine.release(&release).expect("gates").len();
        assert!(opened >= GRANTS as usize - 1, "all that ends at once waits, and {opened} gates were opened");
        drop(engine);
        let engine = self.engine(3);
        self.runtime.block_on(engine.resume()).expect("the run goes on");
        let mut call = Revocation::default();
        (call.target, call.holder, call.by, call.why) = ("crm".into(), format!("user{GRANTS}"), by.clone(), "leaked".into());
        self.runtime.block_on(engine.revoke(&call)).expect("a call");
        let mut lift = Lift::default();
        (lift.target, lift.holder, lift.by, lift.why) = (call.target, call.holder, by.clone(), why.clone());
        engine.lift(&lift).expect("it is lifted");
        let leaves = engine.leaves(0, 10_000).expect("the log");
        let intent = leaves.iter().find(|leaf| !leaf.bodies.is_empty()).expect("a leaf with states");
        let change = LogEntry::parse(&intent.bytes).expect("a leaf").says.change().expect("it is of a change");
        let ticket = self.path().join("ticket.txt");
        std::fs::write(&ticket, "please").expect("a file");
        engine.attach(&change.0.to_string(), &ticket, None, &by, "the ticket").expect("it is attached");
        engine.redact(intent.index, &by, "asked for").expect("it is redacted");
        engine.rotate_key(None).expect("a further key");
        self.rest(&engine);
        engine
    }

    /// What no person can bring about here: it takes a crash, another writer, a rule, a target that refuses.
    fn rest(&self, engine: &Engine) {
        let (run, plan, at) = (RunId(1), PlanId(Digest::of(b"a plan")), BEGIN.plus(4 * 3_600));
        let (by, why) = ("ada".to_owned(), "a test".to_owned());
        let key = trueup::model::CaseKey {
            target: "crm".to_owned(),
            holder: "user1".to_owned(),
            subject: Subject::Credential,
            object: "key:1".to_owned(),
        };
        let change = Change::routine(self.tenant, key, trueup::model::ChangeKind::Revoke, 1, None, None);
        let of =
            |event: Event, recovered| Leaf::event(run, plan, &change, &event, recovered, None, &mut || [1; 32]).expect("a leaf");
        let opening =
            Opening { change: ChangeId(Digest::of(b"a change")), gate: GateKind::Claim, by: by.clone(), why: why.clone(), at };
        let module = Digest::of(b"a module");
        let step = RuleStep { module, rule: "small@1.0.0".to_owned(), what: RuleChange::Admitted, by, why, at };
        let leaves = vec![
            Leaf::takeover(run, at, LogHead::default()),
            Leaf::transfer(run, &opening, "terraform"),
            Leaf::rule(run, &step),
            Leaf::pruning(run, at, 0, "ada", "retention"),
            of(Event::Intent { epoch: 1, attempt: 1, at }, false),
            of(Event::Outcome { outcome: Outcome::Ambiguous { message: "reset".to_owned() }, at }, true),
            of(Event::Ended { end: End::Failed, at }, false),
            of(Event::Ended { end: End::Superseded, at }, false),
        ];
        let owned = engine.ledger().acquire(self.tenant).expect("it is free");
        let ticket = engine.ledger().submit(&owned, Batch { entries: Vec::new(), leaves }).expect("it is taken");
        assert!(matches!(engine.ledger().wait(ticket).expect("it is written"), Settled::Committed(_)));
    }
}
