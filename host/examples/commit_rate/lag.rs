//! How long reading back takes where reads lag: seconds of a clock that only moves when it is waited on.

use std::path::Path;
use std::sync::Arc;

use trueup::commit::{Clock as _, NoDesk};
use trueup::ledger::{Ledger as _, MemoryLedger};
use trueup::limits::SLICE_CHANGES;
use trueup::model::{CaseKey, Change, ChangeKind, Holding, Lane, StateHash, Subject, Wave};

use crate::Result;
use crate::figure::{Figure, Table};
use crate::job::{Job, START, TENANT, all_confirmed, grant};
use crate::store::{Store, TARGET, Virtual};

/// The window, in seconds: no read shows a write before its end.
const WINDOW: u32 = 60;
const JOINER_GRANTS: usize = 53;
const MEMBERS: usize = 4_184;

pub fn measure(_: &Path, table: &mut Table) -> Result<()> {
    let joiner: Vec<Change> =
        (0..JOINER_GRANTS).map(|n| grant("joiner".to_owned(), format!("group:g{n}"), Lane::Routine)).collect();
    let members: Vec<Change> =
        (0..MEMBERS).map(|n| grant(format!("member-{n}"), "group:all".to_owned(), Lane::Routine)).collect();
    let both: Vec<Change> = joiner.iter().chain(&members).cloned().collect();
    let with_account: Vec<Change> = [account("joiner")].into_iter().chain(joiner.iter().cloned()).collect();
    once(&format!("a joiner with {JOINER_GRANTS} grants"), joiner, 1, table)?;
    once(&format!("a new account first, then its {JOINER_GRANTS} grants"), with_account, 2, table)?;
    once(&format!("an entitlement with {MEMBERS} members"), members, 1, table)?;
    once("that joiner and that entitlement in one plan", both, 1, table)
}

/// Confirms a plan whose changes stand in so many waves.
fn once(what: &str, plan: Vec<Change>, waves: u32, table: &mut Table) -> Result<()> {
    let changes = plan.len() as u64;
    let ledger = MemoryLedger::new();
    let owned = ledger.acquire(TENANT)?;
    let clock = Arc::new(Virtual::new(START));
    let target = Arc::new(Store::lagging(Arc::clone(&clock), WINDOW));
    let (events, in_doubt) = (Vec::new(), Vec::new());
    let (slice, desk) = (SLICE_CHANGES, &NoDesk);
    let job = Job { ledger: &ledger, owned: &owned, target: &target, slice, clock: &*clock, desk, events, in_doubt };
    let (outcomes, spent) = job.run(plan)?;
    all_confirmed(&outcomes, changes)?;
    let (reads, writes) = {
        let held = target.held();
        (held.reads, held.writes)
    };
    let figure = Figure::new(&format!("{what}, all confirmed"), (clock.tick() - START) as f64, "virtual s")
        .beside("one window for each wave", f64::from(WINDOW * waves))
        .with("class", "K1")
        .with("calls", format!("{writes} writes, {reads} reads, {:.1} per change", (reads + writes) as f64 / changes as f64))
        .with("one window per change would be", format!("{} s", u64::from(WINDOW) * changes))
        .with("real time", format!("{:.2} s", spent.as_secs_f64()));
    table.add(figure)
}

fn account(holder: &str) -> Change {
    let mut change = grant(holder.to_owned(), String::new(), Lane::Routine);
    change.key =
        CaseKey { target: TARGET.to_owned(), holder: holder.to_owned(), subject: Subject::Account, object: String::new() };
    change.after = Some(Holding::default());
    (change.kind, change.wave) = (ChangeKind::Create, Wave::ACCOUNTS);
    change.recorded_as = CaseKey::hash(change.key.subject, TARGET, holder, "").to_string();
    change.id = Change::id_of(TENANT, &change.key, change.kind, 1, StateHash::ABSENT, StateHash::of(change.after.as_ref()));
    change
}
