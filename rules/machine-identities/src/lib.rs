//! Machine identities: owners, ends, and keys that are rotated without a gap.
//!
//! What a machine has needs somebody who answers for it, and an end. A key goes
//! only once those that take its place are there: each new key waits for the one
//! before it, and the old key for the last of them, so that no consumer is ever
//! without. Keys that nobody uses or that several accounts share are held, or
//! revoked where they are too risky. A new owner, purpose or environment is
//! looked at anew.
//!
//! The rule speaks of machines alone, and only where it has something to say.
//! Composed with a rule that knows what access is wanted, it speaks first: see
//! `trueup-complete`. What columns do not show it cannot see: a key that machines
//! of different names share is for the host, which orders keys across identities
//! by `replaces`.

mod keys;
mod machine;
mod reasons;
mod settings;

use trueup_guest::prelude::*;

pub use machine::Machine;
pub use reasons::Why;
pub use settings::Settings;

/// Judges one identity. Cases of people and groups get no verdict.
#[rule(name = "machine-identities", columns(approver, identity_owner, last_used, not_before, owner, replaces, tier))]
pub fn machine_identities<'a>(identity: Identity<'a>, cx: &Context<'a, Settings>, answers: &mut Answers<Why>) {
    let wanted = |case: Case<'a>| case.is_wanted_now(cx) && case.observed().is_absent() && !case.is_withheld();
    let Some(machine) = Machine::of(identity, cx, wanted) else { return };
    for case in identity.cases() {
        answers.give(case, machine.judge(case));
    }
}

trueup_guest::cases!();
/// Of machines alone, as it comes and with settings that let more through. Of reasons that need several cases to fit together
/// the laws say little; those that no draw came to are shown by cases.
#[test]
fn laws() {
    const RARE: [&str; 3] = ["key-due", "key-replaced", "key-shared-revoked"];
    let laws = trueup_guest::testing::Laws::of(&RULE).kinds(&["machine"]).identities(2_000);
    let lax = laws.clone().setting("review-machines-from-tier", "4").setting("revoke-unused-keys-from-tier", "4");
    let (never, lax) = (laws.check(), lax.setting("revoke-shared-keys-from-tier", "1").setting("key-due-days", "60").check());
    let never: Vec<String> = never.into_iter().filter(|code| lax.contains(code)).collect();
    assert!(never.iter().all(|code| RARE.contains(&code.as_str())), "{never:?}");
}
