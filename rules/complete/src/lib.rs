//! The standard rule, with two more parts that speak where a vendor switches
//! them on: machine identities before all else, and separation of duties last,
//! as a guard that only lowers what the others say. With both off it answers
//! like `trueup-standard`, which is smaller.
//!
//! It shows how more rules compose: an opinion that comes first, and a guard that
//! is asked once every verdict is known.

use trueup_guest::prelude::*;
use trueup_joiner_mover_leaver::{self as lifecycle, Situation};
use trueup_least_access::{self as access, least_access};
use trueup_machine_identities::{self as machines, Machine};
use trueup_separation_of_duties::{self as duties, Duties};

/// The settings of all parts.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Of joiners, movers and leavers.
    #[setting(flatten)]
    pub lifecycle: lifecycle::Settings,
    /// Of least access.
    #[setting(flatten)]
    pub access: access::Settings,
    /// Whether the rule `machine-identities` speaks first of machines.
    #[setting(default = false)]
    pub machine_identities: bool,
    /// Of machine identities.
    #[setting(flatten)]
    pub machines: machines::Settings,
    /// Whether the rule `separation-of-duties` guards what the others say.
    #[setting(default = false)]
    pub separation_of_duties: bool,
    /// Of separation of duties.
    #[setting(flatten)]
    pub duties: duties::Settings,
}

/// The reasons of all parts.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A movement's.
    #[reasons(nested)]
    Lifecycle(lifecycle::Why),
    /// Least access's.
    #[reasons(nested)]
    Access(access::Why),
    /// A machine's.
    #[reasons(nested)]
    Machines(machines::Why),
    /// A separation of duties'.
    #[reasons(nested)]
    Duties(duties::Why),
}

/// Judges one identity. Every case gets a verdict.
#[rule(
    name = "complete",
    columns(..lifecycle::RULE, ..access::RULE, ..machines::RULE, ..duties::RULE),
    canon = access::canon
)]
pub fn complete<'a>(identity: Identity<'a>, cx: &Context<'a, Settings>, answers: &mut Answers<Why>) -> Result<(), Fault> {
    let access = cx.with(&cx.settings.access);
    let grants = |case: Case<'a>| least_access(case, &access).effect() == Effect::Present;
    let situation = Situation::of(identity, &cx.with(&cx.settings.lifecycle), grants);
    let people = |case: Case<'a>| {
        let movement = situation.judge(case);
        movement.map(Verdict::lift).unwrap_or_else(|| wanted(case, &access, &situation))
    };
    let comes = |case: Case<'a>| people(case).effect() == Effect::Present;
    let machine = match cx.settings.machine_identities {
        true => Machine::of(identity, &cx.with(&cx.settings.machines), comes),
        false => None,
    };
    let judge = |case: Case<'a>| {
        let opinion = machine.as_ref().and_then(|machine| machine.judge(case));
        opinion.map(Verdict::lift).unwrap_or_else(|| people(case))
    };
    if !cx.settings.separation_of_duties {
        identity.cases().for_each(|case| answers.give(case, judge(case)));
        return Ok(());
    }
    let verdicts: Vec<(Case<'a>, Verdict<Why>)> = identity.cases().map(|case| (case, judge(case))).collect();
    let duties = Duties::of(&cx.settings.duties, verdicts.iter().map(|(case, verdict)| (*case, verdict.effect())))?;
    for (case, verdict) in verdicts {
        answers.give(case, verdict.guarded(duties.guard(case).map(Guard::lift)));
    }
    Ok(())
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

// The folder holds a link to the cases of the standard rule: switched off, it answers them alike.
trueup_guest::cases!();

/// The laws hold of the whole too, with everything switched on; that every reason is drawn is for each part's own.
#[test]
fn laws() {
    let combinations = r#"["git/role:reader + git/role:writer", "crm/key:a + git/key:b"]"#;
    let laws =
        trueup_guest::testing::Laws::of(&RULE).setting("machine-identities", "true").setting("separation-of-duties", "true");
    let laws = laws.setting("toxic-combinations", combinations).setting("break-combinations-from-tier", "2");
    laws.kinds(&["person", "machine"]).identities(1_000).check();
}
