//! Denials through the engine: what they take, what they keep away, and their end.

use super::estate::{Estate, held};
use crate::audit::{LogEntry, Statement};
use crate::decide::fixture::{NOW, denial};
use crate::engine::{EngineError, Lift};
use crate::ledger::Entry;
use crate::model::Denial;

fn lift(object: &str) -> Lift {
    let (target, holder, object) = ("gh".to_owned(), "ann".to_owned(), object.to_owned());
    Lift { target, holder, object, by: "ada".to_owned(), why: "cleared".to_owned() }
}

#[test]
fn v29_what_is_denied_goes_and_stays_away_until_somebody_lifts_it() {
    let estate = Estate::new([held("ann", "team:a", 0), held("bob", "team:a", 0)]);
    estate.desire(&[("ann", "team:a", 0), ("bob", "team:a", 0)]);
    assert_eq!(estate.run().0.header.inputs.denials, None);
    estate.record(Entry::Denied(denial("gh", "ann", "team:a")));
    let (planned, applied) = estate.run();
    assert!(planned.header.inputs.denials.is_some());
    assert_eq!((applied.outcomes.confirmed(), estate.holds()), (1, vec!["bob/team:a".to_owned()]));
    let change = estate.file(planned.plan).changes().next().unwrap().unwrap();
    assert_eq!((change.wave.0, change.reason.code.as_str(), change.gates.len()), (0, "trueup:denied", 0));

    assert!(matches!(estate.engine().lift(&lift("")), Err(EngineError::NotFound { .. })), "another denial's name");
    let lifted = estate.engine().lift(&lift("team:a")).unwrap();
    assert_eq!((lifted.lifted_at.seconds() >= NOW, lifted.by.as_str()), (true, "eve"));
    assert!(matches!(estate.engine().lift(&lift("team:a")), Err(EngineError::NotFound { .. })), "it stands no more");
    assert!(!estate.engine().denials().unwrap().iter().any(Denial::stands));
    assert_eq!(estate.plan().header.inputs.denials, None);
    let leaves = estate.engine().leaves(0, 1_000).unwrap();
    let says: Vec<_> = leaves.iter().map(|leaf| LogEntry::parse(&leaf.bytes).unwrap().says).collect();
    let found = says.iter().filter(|s| matches!(s, Statement::Lifted { by, why, .. } if by == "ada" && why == "cleared"));
    assert_eq!(found.count(), 1);
}
