//! Access follows people as they come, move and go.
//!
//! A joiner's account is made before anything that it is to hold. A mover keeps
//! the access of the old position for a while, and loses it only once the new
//! position's is there. A leaver's account is switched off first, then loses
//! what it holds, and is deleted after days of grace. Who is on leave keeps
//! everything and gets nothing new.
//!
//! The rule speaks of these movements alone. Composed with a rule that knows
//! what access is wanted, it speaks first: see `trueup-standard`.

mod reasons;
mod settings;
mod situation;

use trueup_guest::prelude::*;

pub use reasons::Why;
pub use settings::Settings;
pub use situation::Situation;

/// Judges one identity. Cases without a movement get no verdict.
#[rule(name = "joiner-mover-leaver", columns(disabled_since, exclusion, not_before, replaces, undesired_since))]
pub fn joiner_mover_leaver<'a>(identity: Identity<'a>, cx: &Context<'a, Settings>, answers: &mut Answers<Why>) {
    let wanted = |case: Case<'a>| case.observed().is_absent() && case.is_wanted_now(cx);
    let situation = Situation::of(identity, cx, wanted);
    for case in identity.cases() {
        let movement = situation.judge(case);
        answers.give(case, movement.or_else(|| if wanted(case) { situation.joiner(case) } else { None }));
    }
}

trueup_guest::cases!();
trueup_guest::laws!(|laws| laws.identities(4_000));
