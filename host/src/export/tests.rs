//! What others are told of the log: each leaf as an event of the schema, each event at least once, whatever fails on the way.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod delivering;
mod files;
mod http;
mod mapping;
mod schema;

use std::sync::Arc;

use super::{Event, Reader};
use crate::audit::{Decimal, Rotation, SigningKey, Statement};
use crate::commit::{End, Outcome};
use crate::ledger::{Batch, Leaf, Ledger, MemoryLedger, Owned, Settled};
use crate::model::{
    CaseKey, ChangeId, ChangeKind, DenialStep, Digest, GateKind, Lane, PlanId, RunId, StateHash, Subject, Time, Wave,
};
use crate::target::Grade;

const T: &str = "acme";
const ORIGIN: &str = "example.com/audit/acme";
const AT: Time = Time::from_seconds(1_767_225_600);
const PLAN: PlanId = PlanId(Digest([7; 32]));

fn change(number: u8) -> ChangeId {
    ChangeId(Digest([number; 32]))
}

fn case(subject: Subject, object: &str) -> CaseKey {
    CaseKey { target: "crm".to_owned(), holder: "ada".to_owned(), subject, object: object.to_owned() }
}

fn intent(number: u8, op: ChangeKind, case: CaseKey) -> Statement {
    let (after, before) = (Digest([1; 32]), Digest([2; 32]));
    let (reason, record) = ("missing".to_owned(), "hr-1".to_owned());
    let (incarnation, lane, tier, wave) = (1, Lane::Routine, 1, Wave::GRANTS);
    let change = change(number);
    Statement::Intent { after, attempt: 1, before, case, change, incarnation, lane, op, plan: PLAN, reason, record, tier, wave }
}

fn confirmed(number: u8) -> Statement {
    Statement::Confirmed { change: change(number), found: None, grade: Grade::E3, plan: PLAN }
}

fn outcome(number: u8, outcome: Outcome) -> Statement {
    Statement::Outcome { change: change(number), found: None, outcome, plan: PLAN }
}

fn ended(number: u8, end: End) -> Statement {
    Statement::Ended { change: change(number), end, plan: PLAN }
}

fn rule(step: &str) -> Statement {
    let counts = [("cases".to_owned(), Decimal(7))].into();
    let (by, problem, why) = ("ada".to_owned(), "it traps".to_owned(), "new".to_owned());
    Statement::Rule {
        by,
        counts,
        module: Digest([3; 32]),
        problem,
        rule: "standard@1.0.0".to_owned(),
        step: step.to_owned(),
        why,
    }
}

/// A statement of every kind, and of every step that is told in other words.
fn statements(by: &str) -> Vec<Statement> {
    let text = |text: &str| text.to_owned();
    let (from, to) = (SigningKey::from_seed(ORIGIN, [1; 32]).unwrap(), SigningKey::from_seed(ORIGIN, [2; 32]).unwrap());
    let message = text("the password is hunter2");
    let mut all = vec![
        Statement::RunStart { as_of: AT, basis: Digest([4; 32]), module: Digest([3; 32]), rule: text("standard@1.0.0") },
        Statement::Takeover { root: Digest([5; 32]), size: Decimal(4) },
        intent(1, ChangeKind::Grant, case(Subject::Grant, "team:ops")),
        confirmed(1),
        outcome(1, Outcome::Acked),
        outcome(1, Outcome::Ambiguous { message: message.clone() }),
        outcome(1, Outcome::Rejected { message: message.clone() }),
        outcome(1, Outcome::Stale { found: StateHash(1) }),
        outcome(1, Outcome::Opened { item: text("T-1"), due: AT }),
        outcome(1, Outcome::Overdue),
        outcome(1, Outcome::Issued { id: text("k1"), handle: text("vault/secret-handle") }),
        outcome(1, Outcome::Orphaned { id: text("k1") }),
        Statement::Recovered { change: change(1), found: None, outcome: Outcome::Observed, plan: PLAN },
        Statement::Superseded { change: change(1), end: End::Superseded, plan: PLAN },
        ended(1, End::Failed),
        ended(1, End::BlockedBy { change: change(2) }),
        Statement::Approval { by: text(by), change: change(1), gate: GateKind::Adoption, why: text("looked at") },
        Statement::Transfer { by: text(by), change: change(1), from: text("terraform"), why: text("ours") },
        Statement::SliceCheckpoint { plan: PLAN, slice: Decimal(1) },
        Statement::Redaction { by: text(by), leaf: Decimal(2), why: text("asked for") },
        Statement::Pruning { before: Decimal(256), by: text(by), why: text("retention") },
        Statement::Attachment {
            by: text(by),
            change: ChangeId(Digest([1; 32])),
            digest: Digest([6; 32]),
            media: text("application/pdf"),
            note: text("the ticket"),
            size: Decimal(7),
        },
        Statement::KeyRotation { note: Rotation::sign(ORIGIN, &from, &to).unwrap() },
        Statement::RunEnd { counts: [(text("confirmed_e3"), Decimal(1))].into(), plan: Some(PLAN) },
    ];
    for step in [DenialStep::Made, DenialStep::Settled] {
        let (holder, object, target) = (text("ada"), String::new(), String::new());
        all.push(Statement::Emergency { by: text(by), holder, object, step, target, why: text("laptop stolen") });
    }
    let (holder, object, target) = (text("ada"), text("team:ops"), text("crm"));
    all.push(Statement::Lifted { by: text(by), holder, object, target, why: text("found again") });
    let steps =
        ["admitted", "refused", "shadowed", "compared", "withdrawn", "promoted", "restored", "failed", "recovered", "later"];
    all.extend(steps.map(rule));
    all
}

/// A ledger with one writer.
struct Log {
    ledger: Arc<MemoryLedger>,
    owned: Owned,
}

impl Log {
    fn new() -> Self {
        let ledger = Arc::new(MemoryLedger::new());
        let owned = ledger.acquire(T).unwrap();
        Log { ledger, owned }
    }

    /// Appends leaves; gives the size of the log.
    fn append(&self, all: impl IntoIterator<Item = Statement>) -> u64 {
        let leaves = all.into_iter().map(|says| Leaf { at: AT, run: RunId(1), says, bodies: Vec::new() }).collect();
        let ticket = self.ledger.submit(&self.owned, Batch { entries: Vec::new(), leaves }).unwrap();
        match self.ledger.wait(ticket).unwrap() {
            Settled::Committed(head) => head.size,
            other => panic!("{other:?}"),
        }
    }

    fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.ledger) as Arc<dyn Ledger>, T, ORIGIN, Arc::new(()))
    }

    /// All events of a form.
    fn events(&self, form: &super::Form) -> Vec<Event> {
        let (mut reader, mut cursor, mut events) = (self.reader(), super::Cursor::default(), Vec::new());
        while let Some(page) = reader.page(&cursor, form, u32::MAX).unwrap() {
            events.extend(page.events);
            cursor = page.cursor;
        }
        events
    }
}
