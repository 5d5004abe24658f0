//! The points at which a process is killed, by name, as data: one or more per row of the table of crash points. Owns the names;
//! where each is reached is for `mortal`.

/// A point of a run.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Its name. What ends in `unflushed` is before the ledger has a batch with that in it, what ends in `durable` after.
    pub name: &'static str,
    /// What is true there.
    pub what: &'static str,
    /// Points at which the processes before this one died: it is reached while resuming.
    pub after: &'static [&'static str],
}

const fn point(name: &'static str, what: &'static str) -> Point {
    Point { name, what, after: &[] }
}

const fn again(after: &'static [&'static str], name: &'static str, what: &'static str) -> Point {
    Point { name, what, after }
}

/// All points of a run.
pub const POINTS: &[Point] = &[
    point("run.durable", "the run has begun, nothing is read"),
    point("page.read", "a page is read and not stored"),
    point("page.stored", "a page is stored, the next one is not read"),
    point("facts.dealt", "facts are dealt out into parts, none is paired"),
    point("judge", "some is judged"),
    point("part.written", "the lines of a part are written beside the plan"),
    point("seal.writing", "the plan's file is begun and has no name"),
    point("seal.unflushed", "the plan's file has its name, the ledger knows no plan"),
    point("seal.durable", "sealed, not begun"),
    point("lease.durable", "begun, no intent"),
    point("intent.unflushed", "an intent is made up and not durable"),
    point("intent.durable", "an intent is durable, nothing is sent"),
    point("case.read", "the case is being read before its write"),
    point("send.begun", "the write is about to reach the target"),
    point("send.applied", "the write took effect, its answer is lost"),
    point("outcome.unflushed", "acknowledged, and the outcome is not durable"),
    point("outcome.durable", "the outcome is durable, the checkpoint has not advanced"),
    point("verify.read", "what was acknowledged is being read back"),
    point("confirmed.unflushed", "read back, and the evidence is not stored"),
    point("confirmed.durable", "the evidence is stored"),
    point("checkpoint.durable", "a slice is settled"),
    point("end.unflushed", "all is done, and the run does not know it"),
    point("end.durable", "the run is over, what it recorded is not merged"),
    point("compact.done", "what it recorded is merged"),
    point("call.left", "an emergency call lies in the store, and nobody has taken it"),
    point("denial.unflushed", "the call is taken, and the denial is not durable"),
    point("denial.durable", "the denial is durable, nothing is taken away"),
    point("emergency.begun", "what takes it away is about to reach the target"),
    point("emergency.applied", "it was taken away, the answer is lost"),
    point("settled.unflushed", "all of it is gone, and the denial is not settled"),
    point("settled.durable", "the denial is settled"),
    again(&["page.read"], "page.stored", "the page is stored by the second process"),
    again(&["seal.unflushed"], "seal.unflushed", "the plan's file is replaced by the same"),
    again(&["send.applied"], "case.read", "resumed: what is in doubt is being read"),
    again(&["send.applied"], "outcome.unflushed", "resumed: what was in doubt is seen, and not recorded"),
    again(&["send.applied", "outcome.durable"], "verify.read", "resumed twice: what was seen is being read back"),
    again(&["intent.durable"], "send.applied", "resumed: what was never sent took effect, its answer is lost"),
    again(&["confirmed.unflushed"], "end.unflushed", "resumed: all is done, and the run does not know it"),
];

/// Points of resuming, of which one is drawn at random for a kill during a recovery.
pub const RECOVERY: &[&str] = &[
    "lease.durable",
    "intent.unflushed",
    "intent.durable",
    "case.read",
    "send.begun",
    "send.applied",
    "outcome.unflushed",
    "outcome.durable",
    "verify.read",
    "confirmed.unflushed",
    "checkpoint.durable",
    "end.unflushed",
];
