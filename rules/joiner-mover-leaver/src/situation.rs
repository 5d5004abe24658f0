//! What is going on with one identity: found in one pass over its cases, so that
//! judging each of them costs the same however many there are.

use std::collections::{BTreeMap, BTreeSet};

use trueup_guest::prelude::*;

use crate::{Settings, Why};

/// Where an identity is between its first day and its last.
#[derive(Clone, Copy)]
enum Stage {
    /// Gone, or past the end of its engagement.
    Left,
    /// Away, and coming back.
    OnLeave,
    /// In its position since this instant.
    Moved(Time),
    /// In the position that it always had.
    Settled,
}

/// The holder of accounts and grants in one target.
type Holder<'a> = (&'a str, &'a str);

fn holder(case: Case<'_>) -> Holder<'_> {
    (case.target(), case.holder())
}

/// One identity's lifecycle, ready to judge its cases.
pub struct Situation<'a> {
    cx: Context<'a, Settings>,
    stage: Stage,
    /// Accounts whose change comes before that of what they hold: a leaver's
    /// that are switched off, anybody else's that are made. Nothing stands for
    /// an account that is missing and is not made.
    accounts: BTreeMap<Holder<'a>, Option<Case<'a>>>,
    /// Holders from whom a leaver's access is still to be removed.
    holding: BTreeSet<Holder<'a>>,
    /// A mover's grants to come, by the object that each takes the place of.
    replacing: BTreeMap<&'a str, Case<'a>>,
    /// A mover's first grant to come in each target.
    arriving: BTreeMap<&'a str, Case<'a>>,
    /// A mover's first grant to come.
    arrival: Option<Case<'a>>,
    /// Exclusion groups that a mover's new position needs.
    needed: BTreeSet<&'a str>,
}

impl<'a> Situation<'a> {
    /// Looks at all cases of an identity. `grants` tells whether the whole rule
    /// is going to make a case present: only such a change can be waited for.
    pub fn of(identity: Identity<'a>, cx: &Context<'a, Settings>, grants: impl Fn(Case<'a>) -> bool) -> Self {
        let mut situation = Situation {
            cx: *cx,
            stage: stage(identity, cx),
            accounts: BTreeMap::new(),
            holding: BTreeSet::new(),
            replacing: BTreeMap::new(),
            arriving: BTreeMap::new(),
            arrival: None,
            needed: BTreeSet::new(),
        };
        for case in identity.cases() {
            match situation.stage {
                Stage::Left => situation.note_leaver(case),
                Stage::OnLeave => {}
                Stage::Moved(_) => situation.note_mover(case, &grants),
                Stage::Settled => situation.note_joiner(case, &grants),
            }
        }
        situation
    }

    fn note_leaver(&mut self, case: Case<'a>) {
        if case.is_account() {
            if switches_off(case) {
                self.accounts.insert(holder(case), Some(case));
            }
        } else if !case.observed().is_absent() && case.is_changeable() {
            self.holding.insert(holder(case));
        }
    }

    fn note_joiner(&mut self, case: Case<'a>, grants: &impl Fn(Case<'a>) -> bool) {
        if case.is_account() && case.observed().is_absent() {
            self.accounts.insert(holder(case), grants(case).then_some(case));
        }
    }

    fn note_mover(&mut self, case: Case<'a>, grants: &impl Fn(Case<'a>) -> bool) {
        self.note_joiner(case, grants);
        if case.is_account() || !case.desired().exists() {
            return;
        }
        self.needed.extend(case.exclusion());
        if case.observed().is_absent() && grants(case) {
            if let Some(replaced) = case.replaces() {
                self.replacing.entry(replaced).or_insert(case);
            }
            self.arriving.entry(case.target()).or_insert(case);
            self.arrival.get_or_insert(case);
        }
    }

    /// What the identity's movements say of one of its cases, if anything.
    pub fn judge(&self, case: Case<'a>) -> Option<Verdict<Why>> {
        // Those who cannot be judged are another rule's to explain.
        if case.is_unknown() {
            return None;
        }
        match self.stage {
            Stage::Left => self.leaver(case),
            Stage::OnLeave => self.on_leave(case),
            Stage::Moved(at) => self.mover(case, at),
            Stage::Settled => None,
        }
    }

    /// The order in which something is granted: after its account. For cases
    /// that the whole rule is going to make present.
    pub fn joiner(&self, case: Case<'a>) -> Option<Verdict<Why>> {
        match (self.accounts.get(&holder(case))?, case.is_account()) {
            // One that was there before is no joiner's.
            (_, true) if case.recorded().exists() => None,
            (_, true) => Some(Verdict::present(Why::JoinerAccount)),
            (Some(account), false) => Some(Verdict::present(Why::JoinerGrant).after(*account)),
            (None, false) => Some(Verdict::hold(Why::JoinerNoAccount)),
        }
    }

    fn leaver(&self, case: Case<'a>) -> Option<Verdict<Why>> {
        let observed = case.observed();
        if observed.is_absent() {
            return case.desired().exists().then(|| Verdict::keep(Why::LeaverNothingNew));
        }
        if !case.is_changeable() {
            return None;
        }
        if !case.is_account() {
            let revoke = Verdict::absent(Why::LeaverRevoked);
            return Some(revoke.after(self.accounts.get(&holder(case)).copied().flatten()));
        }
        if observed == Side::Present {
            return Some(Verdict::disabled(Why::LeaverDisabled));
        }
        let days = self.cx.settings.delete_after_days;
        Some(if self.holding.contains(&holder(case)) {
            Verdict::keep(Why::LeaverAwaitsRemovals)
        } else if days > 0 && self.cx.older_than(case.disabled_since(), Days(days)) {
            Verdict::absent(Why::LeaverDeleted)
        } else {
            Verdict::keep(Why::LeaverGrace)
        })
    }

    fn on_leave(&self, case: Case<'a>) -> Option<Verdict<Why>> {
        // What runs out, is switched off or was changed by somebody else is
        // handled as ever: leave protects access, not tampering with it.
        if case.was_changed_elsewhere() || !case.is_wanted_now(&self.cx) {
            return None;
        }
        Some(match case.observed() {
            Side::Present => Verdict::keep(Why::LeaveKept),
            _ => Verdict::keep(Why::LeaveNothingNew),
        })
    }

    fn mover(&self, case: Case<'a>, moved_at: Time) -> Option<Verdict<Why>> {
        let settings = self.cx.settings;
        let end = moved_at + Days(settings.retain_days);
        let lost_by_moving = case.is_undesired()
            && !case.is_account()
            && !case.is_break_glass()
            && case.is_changeable()
            && !granted_elsewhere(case)
            && match case.undesired_since() {
                Some(since) => moved_at <= since && since <= end,
                // Seen for the first time: since now.
                None => self.cx.is_past(moved_at) && !self.cx.is_past(end),
            };
        if !lost_by_moving {
            return None;
        }
        if case.exclusion().is_some_and(|group| self.needed.contains(group)) {
            return Some(Verdict::absent(Why::MoverConflict).exclusive());
        }
        if !self.cx.is_past(end) {
            return Some(Verdict::keep(Why::MoverRetained));
        }
        let revoke = Verdict::absent(Why::MoverRevoked);
        Some(match self.arrival_for(case) {
            Some(arrival) if !self.cx.is_past(end + Days(settings.wait_days)) => revoke.after(arrival),
            _ => revoke,
        })
    }

    /// The new grant that an old one waits for: the one that takes its place,
    /// else one in the same target, else any.
    fn arrival_for(&self, case: Case<'a>) -> Option<Case<'a>> {
        let same_object = self.replacing.get(case.object());
        same_object.or_else(|| self.arriving.get(case.target())).copied().or(self.arrival)
    }
}

fn stage(identity: Identity<'_>, cx: &Context<'_, Settings>) -> Stage {
    match (identity.status(), identity.moved_at()) {
        _ if identity.has_left(cx) => Stage::Left,
        (Status::OnLeave, _) => Stage::OnLeave,
        (_, Some(at)) => Stage::Moved(at),
        (_, None) => Stage::Settled,
    }
}

/// Whether a leaver's account is one to switch off.
fn switches_off(case: Case<'_>) -> bool {
    case.observed() == Side::Present && !case.desired().is_unknown() && case.is_changeable()
}

/// Whether somebody granted it past the sources, which no move explains.
fn granted_elsewhere(case: Case<'_>) -> bool {
    case.was_changed_elsewhere() && !case.recorded().exists()
}
