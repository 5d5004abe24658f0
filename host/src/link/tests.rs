//! Tests of linking: what is asked, what is refused, which spelling is written, and what is disputed.

use std::convert::Infallible;

use super::{Canon, LinkError, Links, link};
use crate::discover::{Snapshot, SnapshotBuilder};
use crate::model::Sym;

fn snapshot(build: impl FnOnce(&mut SnapshotBuilder)) -> Snapshot {
    let mut builder = SnapshotBuilder::new();
    build(&mut builder);
    builder.build().expect("it is well formed")
}

fn lower(_: u8, keys: &[&str]) -> Result<Vec<String>, Infallible> {
    Ok(keys.iter().map(|key| key.to_lowercase()).collect())
}

fn linked(snapshot: &mut Snapshot, mut canon: impl FnMut(u8, &[&str]) -> Result<Vec<String>, Infallible>) -> Links {
    link(snapshot, Some(&mut canon as &mut Canon<'_, Infallible>)).unwrap_or_else(|error| panic!("{error}"))
}

fn text(snapshot: &Snapshot, syms: &[Sym]) -> String {
    syms.iter().map(|sym| snapshot.symbols.text(*sym)).collect::<Vec<_>>().join(" ")
}

fn disputed(snapshot: &Snapshot, links: &Links) -> Vec<String> {
    let mut all: Vec<String> = links.disputed.iter().map(|(target, key)| text(snapshot, &[*target, *key])).collect();
    all.sort();
    all
}

#[test]
fn each_kind_is_asked_once_with_sorted_distinct_keys() {
    let mut snapshot = snapshot(|b| {
        b.desired("crm", "Bob", "team:B").observed("crm", "ann", "team:a").observed("erp", "ann", "team:a");
        b.person("Ann", Default::default(), Default::default());
    });
    let mut asked: Vec<String> = Vec::new();
    linked(&mut snapshot, |kind, keys| {
        asked.push(format!("{kind}: {}", keys.join(" ")));
        lower(kind, keys)
    });
    // The second question of a kind is about answers that were no keys: their form must be themselves.
    assert_eq!(asked, ["0: Ann Bob ann", "0: bob", "1: team:B team:a", "1: team:b"]);
}

#[test]
fn a_rule_that_breaks_its_promises_is_refused() {
    type Answer = fn(u8, &[&str]) -> Vec<String>;
    let all: [(Answer, &str); 4] = [
        (|_, _| vec![], "the rule gave 0 canonical forms for 2 keys; it must give one for each"),
        (
            |_, keys| keys.iter().map(|_| String::new()).collect(),
            "the rule's canonical form of `ann` has 0 bytes; it must have 1 to 4096",
        ),
        (
            |_, keys| keys.iter().map(|key| format!("{key}+")).collect(),
            "the rule's canonical form of `ann` is `ann+`, but that of `ann+` is `ann++`; it must be itself",
        ),
        (
            |_, keys| keys.iter().map(|key| if *key == "ann" { "bob".to_owned() } else { "ann".to_owned() }).collect(),
            "the rule's canonical form of `ann` is `bob`, but that of `bob` is `ann`; it must be itself",
        ),
    ];
    for (answer, expected) in all {
        let mut snapshot = snapshot(|b| _ = b.desired("crm", "ann", "").desired("crm", "bob", ""));
        let mut canon = |kind: u8, keys: &[&str]| Ok::<_, Infallible>(answer(kind, keys));
        let error = link(&mut snapshot, Some(&mut canon)).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(expected));
    }
    let mut canon = |_: u8, _: &[&str]| Err::<Vec<String>, _>(std::fmt::Error);
    let error = link(&mut snapshot(|b| _ = b.desired("crm", "ann", "")), Some(&mut canon)).err();
    assert!(matches!(error, Some(LinkError::Canon(_))));
}

#[test]
fn desired_rows_get_the_spelling_that_is_written() {
    let mut snapshot = snapshot(|b| {
        b.observed("crm", "aNN", "team:X");
        b.desired("crm", "Ann", "Team:x").desired("crm", "ANN", "team:y");
        b.desired("erp", "ann", "team:x").desired("erp", "Ann", "Team:Y");
    });
    let links = linked(&mut snapshot, lower);
    let mut rows: Vec<String> =
        snapshot.desired.iter().map(|fact| text(&snapshot, &[fact.target, fact.holder, fact.object])).collect();
    rows.sort();
    assert_eq!(rows, ["crm aNN team:X", "crm aNN team:y", "erp Ann Team:Y", "erp Ann team:x"]);
    assert!(links.disputed.is_empty());
    let identities: Vec<&str> = snapshot.desired.iter().map(|fact| snapshot.symbols.text(links.identity(fact))).collect();
    assert_eq!(identities, ["ann"; 4]);
}

#[test]
fn without_canon_keys_are_as_they_are() {
    let mut snapshot = snapshot(|b| _ = b.observed("crm", "aNN", "team:X").desired("crm", "Ann", "team:x"));
    let links = link::<Infallible>(&mut snapshot, None).expect("nobody is asked");
    assert!(snapshot.symbols.iter().all(|(sym, _)| links.holder(sym) == sym && links.object(sym) == sym));
    assert_eq!(snapshot.desired.iter().map(|fact| snapshot.symbols.text(fact.holder)).collect::<Vec<_>>(), ["Ann"]);
}

#[test]
fn two_native_ids_that_look_like_one_are_disputed() {
    let mut snapshot = snapshot(|b| {
        b.observed("crm", "ann", "team:a").observed("crm", "Ann", "team:b").observed("erp", "ann", "team:a");
        b.observed("erp", "bob", "team:A").desired("crm", "ANN", "team:c").desired("git", "Ann", "").desired("git", "ann", "");
    });
    let links = linked(&mut snapshot, lower);
    assert_eq!(disputed(&snapshot, &links), ["crm ann", "erp team:a"]);
}

#[test]
fn explicit_links_win_and_conflicts_are_disputed() {
    let mut snapshot = snapshot(|b| {
        let link = |b: &mut SnapshotBuilder, source: &str, holder: &str, identity: &str| {
            b.source(source).desired("crm", holder, "").with(|fact, symbols| fact.identity = symbols.intern(identity));
        };
        link(b, "hr", "ann-adm", "ann");
        link(b, "hr", "bob", "B1");
        link(b, "idp", "bob", "B2");
        link(b, "hr", "cid", "C1");
        link(b, "idp", "cid", "c1");
    });
    let links = linked(&mut snapshot, lower);
    let mut identities: Vec<String> =
        snapshot.desired.iter().map(|fact| text(&snapshot, &[fact.holder, links.identity(fact)])).collect();
    identities.sort();
    identities.dedup();
    assert_eq!(identities, ["ann-adm ann", "bob bob", "cid c1"]);
    assert_eq!(disputed(&snapshot, &links), ["crm bob"]);
}
