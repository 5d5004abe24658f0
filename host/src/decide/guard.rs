//! The guarantees: why the host does not make a change that a rule asks for. Each check is one function that either has
//! nothing against the change or names its refusal; the first one that objects is told.

use super::Refusal;
use super::ground::{Ground, View};
use crate::correlate::Side;
use crate::model::{Attribute, AttributeMask, ChangeKind, Mode, Subject, Time};

/// A change that is proposed, by a rule or by the host itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proposal {
    pub kind: ChangeKind,
    /// Attributes that it writes.
    pub mask: u32,
    /// The end that the rule names; none: as desired.
    pub until: Time,
    /// When the access ends afterwards.
    pub ends_at: Time,
}

/// Whether a proposal may be planned.
pub(super) fn guard(view: &View<'_>, proposal: &Proposal, ground: &Ground<'_>) -> Result<(), Refusal> {
    facts(view)?;
    denial(view, proposal)?;
    authority(view, proposal)?;
    origin(view)?;
    ability(view, proposal)?;
    later_than_desired(view, proposal)?;
    if !proposal.kind.removes() {
        desire(view, proposal, ground)?;
    }
    credential(view, proposal, ground)
}

/// Whether what a plan did may be undone. What no source desires needs no wish, because somebody approves it by hand; but
/// what has ended, or whose justification has, does not come back.
pub(super) fn guard_undo(view: &View<'_>, proposal: &Proposal, ground: &Ground<'_>) -> Result<(), Refusal> {
    facts(view)?;
    denial(view, proposal)?;
    authority(view, proposal)?;
    origin(view)?;
    ability(view, proposal)?;
    match view.case.desired_side {
        Side::Unknown => return Err(Refusal::DesiredUnknown),
        Side::Present | Side::Disabled if !proposal.kind.removes() => desire(view, proposal, ground)?,
        _ => lands(view, proposal, ground)?,
    }
    if proposal.kind.adds() && !view.case.is_desired() && view.observed.is_some_and(|f| f.subject == Subject::Credential) {
        return Err(Refusal::NotDesired);
    }
    credential(view, proposal, ground)
}

/// A side that is there has a row, or nothing can be said.
fn facts(view: &View<'_>) -> Result<(), Refusal> {
    let there = |side| matches!(side, Side::Present | Side::Disabled);
    let lacks =
        (there(view.case.desired_side) && view.desired.is_none()) || (there(view.case.observed_side) && view.observed.is_none());
    if lacks { Err(Refusal::Nonsense) } else { Ok(()) }
}

/// Nothing routine gives again what an operator denied, whatever a rule says (V29).
fn denial(view: &View<'_>, proposal: &Proposal) -> Result<(), Refusal> {
    if view.denied && proposal.kind.adds() { Err(Refusal::Denied) } else { Ok(()) }
}

fn authority(view: &View<'_>, proposal: &Proposal) -> Result<(), Refusal> {
    match view.mode {
        Mode::Observe => Err(Refusal::ObserveOnly),
        Mode::Additive if proposal.kind.removes() && !view.is_claimed() => Err(Refusal::Unclaimed),
        Mode::Additive | Mode::Authoritative => Ok(()),
    }
}

fn origin(view: &View<'_>) -> Result<(), Refusal> {
    if view.is_inherited() {
        return Err(Refusal::Inherited);
    }
    if view.is_immutable() { Err(Refusal::Immutable) } else { Ok(()) }
}

/// What the target can store and do.
fn ability(view: &View<'_>, proposal: &Proposal) -> Result<(), Refusal> {
    let Some(target) = view.target else { return Err(Refusal::Unsupported) };
    let stores = |attribute| target.attributes.has(attribute);
    let subject = view.observed.or(view.desired).map(|fact| fact.subject);
    let fits = match proposal.kind {
        ChangeKind::Rotate => target.rotates,
        // One that is desired disabled must not come out working.
        ChangeKind::Grant | ChangeKind::Create | ChangeKind::Issue => {
            view.case.desired_side != Side::Disabled || stores(Attribute::Enabled)
        }
        _ => AttributeMask(proposal.mask & !target.attributes.0) == AttributeMask::default(),
    };
    let fits = fits
        && (subject != Some(Subject::Account) || target.accounts)
        && (proposal.until.is_none() || stores(Attribute::ExpiresAt));
    if fits { Ok(()) } else { Err(Refusal::Unsupported) }
}

/// What does not take access away needs a live, timely wish; what may add access must also be able to land before it ends,
/// and must have been wished for since it was last taken away.
fn desire(view: &View<'_>, proposal: &Proposal, ground: &Ground<'_>) -> Result<(), Refusal> {
    let Some(desired) = view.desired else { return Err(Refusal::NotDesired) };
    if desired.not_before > ground.as_of {
        return Err(Refusal::NotYet);
    }
    lands(view, proposal, ground)?;
    let closed_at = view.closed_at().filter(|_| proposal.kind.adds());
    if closed_at.is_some_and(|closed| ground.read_at(desired).is_none_or(|read| read <= closed)) {
        return Err(Refusal::StaleDesire);
    }
    Ok(())
}

/// What may add access must be able to land before it ends.
fn lands(view: &View<'_>, proposal: &Proposal, ground: &Ground<'_>) -> Result<(), Refusal> {
    let lands_by = ground.as_of.plus(view.target.map_or(0, |t| i64::from(t.landing_bound)));
    let ends = |end: Time| end.is_some() && end <= lands_by;
    let too_soon = proposal.kind.adds() && (ends(proposal.ends_at) || ends(view.desired_end()));
    if too_soon { Err(Refusal::ExpiresTooSoon) } else { Ok(()) }
}

fn later_than_desired(view: &View<'_>, proposal: &Proposal) -> Result<(), Refusal> {
    let end = view.desired_end();
    if proposal.until.is_some() && end.is_some() && proposal.until > end { Err(Refusal::LaterThanDesired) } else { Ok(()) }
}

/// A credential that is made, or works longer or again, has somebody who answers for it, and an end.
fn credential(view: &View<'_>, proposal: &Proposal, ground: &Ground<'_>) -> Result<(), Refusal> {
    let Some(desired) = view.desired.filter(|d| d.subject == Subject::Credential) else { return Ok(()) };
    let lengthens = matches!(proposal.kind, ChangeKind::Issue | ChangeKind::Rotate | ChangeKind::Extend | ChangeKind::Enable)
        || (proposal.kind == ChangeKind::Update && AttributeMask(proposal.mask).has(Attribute::ExpiresAt));
    if lengthens && (!ground.answers(desired.owner) || proposal.ends_at.is_none()) {
        return Err(Refusal::CredentialWithoutOwner);
    }
    Ok(())
}
