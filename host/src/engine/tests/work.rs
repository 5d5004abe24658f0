//! Work that people do: what is open of it is shown, and what is late is said so, once in the log.

use super::estate::{Estate, as_desired, block_on, held};
use crate::commit::{Event, Outcome};
use crate::correlate::Side;
use crate::decide::fixture::Row;
use crate::ledger::Stage;
use crate::model::{PlanId, Subject};
use crate::target::{Class, Profile};

const DUE_SECONDS: u32 = 3_600;

fn opened() -> (Estate, PlanId) {
    let estate = Estate::new([]);
    let mut profile = Profile::new(Class::K6);
    profile.completion_bound = DUE_SECONDS;
    estate.shop.claims(profile);
    let plan = estate.by_hand(&[Row::new("ann", Subject::Grant, "team:a", Side::Present, Side::Absent)], as_desired);
    assert_eq!(estate.apply(plan).outcomes.open, [("manual".to_owned(), 1)].into());
    (estate, plan)
}

/// What `holds` shows of work: its name, and whose it is.
fn shown(estate: &Estate) -> Vec<(&'static str, String)> {
    let work = estate.engine().holds().unwrap().work;
    work.iter().map(|item| (item.name(), item.key.holder.clone())).collect()
}

fn overdue_events(estate: &Estate, plan: PlanId) -> usize {
    let events = estate.engine().events(plan).unwrap();
    events.iter().filter(|(_, event)| matches!(event, Event::Outcome { outcome: Outcome::Overdue, .. })).count()
}

#[test]
fn v38_overdue_work_of_a_person_is_shown_and_logged_once() {
    let (estate, plan) = opened();
    assert_eq!(shown(&estate), [("manual", "ann".to_owned())]);
    assert!(block_on(estate.engine().resume()).unwrap().is_some());
    assert_eq!((shown(&estate), overdue_events(&estate, plan)), (vec![("manual", "ann".to_owned())], 0));

    estate.pass(i64::from(DUE_SECONDS) + 1);
    assert_eq!(shown(&estate), [("manual_overdue", "ann".to_owned())], "nobody has to run anything to see it");
    for _ in 0..3 {
        let (_, applied) = block_on(estate.engine().resume()).unwrap().unwrap();
        assert_eq!(applied.outcomes.open, [("manual_overdue".to_owned(), 1)].into());
        assert_eq!(overdue_events(&estate, plan), 1);
    }
    assert!(estate.engine().verify_log().unwrap().is_ok());
}

#[test]
fn v38_open_work_outlives_its_plan_until_it_is_done() {
    let (estate, plan) = opened();
    estate.pass(i64::from(DUE_SECONDS) + 1);
    estate.plan();
    assert_eq!(estate.engine().runs(9).unwrap()[1].stage, Stage::Unsettled);
    assert_eq!((shown(&estate), overdue_events(&estate, plan)), (vec![("manual_overdue", "ann".to_owned())], 1));

    estate.shop.items.lock().unwrap().clear();
    estate.shop.inner.seed([held("ann", "team:a", 0)]).unwrap();
    estate.plan();
    assert_eq!((shown(&estate), estate.standing(plan)["ann"]), (Vec::new(), "confirmed"));
}
