//! Tests of discovery: what survives a crash, which scans are believed, and that results depend on facts alone.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::frame::{decode, encode};
use super::spool::Spool;
use super::{
    Completeness, Cursor, DiscoverError, Discovery, Names, Page, ScanSide, Snapshot, SnapshotBuilder, Source, Subjects, Survey,
    discover, prune_keys, record_counts,
};
use crate::model::{CaseKey, Digest, Entitlement, Fact, FactFlags, IdentityKind, IdentityStatus, Person, Subject, Sym, Time};
use crate::progress::Silent;
use crate::target::{Class, Profile, ReadError, Reading, Target, Write, WriteError, Written};

const NOW: Time = Time::from_seconds(1_772_323_200);

fn grants(rows: &[(&str, &str, &str)]) -> Page {
    let mut page = Page::default();
    for (line, (target, holder, object)) in (1..).zip(rows) {
        let [target, holder, object] = [target, holder, object].map(|text| page.symbols.intern(text));
        page.facts.push(Fact { line, ..Fact::new(Subject::Grant, target, holder, object) });
    }
    page
}

/// A page that has something in every field.
fn full_page() -> Page {
    let mut page = grants(&[("crm", "ann", "team:a"), ("crm", "bob", "team:ä")]);
    let [a, b, c] = ["one", "two", "three"].map(|text| page.symbols.intern(text));
    let first = page.facts.first_mut().expect("a fact");
    (first.level, first.identity, first.owner, first.purpose, first.record) = (a, b, c, a, b);
    (first.approver, first.via, first.replaces, first.flags, first.scan) = (c, a, b, FactFlags(5), 7);
    first.managed_by = c;
    (first.not_before, first.expires_at, first.last_used) = (NOW, NOW.plus(1), Time::from_seconds(-5));
    let (kind, status) = (IdentityKind::Group, IdentityStatus::Left);
    page.people.push(Person { identity: a, kind, status, owner: b, unit: c, moved_at: NOW, ends_at: NOW.plus(9) });
    let (tier, privileged, break_glass) = (3, true, true);
    let (target, object, exclusion, owner, min_holders, parent) = (a, b, c, a, 517, c);
    let row = Entitlement { target, object, tier, privileged, break_glass, exclusion, owner, min_holders, parent };
    page.entitlements.push(row);
    page.next = Some(Cursor("7 8 9".to_owned()));
    page.total = Some(4);
    page.incomplete = Some("cut short".to_owned());
    page
}

fn bytes(page: &Page) -> Vec<u8> {
    let mut out = Vec::new();
    encode(page, &mut out);
    out
}

#[test]
fn a_page_reads_back_as_it_was_and_hostile_bytes_are_refused() {
    let form = bytes(&full_page());
    let back = decode(&form).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(bytes(&back), form);
    assert_eq!(back.symbols.text(back.facts.first().map_or(Sym::EMPTY, |fact| fact.via)), "one");
    assert_eq!(back.symbols.text(back.facts.first().map_or(Sym::EMPTY, |fact| fact.managed_by)), "three");
    for cut in 0..form.len() {
        assert!(decode(&form[..cut]).is_err(), "cut at {cut}");
    }
    for at in 0..form.len() {
        for flip in [1, 0x80, 0xff] {
            let mut hostile = form.clone();
            hostile[at] ^= flip;
            // Either it is another page, or it is refused: what counts is that it neither panics nor allocates wildly.
            if let Ok(page) = decode(&hostile) {
                assert!(page.rows() == 4, "byte {at}");
            }
        }
    }
}

fn replay(dir: &Path, version: &str) -> (Spool, Vec<Vec<u8>>) {
    let mut pages = Vec::new();
    let spool = Spool::open(dir, ScanSide::Desired, "hr/main", version, |page| {
        pages.push(bytes(&page));
        Ok(())
    });
    (spool.expect("the spool opens"), pages)
}

#[test]
fn a_spool_cut_at_any_byte_resumes_after_the_last_whole_page() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("desired-hr%2fmain.pages");
    let (one, two) = (grants(&[("crm", "ann", "team:a")]), full_page());
    let (mut spool, none) = replay(dir.path(), "v1");
    assert!(none.is_empty());
    spool.append(&one).expect("it is stored");
    let whole = std::fs::metadata(&path).expect("it exists").len() as usize;
    spool.append(&two).expect("it is stored");
    let file = std::fs::read(&path).expect("it exists");
    for cut in whole..=file.len() {
        std::fs::write(&path, &file[..cut]).expect("it is cut");
        let (mut spool, pages) = replay(dir.path(), "v1");
        let expected = if cut == file.len() { vec![bytes(&one), bytes(&two)] } else { vec![bytes(&one)] };
        assert_eq!(pages, expected, "cut at {cut}");
        spool.append(&two).expect("it is stored");
        assert_eq!(replay(dir.path(), "v1").1.len(), expected.len() + 1, "cut at {cut}");
    }
    for at in 0..file.len() {
        let mut broken = file.clone();
        broken[at] ^= 0x40;
        std::fs::write(&path, &broken).expect("it is written");
        assert!(replay(dir.path(), "v1").1.len() < 2, "byte {at}");
    }
    for version in ["v2", ""] {
        std::fs::write(&path, &file).expect("it is written");
        assert!(replay(dir.path(), version).1.is_empty(), "version `{version}`");
    }
}

/// A source or target that answers from a list, and notes what it was asked.
struct Fake {
    name: String,
    covers: Vec<String>,
    version: Result<String, String>,
    read_at: Option<Time>,
    pages: Vec<Result<Page, String>>,
    asked: Mutex<Vec<String>>,
    profile: Profile,
}

impl Fake {
    fn new(name: &str, covers: &[&str], pages: Vec<Result<Page, String>>) -> Self {
        Fake {
            name: name.to_owned(),
            covers: covers.iter().map(|&target| target.to_owned()).collect(),
            version: Ok("v1".to_owned()),
            read_at: None,
            pages,
            asked: Mutex::default(),
            profile: Profile::new(Class::K0),
        }
    }

    fn answer(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError> {
        let at: usize = after.map_or(0, |cursor| cursor.0.parse().expect("a cursor of this fake"));
        self.asked.lock().expect("no panic").push(at.to_string());
        match self.pages.get(at) {
            Some(Ok(page)) => {
                let mut page = decode(&bytes(page)).expect("it reads back");
                page.next = (at + 1 < self.pages.len()).then(|| Cursor((at + 1).to_string()));
                Ok(page)
            }
            Some(Err(problem)) => Err(DiscoverError::Unreadable { name: self.name.clone(), problem: problem.clone() }),
            None => Ok(Page::default()),
        }
    }

    fn state(&self) -> Result<String, DiscoverError> {
        let fail = |problem: &String| DiscoverError::Unreadable { name: self.name.clone(), problem: problem.clone() };
        self.version.as_ref().map_err(fail).cloned()
    }
}

#[async_trait]
impl Source for Fake {
    fn name(&self) -> &str {
        &self.name
    }
    fn covers(&self) -> &[String] {
        &self.covers
    }
    async fn version(&self) -> Result<String, DiscoverError> {
        self.state()
    }
    async fn page(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError> {
        self.answer(after)
    }
    fn read_at(&self) -> Option<Time> {
        self.read_at
    }
}

#[async_trait]
impl Target for Fake {
    fn name(&self) -> &str {
        &self.name
    }
    fn profile(&self) -> &Profile {
        &self.profile
    }
    async fn version(&self) -> Result<String, DiscoverError> {
        self.state()
    }
    async fn page(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError> {
        self.answer(after)
    }
    async fn read(&self, key: &CaseKey) -> Result<Reading, ReadError> {
        Err(ReadError { key: key.to_string(), message: "not asked for here".to_owned() })
    }
    async fn write(&self, _: Write<'_>) -> Result<Written, WriteError> {
        Err(WriteError::Rejected { message: "not asked for here".to_owned() })
    }
}

fn options(dir: &Path) -> Discovery {
    Discovery {
        as_of: NOW,
        now: NOW,
        max_age_seconds: 3600,
        spool: dir.join("spool"),
        scratch: dir.join("scratch"),
        counts: Vec::new(),
        keys_dir: dir.join("keys"),
        released: BTreeSet::new(),
    }
}

fn survey(sources: Vec<Arc<dyn Source>>, targets: Vec<Arc<dyn Target>>, options: &Discovery) -> Result<Survey, DiscoverError> {
    let _ = std::fs::remove_dir_all(&options.scratch);
    std::fs::create_dir(&options.scratch).expect("a directory");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    runtime.block_on(discover(&sources, &targets, options, Arc::new(Silent)))
}

/// The same, with all facts in memory: nothing is lost on the way.
fn run(sources: Vec<Arc<dyn Source>>, targets: Vec<Arc<dyn Target>>, options: &Discovery) -> Result<Snapshot, DiscoverError> {
    let survey = survey(sources, targets, options)?;
    let whole = survey.whole()?;
    assert_eq!(whole.rows, survey.snapshot.rows);
    assert_eq!(whole.desired.len() + whole.observed.len(), survey.facts() as usize);
    Ok(whole)
}

#[test]
fn a_scan_that_broke_resumes_where_it_broke() {
    let dir = tempfile::tempdir().expect("a directory");
    let page = |holder| Ok(grants(&[("crm", holder, "team:a")]));
    let broken = Arc::new(Fake::new("iam", &["crm"], vec![page("ann"), page("bob"), Err("no route".to_owned())]));
    let snapshot = run(vec![broken], vec![], &options(dir.path())).expect("an unreadable source ends no run");
    let why = "cannot read `iam`: no route".to_owned();
    assert_eq!(snapshot.scans.first().map(|scan| &scan.completeness), Some(&Completeness::Incomplete { why }));
    assert_eq!(snapshot.desired.len(), 2, "rows of an incomplete scan are present");

    let whole = vec![page("ann"), page("bob"), page("cid"), page("dan")];
    let again = Arc::new(Fake::new("iam", &["crm"], whole));
    let snapshot = run(vec![again.clone()], vec![], &options(dir.path())).expect("it is well formed");
    assert_eq!((snapshot.desired.len(), again.asked.lock().expect("no panic").join(" ")), (4, "2 3".to_owned()));

    let mut changed = Fake::new("iam", &["crm"], vec![page("eve")]);
    changed.version = Ok("v2".to_owned());
    let snapshot = run(vec![Arc::new(changed)], vec![], &options(dir.path())).expect("it is well formed");
    assert_eq!(snapshot.desired.len(), 1, "another version begins anew");
}

#[test]
fn v07_each_way_in_which_a_scan_is_not_whole_is_told() {
    let row = || grants(&[("crm", "ann", "team:a")]);
    let last = |total, incomplete: Option<&str>| Ok(Page { total, incomplete: incomplete.map(str::to_owned), ..row() });
    let incomplete = |why: &str| Completeness::Incomplete { why: why.to_owned() };
    type Change = fn(&mut Fake);
    let keep: Change = |_| {};
    type Pages = Vec<Result<Page, String>>;
    let all: Vec<(&str, Pages, Change, Completeness)> = vec![
        ("a count that holds", vec![last(Some(1), None)], keep, Completeness::Complete),
        ("nobody counts, for the first time", vec![last(None, None)], keep, Completeness::Complete),
        (
            "a short count",
            vec![last(Some(2), None)],
            keep,
            incomplete("it holds 1 rows where 2 were announced; read it again once it is whole"),
        ),
        (
            "a long count",
            vec![last(Some(0), None)],
            keep,
            incomplete("it holds 1 rows where 0 were announced; read it again once it is whole"),
        ),
        ("the source knows", vec![last(Some(1), Some("no trailer"))], keep, incomplete("no trailer")),
        ("an error", vec![Ok(row()), Err("gone".to_owned())], keep, incomplete("cannot read `iam`: gone")),
        ("no answer", vec![Ok(row())], |fake| fake.version = Err("down".to_owned()), incomplete("cannot read `iam`: down")),
        ("too old", vec![last(Some(1), None)], |fake| fake.read_at = Some(NOW.plus(-3601)), Completeness::Stale),
        ("old, and young enough", vec![last(Some(1), None)], |fake| fake.read_at = Some(NOW.plus(-3600)), Completeness::Complete),
        ("empty", vec![Ok(Page::default())], keep, incomplete("it holds no rows, and nothing vouches for that")),
        ("empty, and said to be", vec![Ok(Page { total: Some(0), ..Page::default() })], keep, Completeness::Complete),
    ];
    for (name, pages, change, expected) in all {
        let dir = tempfile::tempdir().expect("a directory");
        let mut fake = Fake::new("iam", &["crm"], pages);
        change(&mut fake);
        let snapshot = run(vec![Arc::new(fake)], vec![], &options(dir.path())).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(snapshot.scans.first().map(|scan| &scan.completeness), Some(&expected), "{name}");
    }
    let dir = tempfile::tempdir().expect("a directory");
    let target = Arc::new(Fake::new("crm", &[], vec![Ok(Page::default())]));
    let snapshot = run(vec![], vec![target], &options(dir.path())).expect("it is well formed");
    assert_eq!(snapshot.scans.first().map(|scan| &scan.completeness), Some(&Completeness::Complete), "a new target is empty");
}

#[test]
fn what_contradicts_the_configuration_ends_the_run() {
    let dir = tempfile::tempdir().expect("a directory");
    let fail = |sources: Vec<Fake>, targets: Vec<Fake>| {
        let sources = sources.into_iter().map(|fake| Arc::new(fake) as Arc<dyn Source>).collect();
        let targets = targets.into_iter().map(|fake| Arc::new(fake) as Arc<dyn Target>).collect();
        run(sources, targets, &options(dir.path())).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let page = || vec![Ok(grants(&[("crm", "ann", "team:a"), ("erp", "bob", "team:a")]))];
    let expected = "iam:2: field `target`: `erp` is not a target that this source covers; it covers `crm`, `hr`";
    assert_eq!(fail(vec![Fake::new("iam", &["hr", "crm"], page())], vec![]), expected);
    let expected = "crm:2: field `target`: `erp` is not a target that this source covers; it covers `crm`";
    assert_eq!(fail(vec![], vec![Fake::new("crm", &[], page())]), expected);
    let twice = vec![Fake::new("iam", &["crm"], vec![]), Fake::new("iam", &["erp"], vec![])];
    assert_eq!(fail(twice, vec![]), "source `iam`: another one has the same name");
}

#[test]
fn a_source_may_repeat_itself_but_not_contradict_itself() {
    let with = |levels: [(&str, u32); 2], sources: [&str; 2]| {
        let mut builder = SnapshotBuilder::new();
        for ((level, line), source) in levels.into_iter().zip(sources) {
            builder.source(source).desired("crm", "ann", "team:a").with(|fact, symbols| {
                fact.level = symbols.intern(level);
                fact.line = line;
            });
        }
        builder.build().map(|snapshot| snapshot.desired.len()).map_err(|error| error.to_string())
    };
    assert_eq!(with([("read", 9), ("read", 4)], ["iam", "iam"]), Ok(2));
    assert_eq!(with([("read", 9), ("write", 4)], ["iam", "hr"]), Ok(2));
    assert_eq!(with([("read", 9), ("write", 4)], ["iam", "iam"]), Err("iam:9: duplicate of line 4: `crm/ann/team:a`".to_owned()));
    let contradiction = "iam: `crm/ann/team:a` is stated twice, differently; keep one of the rows";
    assert_eq!(with([("read", 0), ("write", 0)], ["iam", "iam"]), Err(contradiction.to_owned()));

    let mut builder = SnapshotBuilder::new();
    builder.person("ann", IdentityKind::Person, IdentityStatus::Active);
    builder.person("ann", IdentityKind::Person, IdentityStatus::Left);
    let error = builder.build().err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("source: `ann` is stated twice, differently; keep one of the rows"));
}

#[test]
fn of_several_sources_the_gravest_view_of_identities_and_entitlements_holds() {
    let mut builder = SnapshotBuilder::new();
    builder.source("idp").person("ann", IdentityKind::Person, IdentityStatus::Active);
    builder.source("hr").person("ann", IdentityKind::Person, IdentityStatus::Left);
    builder.source("a").entitlement("crm", "team:a", |row, _| row.tier = 1);
    builder.source("b").entitlement("crm", "team:a", |row, _| row.privileged = true);
    let snapshot = builder.build().expect("it is well formed");
    assert_eq!(snapshot.people.iter().map(|person| person.status).collect::<Vec<_>>(), [IdentityStatus::Left]);
    assert_eq!(snapshot.entitlements.iter().map(|row| (row.tier, row.privileged)).collect::<Vec<_>>(), [(1, true)]);
}

#[test]
fn the_digest_of_facts_depends_on_facts_alone() {
    type Row = (&'static str, &'static str, &'static str);
    const ROWS: [Row; 5] =
        [("crm", "ann", "team:a"), ("crm", "bob", ""), ("erp", "ann", "team:a"), ("crm", "ann", "team:b"), ("crm", "äb", "x:y")];
    let of = |rows: &[Row], split: fn(usize) -> &'static str, change: fn(&mut SnapshotBuilder)| {
        let mut builder = SnapshotBuilder::new();
        for (i, (target, holder, object)) in rows.iter().enumerate() {
            builder.source(split(i)).desired(target, holder, object).observed(target, object, holder);
        }
        builder.source(split(0)).person("ann", IdentityKind::Person, IdentityStatus::Active);
        change(&mut builder);
        builder.build().unwrap_or_else(|error| panic!("{error}"))
    };
    let plain = of(&ROWS, |_| "iam", |_| {});
    let mut shuffled = ROWS;
    shuffled.reverse();
    let same: [(&str, Snapshot); 4] = [
        ("shuffled", of(&shuffled, |_| "iam", |_| {})),
        ("split", of(&ROWS, |i| ["a", "z"][i % 2], |_| {})),
        ("split and shuffled", of(&shuffled, |i| ["q", "b", "c"][i % 3], |_| {})),
        ("stated twice", of(&ROWS, |_| "iam", |builder| _ = builder.source("b").desired("crm", "ann", "team:a"))),
    ];
    for (name, other) in &same {
        assert_eq!(other.facts_digest(), plain.facts_digest(), "{name}");
    }
    assert_eq!(same[0].1.scans, plain.scans, "the digest of a scan does not depend on the order of its rows");
    type Change = fn(&mut SnapshotBuilder);
    let different: [(&str, Change); 6] = [
        ("a row more", |b| _ = b.desired("crm", "cid", "team:a")),
        ("an attribute", |b| _ = b.desired("crm", "cid", "").with(|fact, _| fact.expires_at = NOW)),
        ("observed", |b| _ = b.observed("crm", "cid", "team:a")),
        ("an identity", |b| _ = b.person("bob", IdentityKind::Machine, IdentityStatus::Active)),
        ("an entitlement", |b| _ = b.entitlement("", "team:a", |_, _| {})),
        ("a gap", |b| _ = b.scan(ScanSide::Desired, "iam", "crm", Completeness::Stale)),
    ];
    let mut seen = BTreeSet::from([plain.facts_digest()]);
    for (name, change) in different {
        assert!(seen.insert(of(&ROWS, |_| "iam", change).facts_digest()), "{name}");
    }
}

#[test]
fn arrival_does_not_matter() {
    let dir = tempfile::tempdir().expect("a directory");
    let digests: BTreeSet<(Digest, Vec<String>)> = (0..8)
        .map(|i| {
            let mut fakes: Vec<Arc<dyn Source>> = Vec::new();
            for name in ["c", "a", "b"] {
                let pages = (0..5).map(|page| Ok(grants(&[("crm", &format!("{name}{page}"), "team:a")]))).collect();
                fakes.push(Arc::new(Fake { version: Ok(String::new()), ..Fake::new(name, &["crm"], pages) }));
            }
            fakes.rotate_left(i % 3);
            let snapshot = run(fakes, vec![], &options(dir.path())).expect("it is well formed");
            let holders = snapshot.desired.iter().map(|fact| snapshot.symbols.text(fact.holder).to_owned()).collect();
            (snapshot.facts_digest(), holders)
        })
        .collect();
    assert_eq!(digests.len(), 1);
}

/// One run of a source that lists these objects, after runs whose complete scans were `counts`.
fn list(dir: &Path, objects: &[String], change: impl FnOnce(&mut Discovery)) -> Survey {
    let rows: Vec<(&str, &str, &str)> = objects.iter().map(|object| ("crm", "ann", object.as_str())).collect();
    let mut options = options(dir);
    change(&mut options);
    let fake = Fake { version: Ok(String::new()), ..Fake::new("iam", &["crm"], vec![Ok(grants(&rows))]) };
    survey(vec![Arc::new(fake)], vec![], &options).expect("it is well formed")
}

#[test]
fn v07_a_scan_that_lost_too_much_is_not_believed_until_released() {
    let objects = |count: usize| (0..count).map(|i| format!("team:{i}")).collect::<Vec<_>>();
    // before, now → lost, of
    for (before, now, shrunk) in [
        (1000, 800, None),
        (1000, 799, Some((201, 1000))),
        (30, 10, None),
        (30, 9, Some((21, 30))),
        (5, 0, Some((5, 5))),
        (1000, 2000, None),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let first = list(dir.path(), &objects(before), |_| {});
        let counts = record_counts(&first, &dir.path().join("keys")).expect("keys are stored");
        assert_eq!(counts.iter().map(|count| count.rows).collect::<Vec<_>>(), [before as u64]);
        let second = list(dir.path(), &objects(now), |options| options.counts = counts.clone());
        let scan = second.snapshot.scans.first().expect("one scan");
        let expected = shrunk.map_or(Completeness::Complete, |(lost, of)| Completeness::Shrunk { lost, of });
        assert_eq!(scan.completeness, expected, "{before} → {now}");
        let released = list(dir.path(), &objects(now), |options| {
            options.counts = counts;
            options.released.insert(scan.digest);
        });
        assert_eq!(
            released.snapshot.scans.first().map(|scan| &scan.completeness),
            Some(&Completeness::Complete),
            "{before} → {now}"
        );
    }
}

#[test]
fn keys_that_are_gone_or_damaged_count_as_lost() {
    let dir = tempfile::tempdir().expect("a directory");
    let keys = dir.path().join("keys");
    let objects: Vec<String> = (0..3).map(|i| format!("team:{i}")).collect();
    let counts = record_counts(&list(dir.path(), &objects, |_| {}), &keys).expect("keys are stored");
    let lost = Completeness::Shrunk { lost: 3, of: 3 };
    let again = || list(dir.path(), &objects, |options| options.counts = counts.clone()).snapshot.scans.remove(0).completeness;
    assert_eq!(again(), Completeness::Complete);
    let draft = keys.join("half.0.draft");
    std::fs::write(&draft, b"half").expect("it is written");
    prune_keys(&keys, &counts).expect("drafts are removed");
    assert_eq!((again(), draft.exists()), (Completeness::Complete, false), "what is named stays");
    let file = std::fs::read_dir(&keys).expect("it exists").next().expect("one file").expect("one file").path();
    std::fs::write(&file, b"damaged!").expect("it is written");
    assert_eq!(again(), lost);
    prune_keys(&keys, &[]).expect("it is removed");
    assert!(!file.exists());
    assert_eq!(again(), lost);
}

#[test]
fn pages_that_changed_after_they_were_read_are_an_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let pages = ["ann", "bob", "cid"].map(|holder| Ok(grants(&[("crm", holder, "team:a")]))).into_iter().collect();
    let survey = survey(vec![Arc::new(Fake::new("iam", &["crm"], pages))], vec![], &options(dir.path())).expect("read");
    let names: Vec<&str> = survey.names.used_as(Names::HOLDER).map(|sym| survey.snapshot.symbols.text(sym)).collect();
    assert_eq!((survey.facts(), names), (3, vec!["ann", "bob", "cid"]));
    let path = dir.path().join("spool/desired-iam.pages");
    let whole = std::fs::read(&path).expect("it is there");
    for lost in [1, whole.len() / 2, whole.len()] {
        std::fs::write(&path, &whole[..whole.len() - lost]).expect("it is written");
        let error = survey.pages(|_| Ok(())).err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(error, format!("cannot store pages in `{}`", dir.path().join("spool").display()), "{lost} bytes lost");
    }
}

#[test]
fn builder_places_facts_and_scans() {
    let mut builder = SnapshotBuilder::new();
    builder.scan_of(ScanSide::Desired, "iam", "erp", Subjects::only(Subject::Grant), Completeness::Stale);
    builder.source("iam").desired("erp", "ann", "team:a").desired("crm", "ann", "");
    let snapshot = builder.build().expect("it is well formed");
    let scans: Vec<(&str, u64)> = snapshot.scans.iter().map(|scan| (scan.target.as_str(), scan.rows)).collect();
    assert_eq!(scans, [("crm", 1), ("erp", 1)]);
    for fact in &snapshot.desired {
        let scan = snapshot.scans.get(usize::from(fact.scan)).expect("its scan");
        assert_eq!(scan.target, snapshot.symbols.text(fact.target));
    }
}

#[cfg(feature = "files")]
#[test]
fn v07_a_file_of_grants_and_identities_says_nothing_of_accounts() {
    use super::files::{CompleteBy, FileConfig, FileSource, RowKind};
    let dir = tempfile::tempdir().expect("a directory");
    let grant = "{\"kind\":\"grant\",\"holder\":\"ann\",\"object\":\"team:a\"}\n";
    let account = "{\"kind\":\"account\",\"holder\":\"ann\"}\n";
    let person = "{\"kind\":\"person\",\"identity\":\"ann\"}\n";
    let (grants, accounts) = (Subjects::only(Subject::Grant), Subjects::only(Subject::Account));
    for (text, kind, subjects) in [
        (format!("{grant}{person}"), RowKind::Mixed, grants),
        (format!("{grant}{account}"), RowKind::Mixed, grants.and(Subject::Account)),
        (person.to_owned(), RowKind::Mixed, Subjects::NONE),
        (account.to_owned(), RowKind::Accounts, accounts),
        (String::new(), RowKind::Grants, grants),
    ] {
        std::fs::write(dir.path().join("iam.jsonl"), text).expect("a file");
        let mut config = FileConfig::new("iam", Path::new("iam.jsonl"), kind);
        (config.target, config.complete) = (Some("crm".to_owned()), CompleteBy::Always);
        let source = FileSource::open(config, dir.path()).expect("it can be meant");
        let snapshot = run(vec![Arc::new(source)], vec![], &options(dir.path())).expect("it is well formed");
        assert_eq!(snapshot.scans.first().map(|scan| scan.subjects), Some(subjects), "{kind:?}");
    }
}

#[cfg(feature = "files")]
#[test]
fn v07_a_rename_trips_the_gate_until_an_alias_undoes_it() {
    use super::files::{Alias, FileConfig, FileSource, RowKind};
    let dir = tempfile::tempdir().expect("a directory");
    let write = |renamed: bool| {
        let name = |i: usize| if renamed && i < 441 { format!("repo:new-{i}") } else { format!("repo:old-{i}") };
        let text: String = (0..739).map(|i| format!("{{\"holder\":\"ann\",\"object\":\"{}\"}}\n", name(i))).collect();
        std::fs::write(dir.path().join("iam.jsonl"), text).expect("a file");
    };
    let read = |aliases: Vec<Alias>, counts: &[crate::ledger::ScanCount]| {
        let mut config = FileConfig::new("iam", Path::new("iam.jsonl"), RowKind::Grants);
        config.target = Some("crm".to_owned());
        config.aliases = aliases;
        let source = FileSource::open(config, dir.path()).expect("it can be meant");
        let options = Discovery { counts: counts.to_vec(), ..options(dir.path()) };
        survey(vec![Arc::new(source)], vec![], &options).expect("it is well formed")
    };
    write(false);
    let before = read(vec![], &[]);
    let counts = record_counts(&before, &dir.path().join("keys")).expect("keys are stored");
    write(true);
    let renamed = read(vec![], &counts);
    assert_eq!(renamed.snapshot.scans.first().map(|scan| &scan.completeness), Some(&Completeness::Shrunk { lost: 441, of: 739 }));
    let aliases = (0..441).map(|i| Alias { from: format!("repo:new-{i}"), to: format!("repo:old-{i}") }).collect();
    let healed = read(aliases, &counts);
    assert_eq!(healed.snapshot.scans.first().map(|scan| &scan.completeness), Some(&Completeness::Complete));
    assert_eq!(healed.snapshot.facts_digest(), before.snapshot.facts_digest());
}
