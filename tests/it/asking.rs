//! Questions about a scripted month: what the script did is known here, fact by fact, and the answers are held against that and
//! against the journal that the target itself keeps.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use trueup::discover::{Cursor, DiscoverError, Page};
use trueup::engine::{Engine, EngineError, Kept, Options, Parts, Release, Removal, Revocation, Span, Windows};
use trueup::model::{CaseKey, GateKind, Holding, Mode, PlanId, Scope, Scopes, Subject, Time};
use trueup::notary::Keyring;
use trueup::rule::{Module, RuleEngine, RuleLimits};
use trueup::target::{EmbeddedTarget, Profile, ReadError, Reading, Target, Write, WriteError, Written};
use trueup::{Lift, Planned};
use trueup_tests::cli;
use trueup_tests::estate::{self, AS_OF, StandingClock};

const TEAM: &str = "team:ops";

/// The target refuses whatever is written of this holder.
const REFUSED: &str = "dan";

/// A target that says no to one holder.
struct Stubborn(EmbeddedTarget);

#[trueup::async_trait]
impl Target for Stubborn {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn profile(&self) -> &Profile {
        self.0.profile()
    }

    async fn version(&self) -> Result<String, DiscoverError> {
        self.0.version().await
    }

    async fn page(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError> {
        self.0.page(after).await
    }

    async fn read(&self, key: &CaseKey) -> Result<Reading, ReadError> {
        self.0.read(key).await
    }

    async fn write(&self, write: Write<'_>) -> Result<Written, WriteError> {
        match write.change.key.holder == REFUSED {
            true => Err(WriteError::Rejected { message: "no licence is left".to_owned() }),
            false => self.0.write(write).await,
        }
    }

    async fn held_by(&self, holder: &str) -> Result<Vec<(CaseKey, Holding)>, ReadError> {
        self.0.held_by(holder).await
    }
}

fn module() -> Arc<Module> {
    static LOADED: OnceLock<Arc<Module>> = OnceLock::new();
    let load = || {
        let component = fs::read(cli::standard_module().expect("module")).expect("component");
        let engine = RuleEngine::new(&RuleLimits::default()).expect("engine");
        Arc::new(Module::load(&engine, &component).expect("a sound module"))
    };
    Arc::clone(LOADED.get_or_init(load))
}

/// Minutes after the beginning of the story.
fn minutes(minutes: i64) -> Time {
    AS_OF.plus(60 * minutes)
}

fn hours(hours: i64) -> Time {
    minutes(60 * hours)
}

struct Story {
    folder: tempfile::TempDir,
}

impl Story {
    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn target(&self) -> EmbeddedTarget {
        EmbeddedTarget::open(&self.path().join("crm.db"), "crm").expect("target")
    }

    fn parts(&self) -> Parts {
        let module = module();
        let settings = module.check_settings(&Default::default()).expect("settings");
        Parts {
            tenant: "acme".to_owned(),
            sources: vec![estate::source(self.path(), "grants.tsv").expect("source")],
            targets: vec![Arc::new(Stubborn(self.target()))],
            module: Some(module),
            settings,
            scopes: Scopes(vec![Scope { target: "crm".to_owned(), objects: "*".to_owned(), mode: Mode::Authoritative }]),
            sink: None,
            options: Options::default(),
        }
    }

    fn store(&self) -> PathBuf {
        self.path().join("store")
    }

    fn engine(&self, at: Time) -> Engine {
        let keys = Keyring::open(&self.path().join("keys")).expect("keys");
        Engine::open(self.parts(), &self.store()).expect("engine").on_clock(Arc::new(StandingClock(at))).signed_by(keys)
    }

    /// What an auditor opens: nothing of the ledger can be written.
    fn auditor(&self) -> Engine {
        let engine = Engine::open_read_only(self.parts(), &self.store()).expect("engine");
        let keys = Keyring::open(&self.path().join("keys")).expect("keys");
        engine.on_clock(Arc::new(StandingClock(hours(200)))).signed_by(keys)
    }

    /// Rewrites the source: who, and by which record.
    fn desire(&self, rows: &[(&str, &str)]) {
        let mut text = "holder\tobject\tlevel\trecord\n".to_owned();
        rows.iter().for_each(|(who, record)| text += &format!("{who}\t{TEAM}\tmember\t{record}\n"));
        fs::write(self.path().join("grants.tsv"), text).expect("source");
    }

    fn plan(&self, at: Time) -> Planned {
        estate::block_on(self.engine(at).plan(None)).expect("runtime").expect("plan")
    }

    fn apply(&self, plan: PlanId, at: Time) {
        estate::block_on(self.engine(at).apply(plan)).expect("runtime").expect("apply");
    }

    fn undo(&self, plan: PlanId, at: Time) -> PlanId {
        estate::block_on(self.engine(at).rollback(plan, &[])).expect("runtime").expect("rollback").plan
    }

    fn by_hand(&self, who: &str, at: Time) {
        let given = Holding { level: "member".to_owned(), ..Holding::default() };
        self.target().foreign_edit(at, Subject::Grant, who, TEAM, Some(&given)).expect("an edit");
    }

    /// The month: a failed change, a revoke, an emergency, a regrant, a roll-back, a hold that was released, access that somebody
    /// gave by hand and that was found and taken, and some that was found and is still there.
    fn tell() -> Story {
        let story = Story { folder: tempfile::tempdir().expect("folder") };
        fs::write(story.path().join("trueup.toml"), CONFIG).expect("configuration");
        fs::copy(cli::standard_module().expect("module"), story.path().join("standard.wasm")).expect("module");
        Keyring::create(&story.path().join("keys"), "example.com/audit/acme", [7; 32]).expect("keys");
        story.desire(&[("ada", "hr-1"), ("ben", "hr-2"), ("cy", "hr-3"), ("dan", "hr-4")]);
        let first = story.plan(hours(0));
        story.apply(first.plan, hours(0));

        story.desire(&[("ada", "hr-1"), ("ben", "hr-2"), ("dan", "hr-4")]);
        let revoke = story.plan(hours(24));
        story.apply(revoke.plan, hours(26));

        // A call that somebody leaves, and that the next run takes up ten minutes later.
        let mut call = Revocation::default();
        (call.holder, call.by, call.why) = ("ben".to_owned(), "eve".to_owned(), "laptop stolen".to_owned());
        story.engine(hours(30)).call(&call).expect("a call");
        let taken = story.plan(minutes(30 * 60 + 10));
        story.apply(taken.plan, minutes(30 * 60 + 10));

        story.desire(&[("ada", "hr-1"), ("ben", "hr-2"), ("cy", "hr-99"), ("dan", "hr-4")]);
        let regrant = story.plan(hours(48));
        story.apply(regrant.plan, hours(48));

        let mut lift = Lift::default();
        (lift.holder, lift.by, lift.why) = ("ben".into(), "eve".into(), "new laptop".into());
        story.engine(hours(54)).lift(&lift).expect("lift");
        let back = story.plan(hours(72));
        story.apply(back.plan, hours(72));

        let undo = story.undo(back.plan, hours(96));
        story.apply(undo, hours(97));
        let redo = story.undo(undo, hours(100));
        story.apply(redo, hours(100));
        let mut release = Release::default();
        (release.gate, release.by, release.why) = (Some(GateKind::Approval), "mo".to_owned(), "seen the ticket".to_owned());
        assert!(!story.engine(hours(102)).release(&release).expect("release").is_empty());
        story.apply(redo, hours(103));

        story.by_hand("fay", hours(110));
        let found = story.plan(hours(120));
        story.apply(found.plan, hours(125));

        story.by_hand("gus", hours(130));
        story.desire(&[("ada", "hr-1"), ("ben", "hr-2"), ("cy", "hr-99"), ("dan", "hr-4"), ("hal", "hr-50")]);
        story.plan(hours(144));
        story
    }

    /// Who holds it at an instant, as the target itself wrote down.
    fn truth(&self, at: Time) -> BTreeSet<String> {
        let mut held = BTreeSet::new();
        for row in self.target().journal().expect("journal").into_iter().filter(|row| row.at <= at) {
            match row.after {
                Some(_) => held.insert(row.holder),
                None => held.remove(&row.holder),
            };
        }
        held
    }

    fn change(&self, holder: &str, op: &str, nth: usize) -> String {
        let told = self.auditor().history(holder, &Span::default()).expect("history");
        let moments = serde_json::to_value(&told.moments).expect("json");
        let planned = moments.as_array().expect("moments").iter().filter(|one| one["op"] == op && one["is"] != "intent");
        let sent = moments.as_array().expect("moments").iter().filter(|one| one["op"] == op && one["is"] == "intent");
        let mut ids: Vec<&str> = Vec::new();
        for id in planned.chain(sent).filter_map(|one| one["change"].as_str()) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids[nth].to_owned()
    }
}

const CONFIG: &str = r#"tenant = "acme"
store = "store"

[rule]
module = "standard.wasm"

[[source]]
name = "grants.tsv"
path = "grants.tsv"
kind = "grants"
target = "crm"
complete = "always"

[[target]]
name = "crm"
kind = "embedded"
path = "crm.db"

[[scope]]
target = "crm"
mode = "authoritative"

[audit]
keys = "keys"
"#;

#[test]
fn the_questions_of_a_month_are_answered_as_the_script_has_it() {
    let story = Story::tell();
    holders(&story);
    time_lines(&story);
    chains(&story);
    pace(&story);
    evidence(&story);
    shown(&story);
    damage(&story);
}

/// Who held it: the target's own journal is right at every instant, but for what somebody did by hand until it was looked at.
fn holders(story: &Story) {
    let auditor = story.auditor();
    let names = |holders: &[trueup::engine::Holder]| holders.iter().map(|one| one.case.holder.clone()).collect::<BTreeSet<_>>();
    for hour in
        [1, 23, 25, 27, 29, 31, 47, 49, 53, 60, 73, 95, 98, 101, 104, 109, 111, 119, 121, 124, 126, 129, 131, 143, 145, 199]
    {
        let told = auditor.who_has(TEAM, hours(hour)).expect("holders");
        // By the script: first looked at in these hours. Before that nobody knows, whether or not it was there.
        let first_seen = [("fay", 120), ("gus", 144)].into_iter().filter(|(_, seen)| hour < *seen);
        let unseen: BTreeSet<String> = first_seen.map(|(who, _)| who.to_owned()).collect();
        let expected: BTreeSet<String> = story.truth(hours(hour)).difference(&unseen).cloned().collect();
        assert_eq!((names(&told.holders), names(&told.later)), (expected, unseen), "hour {hour}");
        assert_eq!(auditor.who_has("crm/team:ops", hours(hour)).expect("holders").holders.len(), told.holders.len());
    }
    let one = |hour: i64, who: &str| {
        let told = auditor.who_has(TEAM, hours(hour)).expect("holders");
        let found = told.holders.iter().chain(&told.later).find(|one| one.case.holder == who).cloned();
        serde_json::to_value(found.unwrap_or_else(|| panic!("{who} at hour {hour}"))).expect("json")
    };
    let check = |hour: i64, who: &str, seen: i64, by: &str, since: i64, longer: bool, record: &str, next: Option<(i64, bool)>| {
        let found = one(hour, who);
        let next = next.map_or(Value::Null, |(at, held)| json!({ "at": hours(at), "held": held }));
        assert_eq!(
            [
                &found["observed_at"],
                &found["age_seconds"],
                &found["by"]["is"],
                &found["since"],
                &found["or_longer"],
                &found["record"],
                &found["next"]
            ],
            [
                &json!(hours(seen)),
                &json!((hour - seen) * 3_600),
                &json!(by),
                &json!(hours(since)),
                &json!(longer),
                &json!(record),
                &next
            ],
            "{who} at hour {hour}: {found}"
        );
        assert_eq!(found["given"].is_null(), longer, "{found}");
    };
    check(1, "ada", 0, "confirmed", 0, false, "hr-1", Some((144, true)));
    check(25, "cy", 24, "planned", 0, false, "hr-3", Some((26, false)));
    check(50, "cy", 48, "confirmed", 48, false, "hr-99", Some((144, true)));
    check(73, "ben", 72, "confirmed", 72, false, "hr-2", Some((96, true)));
    check(104, "ben", 103, "confirmed", 103, false, "hr-2", Some((144, true)));
    check(111, "fay", 120, "planned", 120, true, "", Some((120, true)));
    check(121, "fay", 120, "planned", 120, true, "", Some((125, false)));
    check(150, "ada", 144, "scanned", 0, false, "hr-1", None);
    check(150, "gus", 144, "scanned", 144, true, "", None);
    let cy = one(50, "cy")["given"].clone();
    assert_eq!(cy["change"], story.change("cy", "grant", 1).as_str());
    for (field, kind) in [("intent", "intent"), ("confirmed", "confirmed")] {
        let leaf = auditor.leaves(cy[field].as_u64().expect("a leaf"), 1).expect("leaf").remove(0);
        let leaf: Value = serde_json::from_slice(&leaf.bytes).expect("json");
        assert_eq!((leaf["kind"].as_str(), &leaf["change"]), (Some(kind), &cy["change"]));
    }
    assert_eq!(auditor.who_has(TEAM, hours(27)).expect("holders").scans[0].read_at, hours(24));

    assert!(matches!(auditor.who_has(TEAM, hours(-1)), Err(EngineError::BeforeLog { begins, .. }) if begins == hours(0)));
    assert!(matches!(auditor.who_has(TEAM, hours(201)), Err(EngineError::NotYet { .. })));
    assert!(matches!(auditor.who_has("team:opz", hours(1)), Err(EngineError::Unknown { near, .. }) if near == [TEAM]));
}

/// What happened to somebody, in its order.
fn time_lines(story: &Story) {
    let auditor = story.auditor();
    let told = |who: &str, span: &Span| {
        let told = auditor.history(who, span).expect("history");
        assert_eq!(told.accounts.len(), 1, "{who}");
        let moments = serde_json::to_value(&told.moments).expect("json");
        let line = moments.as_array().expect("moments").iter().map(|one| {
            let at = Time::parse(one["at"].as_str().expect("a time")).expect("a time");
            let what = one["op"].as_str().or(one["gate"].as_str()).or(one["step"].as_str()).or(one["outcome"]["is"].as_str());
            format!(
                "{} {} {}",
                (at.seconds() - AS_OF.seconds()) / 3_600,
                one["is"].as_str().unwrap_or_default(),
                what.unwrap_or("-")
            )
        });
        (line.collect::<Vec<_>>(), told.omitted)
    };
    let all = Span::default();
    let change = |at: i64, planned: i64, op: &str| {
        let sent = [format!("{at} intent {op}"), format!("{at} outcome acked"), format!("{at} confirmed -")];
        std::iter::once(format!("{planned} planned {op}")).chain(sent).collect::<Vec<_>>()
    };
    let cy = [change(0, 0, "grant"), change(26, 24, "revoke"), change(48, 48, "grant")].concat();
    assert_eq!(told("cy", &all), (cy.clone(), 0));
    assert_eq!(told("crm/cy", &all), (cy.clone(), 0));
    let (since, until) = (hours(24), hours(26));
    assert_eq!(told("cy", &Span { since, until, ..all }), (cy[4..5].to_vec(), 0));
    assert_eq!(told("cy", &Span { most: 3, ..all }), (cy[9..].to_vec(), 9));

    let (ben, _) = told("ben", &all);
    let has = |line: &str| assert!(ben.contains(&line.to_owned()), "{line} in {ben:#?}");
    for line in [
        "30 denied made",
        "30 denied settled",
        "30 intent revoke",
        "54 lifted -",
        "72 planned grant",
        "96 planned revoke",
        "97 intent revoke",
        "100 planned grant",
        "102 gate_opened approval",
        "103 intent grant",
        "103 confirmed -",
    ] {
        has(line);
    }
    let place = |line: &str| ben.iter().position(|one| one == line);
    assert!(place("30 denied made") < place("30 intent revoke") && place("30 intent revoke") < place("30 denied settled"));

    // It was refused once for good, and each plan since has it anew.
    let (dan, _) = told("dan", &all);
    assert_eq!(dan[..4], ["0 planned grant", "0 intent grant", "0 outcome rejected", "0 ended -"]);
    assert!(matches!(auditor.history("bem", &all), Err(EngineError::Unknown { near, .. }) if near[0] == "ben"));
}

/// Why: from the source to the evidence.
fn chains(story: &Story) {
    let auditor = story.auditor();
    let why = |change: &str| serde_json::to_value(auditor.why(change).expect("a chain")).expect("json");
    let kinds = |why: &Value| {
        let moments = why["moments"].as_array().expect("moments").iter();
        moments.map(|one| one["is"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let revoke = why(&story.change("cy", "revoke", 0)[..16]);
    assert_eq!(
        [&revoke["op"], &revoke["reason"]["code"], &revoke["after"], &revoke["record"]],
        ["revoke", "undesired", "nothing", ""]
    );
    assert_eq!(revoke["before"]["holding"]["level"], "member");
    assert_eq!(kinds(&revoke), ["intent", "outcome", "confirmed"]);
    assert_eq!([&revoke["moments"][2]["grade"], &revoke["moments"][2]["states"]["found"]], ["E3", "nothing"]);
    assert_eq!((revoke["plans"].as_array().map(Vec::len), &revoke["plans"][0]["began"]), (Some(1), &json!(hours(24))));
    assert_eq!(revoke["plans"][0]["inputs"]["rule_module"], json!(module().facts().module));
    assert_eq!((&revoke["pages_kept"], revoke["checkpoint"]["covers_all"].as_bool()), (&json!(false), Some(true)));
    assert_eq!(revoke["scans"][0]["read_at"], json!(hours(24)));

    // Not sent yet: its row is the sixth line of the file, after the heading.
    let hal = why(&story.change("hal", "grant", 0));
    let row = &hal["sources"][0];
    assert_eq!([&row["line"], &row["record"], &row["read_at"]], [&json!(6), &json!("hr-50"), &json!(hours(144))]);
    assert!(kinds(&hal).is_empty());
    // Nobody lists what somebody did by hand.
    let gus = why(&story.change("gus", "revoke", 0));
    assert_eq!((&gus["pages_kept"], gus["sources"].as_array().map(Vec::len)), (&json!(true), Some(0)));

    let redo = why(&story.change("ben", "grant", 2));
    assert_eq!(kinds(&redo), ["gate_opened", "intent", "outcome", "confirmed"]);
    assert_eq!([&redo["moments"][0]["by"], &redo["moments"][0]["why"]], ["mo", "seen the ticket"]);
    let notes = redo["notes"].to_string();
    assert!(notes.contains("undoes plan") && notes.contains("gate approval"), "{notes}");

    let emergency = why(&story.change("ben", "revoke", 1));
    assert_eq!((&emergency["lane"], emergency["plans"].as_array().map(Vec::len)), (&json!("emergency"), Some(0)));
    assert_eq!(kinds(&emergency), ["denied", "intent", "outcome", "confirmed", "denied"]);

    let failed = why(&story.change("dan", "grant", 0));
    assert_eq!(failed["moments"][1]["outcome"]["message"], "no licence is left");
    assert!(matches!(auditor.why("0000"), Err(EngineError::Unknown { .. })));
    assert!(matches!(auditor.why(""), Err(EngineError::Ambiguous { found, .. }) if found.len() > 1));
}

/// How fast: planned removals took 2 h and 5 h, one that undoes a grant 1 h, one is open since hour 144; the emergency took ten minutes.
fn pace(story: &Story) {
    let auditor = story.auditor();
    let windows = Windows { tier_seconds: [3 * 3_600; 4], emergency_seconds: 599 };
    let told = auditor.performance(&windows, &Span::default()).expect("figures");
    let pace = |removal: Removal| told.paces.iter().find(|pace| pace.removal == removal).expect("a line");
    let planned = pace(Removal::Planned);
    assert_eq!((planned.tier, planned.target.as_str(), told.paces.len()), (Some(0), "crm", 4));
    assert_eq!((planned.confirmed, planned.within, planned.open, planned.overdue), (2, 1, 1, 1));
    assert_eq!((planned.p50_seconds, planned.p95_seconds, planned.max_seconds), (2 * 3_600, 5 * 3_600, 5 * 3_600));
    assert_eq!((planned.oldest_seconds, planned.share()), (56 * 3_600, Some(333)));
    // What undoes a grant is of a higher tier, and took an hour.
    let undone = told.paces.iter().rfind(|pace| pace.removal == Removal::Planned).expect("a line");
    assert_eq!((undone.tier > planned.tier, undone.max_seconds, undone.share()), (true, 3_600, Some(1_000)));
    for removal in [Removal::Emergency, Removal::Call] {
        let called = pace(removal);
        assert_eq!((called.confirmed, called.max_seconds, called.within, called.open), (1, 600, 0, 0), "{removal:?}");
    }
    assert_eq!((told.withdrawn, told.plans_gone), (0, 0));
    let until = Span { since: hours(24), until: hours(96), ..Span::default() };
    let told = auditor.performance(&Windows::default(), &until).expect("figures");
    let planned = told.paces.iter().find(|pace| pace.removal == Removal::Planned).expect("a line");
    assert_eq!((planned.confirmed, planned.max_seconds, planned.open, planned.share()), (1, 2 * 3_600, 0, Some(1_000)));
}

/// A file comes in, is held against its leaf, and goes; proofs stand.
fn evidence(story: &Story) {
    let change = story.change("cy", "revoke", 0);
    let file = story.path().join("ticket.eml");
    fs::write(&file, "Subject: cy leaves the team\n").expect("file");
    let engine = story.engine(hours(150));
    let attached = engine.attach(&change[..12], &file, None, "mo", "the manager's mail").expect("attached");
    assert_eq!((attached.file.media.as_str(), attached.file.size, attached.kept), ("message/rfc822", 28, Kept::Sound));
    let other = story.change("ada", "grant", 0);
    let twice = engine.attach(&other, &file, Some("text/plain"), "mo", "the same file again").expect("attached");
    let proof = engine.prove(attached.leaf, None).expect("a proof");
    let before = engine.log_head().expect("head");
    for (bytes, most) in [(Vec::new(), "empty"), (vec![0; 25 * 1_024 * 1_024 + 1], "too large")] {
        fs::write(&file, bytes).expect("file");
        let refused = engine.attach(&change, &file, None, "mo", "no");
        assert!(matches!(refused, Err(EngineError::AttachmentSize { .. })), "{most}");
    }
    assert!(matches!(engine.attach("0000", &file, None, "mo", "no"), Err(EngineError::Unknown { .. })));
    assert_eq!(engine.log_head().expect("head"), before, "nothing half done");
    drop(engine);

    let verify = || cli::trueup(story.path(), &["audit", "verify", "--json"]).expect("it runs");
    assert_eq!(serde_json::from_slice::<Value>(&verify().stdout).expect("json")["attachments"], 2);
    let kept = fs::read(&attached.path).expect("kept");
    for (bytes, name) in [(Some(b"Subject: cy leaves the tean\n".as_slice()), "altered"), (None, "missing")] {
        match bytes {
            Some(bytes) => fs::write(&attached.path, bytes).expect("altered"),
            None => fs::remove_file(&attached.path).expect("removed"),
        }
        let refused = verify();
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(12) && words.contains(name), "{words}");
        let why = story.auditor().why(&change).expect("a chain");
        assert_eq!(why.attachments[0].kept.name(), name);
    }
    fs::write(&attached.path, kept).expect("brought back");

    let engine = story.engine(hours(151));
    assert_eq!(engine.redact(twice.leaf, "ada", "she asked for it").expect("redacted"), 1);
    assert!(!attached.path.exists());
    assert!(matches!(engine.redact(twice.leaf, "ada", "again"), Err(EngineError::NotFound { .. })));
    let all = engine.attachments().expect("attachments");
    assert!(all.len() == 2 && all.iter().all(|file| file.kept == Kept::Redacted), "{all:?}");
    assert!(engine.verify_log().expect("log").is_ok());
    let key = engine.notary().expect("keys").verifiers();
    assert!(proof.verify(&proof.extra, "example.com/audit/acme", &key).is_ok());
    drop(engine);
    assert!(verify().status.success());
}

/// What people see, with all digests masked, and the errors.
fn shown(story: &Story) {
    let revoke = story.change("cy", "revoke", 0);
    let hal = story.change("hal", "grant", 0);
    let commands: [&[&str]; 12] = [
        &["audit", "who-has", TEAM, "--at", "2026-03-02T01:00:00Z"],
        &["audit", "who-has", "crm/team:ops", "--at", "2026-03-05T15:00:00Z"],
        &["audit", "who-has", TEAM, "--at", "2026-03-07T06:00:00Z", "--show", "2"],
        &["audit", "history", "cy"],
        &["audit", "history", "ben", "--since", "2026-03-02", "--until", "2026-03-05"],
        &["audit", "why", &revoke],
        &["audit", "why", &hal],
        &["audit", "why", "ffffffffffff"],
        &["audit", "who-has", "team:opz", "--at", "2026-03-02"],
        &["audit", "who-has", TEAM, "--at", "2025-12-31"],
        &["audit", "who-has", TEAM, "--at", "soon"],
        &["audit", "history", "nobody at all"],
    ];
    let mut found = String::new();
    for command in commands {
        let output = cli::trueup(story.path(), command).expect("it runs");
        let code = output.status.code().unwrap_or_default();
        assert_eq!(code != 0, output.stdout.is_empty(), "{command:?}");
        let text = String::from_utf8_lossy(if code == 0 { &output.stdout } else { &output.stderr }).into_owned();
        let typed: Vec<String> = command.iter().map(|word| masked(word)).collect();
        found += &format!("== trueup {} (exit {code})\n{}\n", typed.join(" "), masked(text.trim_end()));
        let json = cli::trueup(story.path(), &[command, &["--json"]].concat()).expect("it runs");
        assert_eq!(json.status.code(), Some(code));
        if code == 0 {
            serde_json::from_slice::<Value>(&json.stdout).expect("json");
        }
    }
    let figures = cli::trueup(story.path(), &["audit", "performance"]).expect("it runs");
    let figures = String::from_utf8(figures.stdout).expect("text");
    assert!(figures.contains("planned   0    crm") && figures.contains("≤ 4 h │") && figures.contains("oldest"), "{figures}");
    let path = cli::root().join("tests/fixtures/asking.golden");
    if std::env::var_os("TRUEUP_BLESS").is_some() {
        fs::write(&path, &found).expect("golden file");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "run with TRUEUP_BLESS=1 to accept, and read the difference");
}

/// Digests depend on salts and on the compiler.
fn masked(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_digest = bare.len() >= 12 && bare.bytes().all(|b| b.is_ascii_hexdigit());
        out += &if is_digest { word.replace(bare, "…") } else { word.to_owned() };
    }
    out
}

/// A store that is not what was written answers nothing.
fn damage(story: &Story) {
    let change = story.change("cy", "revoke", 0);
    let questions: [&[&str]; 4] = [
        &["audit", "who-has", TEAM, "--at", "2026-03-02"],
        &["audit", "history", "cy"],
        &["audit", "why", &change],
        &["audit", "performance"],
    ];
    let all_fail = |with: i32| {
        for question in questions {
            let output = cli::trueup(story.path(), question).expect("it runs");
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code() == Some(with) && output.stdout.is_empty(), "{question:?}: {words}");
        }
    };
    let plan = fs::read_dir(story.store().join("plans")).expect("plans").next().expect("a plan").expect("a plan").path();
    let sound = fs::read(&plan).expect("plan");
    let mut bytes = sound.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&plan, &bytes).expect("damaged");
    all_fail(9);
    fs::write(&plan, &sound).expect("mended");

    let ledger = rusqlite::Connection::open(story.store().join("ledger/ledger.sqlite")).expect("ledger");
    let sql = "UPDATE bodies SET state = replace(state, 'member', 'admin') WHERE state LIKE '%member%'";
    assert!(ledger.execute(sql, []).expect("altered") > 0);
    all_fail(12);
    ledger.execute("UPDATE bodies SET state = replace(state, 'admin', 'member')", []).expect("mended");
    let sql = "UPDATE leaves SET bytes = CAST(replace(CAST(bytes AS TEXT), 'laptop stolen', 'laptop broken') AS BLOB)";
    assert!(ledger.execute(sql, []).expect("altered") > 0);
    all_fail(12);
}
