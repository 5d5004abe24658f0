//! Keys and what takes their place: found in one pass over an identity's cases.

use std::collections::{BTreeMap, BTreeSet};

use trueup_guest::prelude::*;

/// The holder of a key in one target.
type Holder<'a> = (&'a str, &'a str);

fn holder(case: Case<'_>) -> Holder<'_> {
    (case.target(), case.holder())
}

/// What is on its way for one key.
#[derive(Default)]
struct Successors<'a> {
    /// Who gets a new key.
    holders: BTreeSet<Holder<'a>>,
    /// New keys to be made, in the order of their cases.
    coming: Vec<Case<'a>>,
    /// One of them is neither there nor coming.
    stuck: bool,
}

/// How far a key's successors are.
#[derive(Clone, Copy)]
pub(crate) enum Progress<'a> {
    /// Nothing takes its place.
    None,
    /// Something is missing still.
    Stuck,
    /// Somebody who uses it gets nothing.
    LeftOut,
    /// All are there once this one is; none: they are there.
    Ready(Option<Case<'a>>),
}

/// The keys of one machine, by their name.
#[derive(Default)]
pub(crate) struct Keys<'a> {
    /// Who uses a key: the cases in which a target holds it, or may hold it.
    consumers: BTreeMap<&'a str, Vec<Case<'a>>>,
    successors: BTreeMap<&'a str, Successors<'a>>,
}

impl<'a> Keys<'a> {
    /// Notes one case. `comes` tells whether it is going to be made.
    pub(crate) fn note(&mut self, case: Case<'a>, comes: impl Fn(Case<'a>) -> bool, cx: &Context<'a, impl Sized>) {
        if case.subject() != Subject::Credential {
            return;
        }
        if !case.observed().is_absent() {
            self.consumers.entry(case.object()).or_default().push(case);
        }
        let Some(replaced) = case.replaces().filter(|_| !case.desired().is_absent()) else { return };
        let successors = self.successors.entry(replaced).or_default();
        successors.holders.insert(holder(case));
        let works =
            case.desired() == Side::Present && case.observed() == Side::Present && !cx.is_past(case.observed_expires_at());
        if comes(case) {
            successors.coming.push(case);
        } else if !works {
            successors.stuck = true;
        }
    }

    /// Everybody who uses the key of a case.
    pub(crate) fn consumers(&self, case: Case<'a>) -> &[Case<'a>] {
        self.consumers.get(case.object()).map_or(&[], Vec::as_slice)
    }

    /// How far the successors of a case's key are. One key is closed for all who use it at once.
    pub(crate) fn progress(&self, case: Case<'a>) -> Progress<'a> {
        let Some(successors) = self.successors.get(case.object()) else { return Progress::None };
        if self.consumers(case).iter().any(|consumer| !successors.holders.contains(&holder(*consumer))) {
            Progress::LeftOut
        } else if successors.stuck {
            Progress::Stuck
        } else {
            Progress::Ready(successors.coming.last().copied())
        }
    }

    /// Whether a case is a new key to be made; and the one that is made before it, if there is one. A chain, because a
    /// case waits for one other.
    pub(crate) fn before(&self, case: Case<'a>) -> Option<Option<Case<'a>>> {
        let coming = &self.successors.get(case.replaces()?)?.coming;
        let at = coming.iter().position(|other| other.index() == case.index())?;
        Some(at.checked_sub(1).and_then(|before| coming.get(before)).copied())
    }
}
