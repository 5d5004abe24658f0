//! The driver against the embedded target and the ledger in memory: real versions per resource, a real journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::world::{World, estate, key, plan_id, run_row};
use crate::audit::Salts;
use crate::commit::{Commit, Event, Flow, NoDesk, Outcomes};
use crate::ledger::{Ledger as _, MemoryLedger, Query, Rows};
use crate::model::{Change, ChangeId, Holding, Time};
use crate::progress::Silent;
use crate::target::{EmbeddedRow, EmbeddedTarget, Target};

struct Shop {
    _folder: tempfile::TempDir,
    target: Arc<EmbeddedTarget>,
    ledger: MemoryLedger,
}

impl Shop {
    fn events(&self) -> Vec<(ChangeId, Event)> {
        match self.ledger.read("t", &Query::Events(plan_id())).expect("events") {
            Rows::Events(events) => events,
            other => unreachable!("{other:?}"),
        }
    }

    fn commit(&self, plan: &[Change]) -> Outcomes {
        let targets = BTreeMap::from([("app".to_owned(), Arc::clone(&self.target) as Arc<dyn Target>)]);
        let owned = self.ledger.acquire("t").expect("the only writer");
        let clock = World::new();
        let job = Commit {
            plan: plan_id(),
            changes: plan.len() as u64,
            run: run_row(),
            slice: 5,
            targets: &targets,
            ledger: &self.ledger,
            owned: &owned,
            flow: Flow::default(),
            openings: &[],
            denials: &[],
            desk: &NoDesk,
            sink: None,
            in_doubt: Vec::new(),
            events: self.events(),
            clock: &clock,
            observer: &Silent,
            salts: &mut Salts::from_seed([3; 32]),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        runtime.block_on(job.run(plan.iter().cloned().map(Ok::<_, std::io::Error>))).expect("it gets through")
    }
}

#[test]
fn v22_v35_each_mutation_of_the_target_is_one_change_of_the_ledger() {
    let folder = tempfile::tempdir().expect("folder");
    let target = EmbeddedTarget::open(&folder.path().join("app.db"), "app").expect("target");
    let world = World::new();
    let plan = estate(&world, 7);
    let rows = world
        .lock()
        .cases
        .iter()
        .map(|(key, holding)| EmbeddedRow {
            subject: key.subject,
            holder: key.holder.clone(),
            object: key.object.clone(),
            holding: holding.clone(),
            last_used: Time::NONE,
            via: String::new(),
        })
        .collect::<Vec<_>>();
    target.seed(rows).expect("seed");
    let shop = Shop { _folder: folder, target: Arc::new(target), ledger: MemoryLedger::default() };

    // Somebody else takes what one of the revokes was to take: that change alone is observed instead of written.
    let gone = key("p3", "group:c");
    shop.target.foreign_edit(Time::from_seconds(1), gone.subject, &gone.holder, &gone.object, None).expect("edit");
    let outcomes = shop.commit(&plan);
    assert_eq!((outcomes.confirmed(), outcomes.writes), (28, 27), "{outcomes:?}");

    let journal = shop.target.journal().expect("journal");
    let mut written: Vec<_> = journal.iter().filter_map(|row| row.change.clone()).collect();
    let events = shop.events();
    let acked = |id: &ChangeId| events.iter().filter(|(of, e)| of == id && e.name() == "acked").count();
    let mut planned: Vec<_> = plan.iter().filter(|change| acked(&change.id) == 1).map(|change| change.id.to_string()).collect();
    // What shares no namespace goes side by side: the order is told by namespace, and tried elsewhere.
    written.sort_unstable();
    planned.sort_unstable();
    assert_eq!(written, planned, "one journal line for each acknowledged change");
    assert_eq!(journal.iter().filter(|row| row.change.is_none()).count(), 1);
    assert_eq!(shop.target.dump().expect("dump").len(), 21);

    let again = shop.commit(&plan);
    assert_eq!((again.confirmed(), again.writes, shop.target.journal().expect("journal").len()), (28, 0, journal.len()));
    assert!(shop.target.dump().expect("dump").iter().all(|row| row.holding == Holding::default()));
}
