//! Plans to commit, and committing one: what every measure has in common. Measures the time of `Commit::run` alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use trueup::audit::Salts;
use trueup::commit::{Clock, Commit, Desk, Event, Flow, Outcomes};
use trueup::ledger::{Ledger, Owned, RunRow, Stage};
use trueup::model::{
    CaseKey, Change, ChangeId, ChangeKind, Digest, Holding, Lane, PlanId, Reason, RunId, StateHash, Subject, Time, Wave,
};
use trueup::progress::Silent;
use trueup::target::Target;

use crate::Result;
use crate::figure::now;
use crate::store::{Store, TARGET};

pub const TENANT: &str = "acme";
pub const PLAN: PlanId = PlanId(Digest([7; 32]));
pub const START: i64 = 1_767_225_600;

/// One grant.
pub fn grant(holder: String, object: String, lane: Lane) -> Change {
    let key = CaseKey { target: TARGET.to_owned(), holder, subject: Subject::Grant, object };
    let after = Some(Holding { level: "write".to_owned(), ..Holding::default() });
    Change {
        id: Change::id_of(TENANT, &key, ChangeKind::Grant, 1, StateHash::ABSENT, StateHash::of(after.as_ref())),
        after,
        before: None,
        component: key.holder.clone(),
        depends: Vec::new(),
        disabled_since: Time::NONE,
        ends_at: Time::NONE,
        gates: Vec::new(),
        incarnation: 1,
        kind: ChangeKind::Grant,
        lane,
        not_before: Time::NONE,
        rank: 0,
        reason: Reason { code: "joiner".to_owned(), text: String::new() },
        recorded_as: CaseKey::hash(key.subject, &key.target, &key.holder, &key.object).to_string(),
        record: "hr/4711".to_owned(),
        step: 0,
        tier: 1,
        undesired_since: Time::NONE,
        wave: Wave::GRANTS,
        withholds: false,
        key,
    }
}

/// So many grants, each of another holder, on a thousand objects.
pub fn grants(changes: u64) -> Vec<Change> {
    let one = |n: u64| grant(format!("user-{n}"), format!("repository:r{}", n % 1_000), Lane::Routine);
    (0..changes).map(one).collect()
}

/// One commit.
pub struct Job<'a> {
    pub ledger: &'a dyn Ledger,
    pub owned: &'a Owned,
    pub target: &'a Arc<Store>,
    pub slice: u32,
    pub clock: &'a dyn Clock,
    pub desk: &'a dyn Desk,
    pub events: Vec<(ChangeId, Event)>,
    pub in_doubt: Vec<(u64, Change)>,
}

impl Job<'_> {
    /// Commits the plan; how long that took.
    pub fn run(self, plan: Vec<Change>) -> Result<(Outcomes, Duration)> {
        let target = Arc::clone(self.target) as Arc<dyn Target>;
        let targets = BTreeMap::from([(TARGET.to_owned(), target)]);
        let at = self.clock.now();
        let (run, stage, basis) = (RunId(1), Stage::Sealed, Digest::of(b"basis"));
        let commit = Commit {
            plan: PLAN,
            changes: plan.len() as u64,
            run: RunRow { run, stage, as_of: at, began: at, basis, plan: None, slice: 0, commits: true, amends: None },
            slice: self.slice,
            flow: Flow::default(),
            targets: &targets,
            ledger: self.ledger,
            owned: self.owned,
            openings: &[],
            denials: &[],
            desk: self.desk,
            sink: None,
            events: self.events,
            in_doubt: self.in_doubt,
            clock: self.clock,
            observer: &Silent,
            salts: &mut Salts::from_seed([3; 32]),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build()?;
        let changes = plan.into_iter().map(Ok::<_, std::io::Error>);
        let begun = now();
        let outcomes = runtime.block_on(commit.run(changes))?;
        let spent = begun.elapsed();
        if !outcomes.reconciles() {
            return Err("the outcomes do not reconcile".into());
        }
        Ok((outcomes, spent))
    }
}

/// Every change must be confirmed: a figure of anything else says nothing.
pub fn all_confirmed(outcomes: &Outcomes, changes: u64) -> Result<()> {
    if outcomes.confirmed() == changes {
        return Ok(());
    }
    Err(format!("{} of {changes} changes are confirmed: {:?} {:?}", outcomes.confirmed(), outcomes.open, outcomes.ended).into())
}
