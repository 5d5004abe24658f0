//! How one thing that happened is shown: a line with its time, its leaf and plain words. Owns the words.

use super::style::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, count, paint, safe};
use crate::audit::LogHead;
use crate::commit::{End, Outcome as Effect};
use crate::engine::{Beginning, Happened, Moment, Shown};
use crate::model::{DenialStep, Holding};

/// What every answer rests on.
pub(super) fn verified(log: LogHead) -> String {
    format!("the whole log was verified: {} leaves, root {}", count(log.size), log.root)
}

/// One line: when, where it stands, what happened.
pub(super) fn line(moment: &Moment, with_case: bool) -> String {
    let place = moment.leaf.map_or_else(|| "plan".to_owned(), |leaf| format!("#{leaf}"));
    let case =
        moment.case.as_ref().filter(|_| with_case).map(|case| format!("  {}", safe(&case.to_string()))).unwrap_or_default();
    let change = moment.change.filter(|_| with_case).map(|id| format!("  {}", id.0.short())).unwrap_or_default();
    let states = states(moment);
    format!(
        "{}  {}  {}{case}{}",
        moment.at,
        paint(BOLD, format_args!("{place:>6}")),
        words(&moment.what),
        paint(DIM, format_args!("{states}{change}"))
    )
}

/// What happened, in words.
fn words(what: &Happened) -> String {
    match what {
        Happened::Planned { op, reason, rule, record, gates, .. } => {
            let gates: Vec<_> = gates.iter().map(|gate| gate.kind.name()).collect();
            let waits =
                if gates.is_empty() { String::new() } else { paint(YELLOW, format_args!(", waits at {}", gates.join(", "))) };
            format!("planned to {op} by {}: {}{}{waits}", safe(rule), told(&reason.text, &reason.code), by_record(record))
        }
        Happened::Held { by, effect, reason, rule } => {
            let who =
                if by == "host" { format!("the host, which refused `{}` of {}", safe(effect), safe(rule)) } else { safe(rule) };
            format!("{} by {who}: {}", paint(YELLOW, "held"), told(&reason.text, &reason.code))
        }
        Happened::Intent { op, attempt, record, reason, .. } => {
            format!("to be sent: {op}, attempt {attempt} ({}){}", safe(reason), by_record(record))
        }
        Happened::Outcome { outcome } => effect(outcome),
        Happened::Recovered { outcome } => format!("settled by reading after an interruption: {}", effect(outcome)),
        Happened::Confirmed { grade } => format!("{} by evidence {grade:?}", paint(GREEN, "confirmed")),
        Happened::Superseded { end } | Happened::Ended { end } => format!("{}: {}", paint(RED, "ended"), ended(end)),
        Happened::GateOpened { gate, by, why } => format!("gate {} opened by {}: {}", gate.name(), safe(by), safe(why)),
        Happened::TakenOver { from, by, why } => format!("taken over from {} by {}: {}", safe(from), safe(by), safe(why)),
        Happened::Denied { step, target, holder, object, by, why } => {
            let what = match step {
                DenialStep::Made => format!("{} {}", paint(RED, "emergency: denied"), covered(target, holder, object)),
                DenialStep::Settled => format!("all that was denied is gone: {}", covered(target, holder, object)),
            };
            format!("{what}, by {}: {}", safe(by), safe(why))
        }
        Happened::Lifted { target, holder, object, by, why } => {
            format!("denial of {} lifted by {}: {}", covered(target, holder, object), safe(by), safe(why))
        }
        Happened::Redacted { of, by, why } => format!("what leaf #{of} commits to was redacted, for {}: {}", safe(by), safe(why)),
        Happened::Attached { note, media, by, .. } => format!("file attached by {}: {} ({})", safe(by), safe(note), safe(media)),
    }
}

fn told(text: &str, code: &str) -> String {
    if text.is_empty() { safe(code) } else { format!("{} ({})", safe(text), safe(code)) }
}

fn by_record(record: &str) -> String {
    if record.is_empty() { String::new() } else { format!(", record {}", safe(record)) }
}

fn covered(target: &str, holder: &str, object: &str) -> String {
    let target = if target.is_empty() { "every system" } else { target };
    let object = if object.is_empty() { "everything" } else { object };
    format!("{} of {} in {}", safe(object), safe(holder), safe(target))
}

fn effect(outcome: &Effect) -> String {
    match outcome {
        Effect::Acked => "acknowledged by the target".to_owned(),
        Effect::Observed => "seen as it should be, without an acknowledgement".to_owned(),
        Effect::Stale { .. } => "not sent: somebody else had changed the case".to_owned(),
        Effect::Throttled { until } => format!("not applied: the target asked to wait until {until}"),
        Effect::Rejected { message } => format!("{} by the target: {}", paint(RED, "refused"), safe(message)),
        Effect::NotApplied => "not applied".to_owned(),
        Effect::Ambiguous { message } => format!("{}: {}", paint(YELLOW, "nobody knows whether it was applied"), safe(message)),
        Effect::Issued { id, .. } => format!("issued as {}", safe(id)),
        Effect::Accepted { until, .. } => format!("accepted by the target, to be done until {until}"),
        Effect::Opened { item, due } => format!("work item {} opened, due {due}", safe(item)),
        Effect::Claimed { by } => format!("{} works on it", safe(by)),
        Effect::Overdue => paint(YELLOW, "the work item is overdue"),
        Effect::Orphaned { id } => format!("made as {}, but its secret is lost: taken back", safe(id)),
    }
}

fn ended(end: &End) -> String {
    match end {
        End::Superseded => "the case had moved".to_owned(),
        End::BlockedBy { change } => format!("change {} before it was not confirmed", change.0.short()),
        End::Expired => "its access would have ended before it could land".to_owned(),
        End::Failed => "the target refused it for good".to_owned(),
        End::NotObserved => "it was acknowledged, but reading never showed it".to_owned(),
        End::Replanned => "a newer plan took its place".to_owned(),
        End::Denied => "an emergency denies it".to_owned(),
        End::Unverifiable => "the target cannot show whether it took effect".to_owned(),
    }
}

fn states(moment: &Moment) -> String {
    let one = |field: &&str| moment.states.get(*field).map(|state| format!("{field}: {}", state_words(state)));
    let all: Vec<String> = ["before", "after", "found"].iter().filter_map(one).collect();
    if all.is_empty() { String::new() } else { format!("  [{}]", all.join("; ")) }
}

/// A state in words.
pub(super) fn state_words(state: &Shown) -> String {
    match state {
        Shown::Nothing => "nothing".to_owned(),
        Shown::Redacted => "redacted".to_owned(),
        Shown::Holding(holding) => holding_words(holding),
    }
}

/// What is held, in words.
pub(super) fn holding_words(holding: &Holding) -> String {
    let mut parts = vec![if holding.enabled { "held" } else { "held, disabled" }.to_owned()];
    for (name, text) in [("as", &holding.level), ("owner", &holding.owner), ("for", &holding.purpose)] {
        if !text.is_empty() {
            parts.push(format!("{name} {}", safe(text)));
        }
    }
    if holding.expires_at.is_some() {
        parts.push(format!("until {}", holding.expires_at));
    }
    parts.join(", ")
}

/// Where a log begins that was pruned.
pub(super) fn beginning(log: &Beginning) -> String {
    let Beginning { begins, cut, .. } = log;
    let why = format!("by {}: {}", safe(&cut.by), safe(&cut.why));
    format!(
        "{} the log begins at {begins}: leaves before {} were pruned, says leaf #{} {why}",
        paint(YELLOW, "!"),
        count(cut.before),
        cut.leaf
    )
}

/// A command to copy.
pub(super) fn command(text: &str) -> String {
    paint(CYAN, text)
}
