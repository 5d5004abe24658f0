//! What another writer says it manages.

use super::estate::{Estate, held};
use crate::audit::{LogEntry, Statement};
use crate::decide::fixture::NOW;
use crate::engine::Release;
use crate::model::GateKind;

#[test]
fn v09_what_another_writer_manages_is_taken_over_by_force_alone_and_that_is_logged() {
    let estate = Estate::new([held("ours", "team:a", NOW - 1), held("theirs", "team:a", NOW - 1)]);
    estate.shop.claimed.lock().unwrap().insert("theirs".to_owned());
    let (planned, applied) = estate.run();
    assert_eq!((planned.header.changes, applied.outcomes.confirmed()), (2, 1));
    assert_eq!(estate.holds(), ["theirs/team:a"]);
    let id = estate.engine().holds().unwrap().gates[0].change.id.to_string();
    let all = Release { all: true, ..Release::default() };
    let by_name = Release { changes: vec![id], ..Release::default() };
    let by_gate = Release { gate: Some(GateKind::Claim), ..Release::default() };
    for release in [&all, &by_name, &by_gate] {
        assert_eq!(estate.release(release.clone()), 0, "not without force: {release:?}");
    }
    assert_eq!(estate.release(Release { force: true, ..by_gate }), 1);
    let leaves = estate.engine().leaves(0, 1_000).unwrap();
    let says: Vec<_> = leaves.iter().map(|leaf| LogEntry::parse(&leaf.bytes).unwrap().says).collect();
    let transfers =
        says.iter().filter(|says| matches!(says, Statement::Transfer { by, from, .. } if by == "ada" && from == "terraform"));
    assert_eq!(transfers.count(), 1);
    assert_eq!((estate.apply(planned.plan).outcomes.confirmed(), estate.holds().len()), (2, 0));
}
