//! The rule that trueup starts with: what a person's movements say comes first,
//! then least access.
//!
//! It is also how rules compose. Each part is an ordinary function with its own
//! settings and reasons; this one asks for the columns of both, hands each its
//! settings, and takes the first opinion.

use trueup_guest::prelude::*;
use trueup_joiner_mover_leaver::{self as lifecycle, Situation};
use trueup_least_access::{self as access, least_access};

/// The settings of both parts.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Of joiners, movers and leavers.
    #[setting(flatten)]
    pub lifecycle: lifecycle::Settings,
    /// Of least access.
    #[setting(flatten)]
    pub access: access::Settings,
}

/// The reasons of both parts.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A movement's.
    #[reasons(nested)]
    Lifecycle(lifecycle::Why),
    /// Least access's.
    #[reasons(nested)]
    Access(access::Why),
}

/// Judges one identity. Every case gets a verdict.
#[rule(name = "standard", columns(..lifecycle::RULE, ..access::RULE), canon = access::canon)]
pub fn standard<'a>(identity: Identity<'a>, cx: &Context<'a, Settings>, answers: &mut Answers<Why>) {
    let access = cx.with(&cx.settings.access);
    let grants = |case: Case<'a>| least_access(case, &access).effect() == Effect::Present;
    let situation = Situation::of(identity, &cx.with(&cx.settings.lifecycle), grants);
    for case in identity.cases() {
        let movement = situation.judge(case);
        answers.give(case, movement.map(Verdict::lift).unwrap_or_else(|| wanted(case, &access, &situation)));
    }
}

/// What least access says, in a joiner's order.
fn wanted<'a>(case: Case<'a>, cx: &Context<'_, access::Settings>, situation: &Situation<'a>) -> Verdict<Why> {
    let verdict = least_access(case, cx);
    let ordered = match verdict.effect() {
        Effect::Present => situation.joiner(case),
        _ => None,
    };
    ordered.map_or(verdict.lift(), Verdict::lift)
}

// The folder holds a link to the cases of least access: composed, it answers them alike.
trueup_guest::cases!();

/// The laws hold of the whole too; that every reason is drawn is for each part's own.
#[test]
fn laws() {
    trueup_guest::testing::Laws::of(&RULE).identities(1_000).check();
}
