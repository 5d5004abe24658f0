//! Each story happens on its day, to those whom it names, and messy files are messy in the way that they promise.

use std::path::{Path, PathBuf};

use super::*;

fn estate() -> Estate {
    Estate::with(small(), 4, Options::default())
}

fn text(estate: &Estate, day: u16, file: &str) -> String {
    String::from_utf8(estate.source_bytes(day).unwrap().remove(file).unwrap()).unwrap()
}

fn rows(estate: &Estate, day: u16, file: &str) -> BTreeSet<String> {
    text(estate, day, file).lines().skip(1).map(str::to_owned).collect()
}

fn only(kind: StoryKind) -> Story {
    estate().stories().iter().find(|story| story.kind == kind).unwrap().clone()
}

#[test]
fn each_story_is_told_of_people_who_are_there() {
    use StoryKind::*;
    let estate = estate();
    let told: BTreeSet<StoryKind> = estate.stories().iter().map(|story| story.kind).collect();
    let all = [
        Dormant,
        BreakGlass,
        AddedByHand,
        RemovedByHand,
        RaisedByHand,
        Expiry,
        Orphan,
        Mover,
        Exclusion,
        Leaver,
        Contractor,
        HalfEmpty,
        TwoSpellings,
        NewScope,
        Rotation,
        Renamed,
    ];
    assert_eq!(told, all.into());
    let people: BTreeSet<String> = estate.people(0).map(|p| p.identity).collect();
    assert_eq!(people.len(), estate.identities() as usize, "nobody has the name of another");
    for story in estate.stories() {
        assert!(story.day <= DAYS && story.who.iter().all(|who| people.contains(who)), "{}", story.title);
    }
    assert!(estate.stories().is_sorted_by_key(|story| story.day));
}

#[test]
fn a_hand_edits_what_is_there() {
    let estate = estate();
    let mut kinds = BTreeSet::new();
    for day in 0..=DAYS {
        for edit in estate.foreign_edits_on(day) {
            let find = |rows: BTreeMap<CaseKey, Holding>| {
                let mut found = rows.into_iter();
                found.find(|(k, _)| (&k.target, &k.holder, &k.object) == (&edit.target, &edit.holder, &edit.object)).map(|f| f.1)
            };
            let (meant, found) = (find(states(estate.reconciled(day - 1))), find(states(estate.observed(day))));
            let as_told = match &edit.edit {
                Edit::Added { level } => meant.is_none() && found.is_some_and(|f| f.level == *level),
                Edit::Removed => meant.is_some() && found.is_none(),
                Edit::Level { to } => meant.zip(found).is_some_and(|(m, f)| m.level != *to && f.level == *to),
                Edit::Enabled => meant.zip(found).is_some_and(|(m, f)| !m.enabled && f.enabled),
            };
            assert!(as_told, "{edit:?}");
            assert_eq!(find(states(estate.observed(day + 1))), find(states(estate.reconciled(day))), "the next day it is undone");
            kinds.insert(format!("{:?}", edit.edit).split(' ').next().map(str::to_owned));
        }
    }
    assert_eq!(kinds.len(), 4);
}

#[test]
fn access_that_expires_is_still_listed_on_its_day() {
    let estate = estate();
    for story in estate.stories().iter().filter(|s| s.kind == StoryKind::Expiry) {
        let listed = |day| estate.grants(day).find(|r| story.who.contains(&r.identity) && r.expires_at.is_some());
        let row = listed(story.day).unwrap();
        assert!(row.live_at(instant(story.day - 1)) && !row.live_at(instant(story.day)));
        assert_eq!(listed(story.day + 1), None);
        let revoked: Vec<_> = estate.changes_on(story.day).filter(|c| story.who.contains(&c.identity)).collect();
        assert!(revoked.len() == 1 && revoked[0].after.is_none() && revoked[0].key.object == row.object);
    }
}

#[test]
fn movers_lose_what_they_had_and_get_what_they_need() {
    let (estate, story) = (estate(), only(StoryKind::Mover));
    for who in &story.who {
        let changes: Vec<_> = estate.changes_on(story.day).filter(|c| c.identity == *who).collect();
        assert!(changes.iter().any(|c| c.after.is_none()) && changes.iter().any(|c| c.before.is_none()), "{who}");
        let row = |day| estate.people(day).find(|p| p.identity == *who).unwrap();
        assert_ne!(row(story.day - 1).unit, row(story.day).unit);
        assert_eq!(row(story.day).moved_at, midnight(story.day));
    }
}

#[test]
fn a_leaver_is_disabled_then_deleted() {
    let (estate, story) = (estate(), only(StoryKind::Leaver));
    let held = |day| -> Vec<ObservedRow> {
        estate.reconciled(day).filter(|r| r.holder.replace('-', ".").starts_with("jonas.merlin")).collect()
    };
    assert!(held(story.day - 1).iter().any(|r| r.subject == Subject::Grant) && held(story.day - 1).iter().all(|r| r.enabled));
    assert!(!held(story.day).is_empty() && held(story.day).iter().all(|r| r.subject == Subject::Account && !r.enabled));
    assert!(held(26).is_empty() && !held(25).is_empty());
    let status = |day| estate.people(day).find(|p| p.identity == story.who[0]).unwrap().status;
    assert_eq!([8, 9, 12].map(status), [IdentityStatus::Active, IdentityStatus::Leaving, IdentityStatus::Left]);
}

#[test]
fn a_contractor_is_listed_after_the_end() {
    let (estate, story) = (estate(), only(StoryKind::Contractor));
    let row = |day| estate.people(day).find(|p| p.identity == story.who[0]).unwrap();
    assert!(row(story.day).ends_at <= instant(story.day) && row(story.day).status == IdentityStatus::Active);
    assert!(estate.grants(story.day).any(|r| r.identity == story.who[0]));
    assert_eq!(row(17).status, IdentityStatus::Left);
}

#[test]
fn orphans_name_an_owner_who_left() {
    let (estate, story) = (estate(), only(StoryKind::Orphan));
    let row = |who: &str, day| estate.people(day).find(|p| p.identity == who).unwrap();
    let (owner, machines) = story.who.split_first().unwrap();
    assert_eq!((row(owner, 5).status, row(owner, 6).status), (IdentityStatus::Active, IdentityStatus::Left));
    assert!(machines.iter().all(|m| row(m, story.day).owner == *owner && row(m, story.day).kind == IdentityKind::Machine));
}

#[test]
fn what_nobody_uses_is_privileged_or_kept_for_emergencies() {
    let estate = estate();
    let catalogue: BTreeMap<_, _> = estate.entitlements().map(|e| ((e.target.clone(), e.object.clone()), e)).collect();
    for kind in [StoryKind::Dormant, StoryKind::BreakGlass] {
        let players = only(kind).who;
        let unused = estate.observed(1).filter(|r| r.last_used < midnight(0).plus(-180 * 86_400));
        let unused: Vec<_> = unused.filter(|r| players.iter().any(|p| r.holder.starts_with(p.as_str()))).collect();
        assert_eq!(unused.len(), players.len());
        for row in unused {
            let entitlement = &catalogue[&(row.target, row.object)];
            assert_eq!((entitlement.privileged, entitlement.break_glass), (true, kind == StoryKind::BreakGlass));
        }
    }
}

#[test]
fn a_key_names_the_one_that_it_replaces() {
    let (estate, story) = (estate(), only(StoryKind::Rotation));
    let changes: Vec<_> = estate.changes_on(story.day).filter(|c| c.identity == story.who[0]).collect();
    assert!(changes.iter().all(|c| c.key.subject == Subject::Credential) && changes.len() == 2);
    let file = text(&estate, story.day, "credentials.jsonl");
    let line = file.lines().find(|l| l.contains("\"replaces\":\"key:svc-harbor-gateway/1\""));
    assert!(line.is_some_and(|l| l.contains("\"object\":\"key:svc-harbor-gateway/2\"")));
}

#[test]
fn the_export_of_crm_is_half_empty_for_a_day() {
    let (estate, story) = (estate(), only(StoryKind::HalfEmpty));
    let [before, on, after] = [-1, 0, 1].map(|d| rows(&estate, story.day.saturating_add_signed(d), "grants-crm.tsv"));
    near("rows left", on.len() as f64, before.len() as f64 * 0.45, 6.0);
    assert!(after.len() * 100 > before.len() * 97);
    assert!(before.iter().any(|l| l.contains("ulrika.dove")) && !on.iter().any(|l| l.contains("ulrika.dove")));
    assert!(!estate.sources().iter().find(|f| f.file == "grants-crm.tsv").unwrap().manifest);
}

#[test]
fn the_wiki_is_managed_before_its_source_lists_it() {
    let (estate, story) = (estate(), only(StoryKind::NewScope));
    assert!(!estate.source_bytes(story.day - 1).unwrap().contains_key("grants-wiki.tsv"));
    let live = estate.observed(story.day).filter(|r| r.target == "wiki" && r.subject == Subject::Grant).count();
    let listed = rows(&estate, story.day, "grants-wiki.tsv").len();
    assert!(live > 200 && listed * 100 < live * 40 && listed * 100 > live * 30, "{listed} of {live}");
    assert!(rows(&estate, story.day + 2, "grants-wiki.tsv").len() * 100 > live * 97);
}

#[test]
fn a_renamed_organisation_holds_the_same() {
    let (estate, story) = (estate(), only(StoryKind::Renamed));
    let file = text(&estate, story.day, "grants-git.tsv");
    let (from, to) = renaming();
    assert!(!file.contains(&from) && file.matches(&to).count() > 100);
    let meant = estate.grants(story.day).filter(|r| r.target == "registry").count();
    assert_eq!(file.matches(&to).count(), meant);
    assert!(text(&estate, story.day - 1, "grants-git.tsv").contains(&from));
}

#[test]
fn a_login_is_spelled_in_two_ways() {
    let (estate, story) = (estate(), only(StoryKind::TwoSpellings));
    assert!(!text(&estate, story.day - 1, "grants-git.tsv").contains("Ada-Quill"));
    assert!(text(&estate, story.day, "grants-git.tsv").contains("\tAda-Quill\t"));
    assert!(estate.observed(story.day).any(|r| r.target == "github" && r.holder == "ada-quill"));
}

#[test]
fn mess_comes_when_it_is_asked_for() {
    let messy = |mess| Estate::with(small(), 4, Options { stories: false, mess });
    let whole = rows(&messy(Mess::default()), 0, "grants.tsv");

    let malformed = rows(&messy(Mess { malformed: true, ..Mess::default() }), 0, "grants.tsv");
    assert_eq!((malformed.difference(&whole).count(), malformed.iter().filter(|l| l.ends_with("next tuesday")).count()), (1, 1));

    let moved = messy(Mess { moved: true, ..Mess::default() });
    let [left, gone] = ["grants.tsv", "moved/grants.tsv"].map(|file| rows(&moved, 0, file));
    near("rows left", left.len() as f64 / (left.len() + gone.len() + 1) as f64, 0.3, 6.0);

    let respelled = messy(Mess { two_spellings: true, ..Mess::default() });
    let (spelled, plain) = (rows(&respelled, 0, "grants-git.tsv"), rows(&messy(Mess::default()), 0, "grants-git.tsv"));
    let other: Vec<_> = spelled.difference(&plain).collect();
    assert!(!other.is_empty() && other.len() * 20 < plain.len(), "{}", other.len());

    let renamed = messy(Mess { renamed: true, ..Mess::default() });
    assert!(text(&renamed, 0, "grants-git.tsv").contains(&renaming().1));
}

/// A directory that goes when its test ends.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new(test: &str) -> Self {
        Folder(std::env::temp_dir().join(format!("trueup-generate-{test}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_are_the_bytes_and_manifests_count_them() {
    let folder = Folder::new("files");
    let estate = Estate::with(small(), 4, Options { mess: Mess { moved: true, ..Mess::default() }, ..Options::default() });
    let written = estate.write_sources(21, &folder.0).unwrap();
    let bytes = estate.source_bytes(21).unwrap();
    assert_eq!(written.len(), bytes.len());
    for Written { file, rows } in written {
        let content = std::fs::read(folder.0.join(&file)).unwrap();
        assert!(content == bytes[file.as_str()], "{file}");
        let header = u64::from(file.ends_with(".tsv"));
        assert_eq!(content.iter().filter(|&&b| b == b'\n').count() as u64, rows + header, "{file}");
        let manifest = std::fs::read_to_string(folder.0.join(format!("{file}.manifest.json"))).ok();
        let expected = format!("{{\"rows\":{rows},\"read_at\":\"2026-03-23T06:00:00Z\"}}\n");
        let unnoted = file == "grants-crm.tsv" || file.starts_with("moved/");
        assert_eq!(manifest, (!unnoted).then_some(expected), "{file}");
    }
    estate.write_sources(19, &folder.0).unwrap();
    assert!(std::fs::read_dir(&folder.0).unwrap().all(|f| !f.unwrap().path().display().to_string().contains("wiki")));
    let error = estate.write_sources(0, Path::new("/proc/none")).map_err(|e| e.to_string());
    assert!(error.is_err_and(|e| e.starts_with("cannot write `/proc/none/")));
}

#[test]
fn a_pair_differs_exactly_as_asked() {
    for (rows, churn, seed) in [(10, 0, 1), (1_000, 10_000, 2), (20_000, 50_000, 3), (3_000, 1_000_000, 4)] {
        let pair = Pair::new(rows, churn, seed);
        let meant = states(pair.desired().map(|row| ObservedRow::of_grant(Subject::Grant, row, crate::model::Time::NONE)));
        let held = states(pair.observed());
        assert_eq!((meant.len() as u64, held.len() as u64), (rows, rows));
        let same = meant.iter().filter(|&(key, holding)| held.get(key) == Some(holding)).count() as u64;
        assert_eq!(rows - same, rows * u64::from(churn) / 1_000_000, "{rows} rows, churn {churn}");
        let shared = meant.keys().filter(|key| held.contains_key(key)).count() as u64;
        assert!(churn == 0 || (shared > same && shared < rows), "both kinds of difference");
    }
}
