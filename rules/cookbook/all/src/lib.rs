//! Nine policies of the cookbook as one rule: each is asked in turn, and the
//! first with an opinion wins.
//!
//! The order is the rule: who has left comes before everything, what keeps
//! somebody from having something comes before what gives it. Each policy is
//! handed its own settings, and its reasons join one table.

use trueup_cookbook::{
    break_glass, contractors, dormant_admins, exclusive_roles, joiners, key_rotation, leavers, orphans, retained_access,
};
use trueup_guest::prelude::*;

/// The settings of all of them.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    #[setting(flatten)]
    leavers: leavers::Settings,
    #[setting(flatten)]
    break_glass: break_glass::Settings,
    #[setting(flatten)]
    orphans: orphans::Settings,
    #[setting(flatten)]
    contractors: contractors::Settings,
    #[setting(flatten)]
    key_rotation: key_rotation::Settings,
    #[setting(flatten)]
    dormant_admins: dormant_admins::Settings,
    #[setting(flatten)]
    retained_access: retained_access::Settings,
    #[setting(flatten)]
    joiners: joiners::Settings,
}

/// The reasons of all of them.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Somebody has left.
    #[reasons(nested)]
    Leavers(leavers::Why),
    /// Emergency access.
    #[reasons(nested)]
    BreakGlass(break_glass::Why),
    /// Roles that exclude each other.
    #[reasons(nested)]
    ExclusiveRoles(exclusive_roles::Why),
    /// Machines for which nobody answers.
    #[reasons(nested)]
    Orphans(orphans::Why),
    /// Somebody with a last day.
    #[reasons(nested)]
    Contractors(contractors::Why),
    /// Keys that get old.
    #[reasons(nested)]
    KeyRotation(key_rotation::Why),
    /// Privileged access that nobody uses.
    #[reasons(nested)]
    DormantAdmins(dormant_admins::Why),
    /// Access of an old position.
    #[reasons(nested)]
    RetainedAccess(retained_access::Why),
    /// Somebody who starts.
    #[reasons(nested)]
    Joiners(joiners::Why),
}

/// Judges one case.
#[rule(
    name = "cookbook",
    columns(
        ..leavers::RULE,
        ..break_glass::RULE,
        ..exclusive_roles::RULE,
        ..orphans::RULE,
        ..contractors::RULE,
        ..key_rotation::RULE,
        ..dormant_admins::RULE,
        ..retained_access::RULE,
        ..joiners::RULE
    )
)]
pub fn cookbook(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    let all = cx.settings;
    let opinion = leavers::leavers(case, &cx.with(&all.leavers)).map(Verdict::lift);
    let opinion = opinion.or_else(|| break_glass::break_glass(case, &cx.with(&all.break_glass)).map(Verdict::lift));
    let opinion = opinion.or_else(|| exclusive_roles::exclusive_roles(case, &cx.with(&())).map(Verdict::lift));
    let opinion = opinion.or_else(|| orphans::orphans(case, &cx.with(&all.orphans)).map(Verdict::lift));
    let opinion = opinion.or_else(|| contractors::contractors(case, &cx.with(&all.contractors)).map(Verdict::lift));
    let opinion = opinion.or_else(|| key_rotation::key_rotation(case, &cx.with(&all.key_rotation)).map(Verdict::lift));
    let opinion = opinion.or_else(|| dormant_admins::dormant_admins(case, &cx.with(&all.dormant_admins)).map(Verdict::lift));
    let opinion = opinion.or_else(|| retained_access::retained_access(case, &cx.with(&all.retained_access)).map(Verdict::lift));
    opinion.or_else(|| joiners::joiners(case, &cx.with(&all.joiners)).map(Verdict::lift))
}

trueup_guest::cases!();

/// The laws hold of the whole too; that every reason is drawn is for each policy's own.
#[test]
fn laws() {
    trueup_guest::testing::Laws::of(&RULE).identities(1_000).check();
}
