//! What one identity must not hold together: combinations that the vendor names,
//! and more than one of an exclusion group of the catalogue.
//!
//! It is a guard: it speaks last, over the verdicts of other rules, and only
//! lowers them, to hold or to absent. What would complete a combination is held;
//! so is what would be given while the rest of it is still there, though it is
//! on its way out. A combination that is held already is shown to a person, or
//! broken where it is too risky. Composed, it is called with the effects of the
//! whole rule: see `trueup-complete`. Alone, it assumes that access becomes what
//! the sources list.

mod combination;
mod duties;
mod reasons;
mod settings;

use trueup_guest::prelude::*;

pub use duties::Duties;
pub use reasons::Why;
pub use settings::Settings;

/// Judges one identity. Only cases that are to be lowered get a verdict.
#[rule(name = "separation-of-duties", columns(exclusion, tier))]
pub fn separation_of_duties<'a>(
    identity: Identity<'a>,
    cx: &Context<'a, Settings>,
    answers: &mut Answers<Why>,
) -> Result<(), Fault> {
    let duties = Duties::of(cx.settings, identity.cases().map(|case| (case, as_listed(case))))?;
    for case in identity.cases() {
        answers.give(
            case,
            duties.guard(case).map(|guard| match guard {
                Guard::Hold(why) => Verdict::hold(why),
                Guard::Absent(why) => Verdict::absent(why),
            }),
        );
    }
    Ok(())
}

/// What brings a case to what the sources list.
fn as_listed(case: Case<'_>) -> Effect {
    match (case.desired(), case.observed()) {
        (Side::Present, Side::Absent) => Effect::Present,
        (Side::Absent, observed) if observed.exists() => Effect::Absent,
        (Side::Disabled, observed) if observed.exists() => Effect::Disabled,
        _ => Effect::Keep,
    }
}

trueup_guest::cases!();
trueup_guest::laws!(|laws| {
    let combinations = r#"["git/role:reader + git/role:writer", "crm/key:a + git/key:b", "crm/role:reader + git/role:reader"]"#;
    laws.setting("toxic-combinations", combinations).setting("break-combinations-from-tier", "2").identities(2_000)
});
