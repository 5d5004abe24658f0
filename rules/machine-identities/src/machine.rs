//! One machine: what it must have to be given anything, and what becomes of what it has.

use std::collections::BTreeSet;

use trueup_guest::prelude::*;

use crate::keys::{Keys, Progress};
use crate::{Settings, Why};

/// One machine identity, ready to judge its cases.
pub struct Machine<'a> {
    cx: Context<'a, Settings>,
    /// Somebody who is here answers for it.
    owned: bool,
    /// Targets that hold something of it.
    targets: BTreeSet<&'a str>,
    keys: Keys<'a>,
}

impl<'a> Machine<'a> {
    /// Looks at all cases of an identity; nothing when it is no machine, or one that is gone. `grants` tells whether the whole rule is going to
    /// make a case present: only such a change can be waited for.
    pub fn of(identity: Identity<'a>, cx: &Context<'a, Settings>, grants: impl Fn(Case<'a>) -> bool) -> Option<Self> {
        if !identity.is_machine() || identity.has_left(cx) {
            return None;
        }
        let there = identity.cases().filter(|case| case.observed().exists());
        let mut machine = Machine {
            cx: *cx,
            owned: identity.owner().is_some(),
            targets: there.map(Case::target).collect(),
            keys: Keys::default(),
        };
        let mut keys = Keys::default();
        for case in identity.cases() {
            let comes = |case| machine.lacks(case).is_none() && case.observed().is_absent() && grants(case);
            keys.note(case, comes, cx);
        }
        machine.keys = keys;
        Some(machine)
    }

    /// What is to be said of one of its cases, if anything.
    pub fn judge(&self, case: Case<'a>) -> Option<Verdict<Why>> {
        if is_untouchable(case) {
            return None;
        }
        if case.desired().is_absent() {
            return self.replaced(case);
        }
        if !case.is_wanted_now(&self.cx) {
            return None;
        }
        self.orphan(case)
            .or_else(|| self.lacks(case).map(Verdict::hold))
            .or_else(|| self.unused(case))
            .or_else(|| self.shared(case))
            .or_else(|| self.changed(case).map(Verdict::hold))
            .or_else(|| self.rotation(case))
    }

    /// What it has without an owner: too risky things go.
    fn orphan(&self, case: Case<'a>) -> Option<Verdict<Why>> {
        let risky = case.reaches_tier(self.cx.settings.revoke_orphans_from_tier);
        if self.owned || !risky || !case.observed().exists() {
            return None;
        }
        match (case.is_account(), case.observed()) {
            (true, Side::Present) => Some(Verdict::disabled(Why::MachineOrphanDisabled)),
            (true, _) => None,
            (false, _) => Some(Verdict::absent(Why::MachineOrphanRevoked)),
        }
    }

    /// What a case lacks to be given or kept.
    fn lacks(&self, case: Case<'a>) -> Option<Why> {
        let is_key = case.subject() == Subject::Credential;
        if !self.owned {
            return Some(Why::MachineOrphan);
        }
        if is_key && case.lacks_owner() {
            return Some(Why::KeyWithoutOwner);
        }
        let needs_end = is_key || case.reaches_tier(self.cx.settings.machine_end_from_tier);
        if needs_end && case.desired_expires_at().is_none() {
            return Some(Why::MachineWithoutEnd);
        }
        let is_new = !case.is_account() && case.observed().is_absent();
        let is_elsewhere = !self.targets.is_empty() && !self.targets.contains(case.target());
        (is_new && is_elsewhere && self.needs_review(case)).then_some(Why::MachineEnvironmentNew)
    }

    fn unused(&self, case: Case<'a>) -> Option<Verdict<Why>> {
        let settings = self.cx.settings;
        let looks = settings.key_unused_days > 0 && is_key_there(case);
        (looks && case.unused_for(Days(settings.key_unused_days), &self.cx)).then(|| {
            match case.reaches_tier(settings.revoke_unused_keys_from_tier) {
                true => Verdict::absent(Why::KeyUnusedRevoked),
                false => Verdict::hold(Why::KeyUnused),
            }
        })
    }

    /// A key that several accounts use is closed for all of them together: by the riskiest of them, and, where something
    /// takes its place, once all of that is there.
    fn shared(&self, case: Case<'a>) -> Option<Verdict<Why>> {
        let consumers = self.keys.consumers(case);
        if !is_key_there(case) || consumers.len() < 2 {
            return None;
        }
        let from = self.cx.settings.revoke_shared_keys_from_tier;
        let risky = consumers.iter().any(|consumer| consumer.reaches_tier(from));
        Some(match (risky, self.keys.progress(case)) {
            (true, Progress::None) => Verdict::absent(Why::KeySharedRevoked),
            (true, Progress::Ready(last)) => Verdict::absent(Why::KeySharedRevoked).after(last),
            _ => Verdict::hold(Why::KeyShared),
        })
    }

    /// A new owner or purpose is written once somebody else approved it.
    fn changed(&self, case: Case<'a>) -> Option<Why> {
        let why = if case.differs().contains(Attributes::OWNER) {
            Why::MachineOwnerChanged
        } else if case.differs().contains(Attributes::PURPOSE) {
            Why::MachinePurposeChanged
        } else {
            return None;
        };
        (case.observed().exists() && self.needs_review(case)).then_some(why)
    }

    /// Whether a change is of a tier that somebody other than the owner has to approve, and nobody has.
    fn needs_review(&self, case: Case<'a>) -> bool {
        let approved = case.approver().is_some() && case.approver() != case.owner();
        case.reaches_tier(self.cx.settings.review_machines_from_tier) && !approved
    }

    /// A new key, in its place; or one that needs one.
    fn rotation(&self, case: Case<'a>) -> Option<Verdict<Why>> {
        if let Some(before) = self.keys.before(case) {
            return Some(Verdict::present(Why::KeyNew).after(before));
        }
        let settled = is_key_there(case) && case.differs().is_empty();
        let due = case.expires_within(Days(self.cx.settings.key_due_days), &self.cx);
        let alone = matches!(self.keys.progress(case), Progress::None);
        (settled && due && alone).then(|| Verdict::hold(Why::KeyDue))
    }

    /// A key that no source lists any more, and whose place another one takes.
    fn replaced(&self, case: Case<'a>) -> Option<Verdict<Why>> {
        if case.subject() != Subject::Credential || !case.observed().exists() {
            return None;
        }
        let still_wanted = |consumer: &Case<'a>| !consumer.desired().is_absent();
        Some(match self.keys.progress(case) {
            Progress::None => return None,
            Progress::LeftOut => Verdict::hold(Why::KeyConsumerLeftOut),
            Progress::Stuck => Verdict::keep(Why::KeyWaits),
            Progress::Ready(_) if self.keys.consumers(case).iter().any(still_wanted) => Verdict::keep(Why::KeyWaits),
            Progress::Ready(last) => Verdict::absent(Why::KeyReplaced).after(last),
        })
    }
}

/// What nobody knows, what cannot be changed here, what is kept for emergencies, and extras that stay: for other rules.
fn is_untouchable(case: Case<'_>) -> bool {
    let extra = case.is_additive() && !case.is_claimed() && case.desired().is_absent();
    case.is_unknown()
        || (case.observed().exists() && (case.is_inherited() || case.is_immutable()))
        || case.is_break_glass()
        || extra
}

fn is_key_there(case: Case<'_>) -> bool {
    case.subject() == Subject::Credential && case.observed() == Side::Present
}
