//! A rule whose answers depend on everything that they legally may: a case's position in its batch, a sum over all
//! earlier cases, and memory that lives as long as the instance. Its proposals are those that make what is observed
//! what is desired.
#![cfg(target_arch = "wasm32")]

use std::sync::atomic::{AtomicU64, Ordering};

use trueup_test_guests::{Batch, Context, Reason, RuleError, RuleInfo, Verdicts, all, module, text};

/// Outlives the call; a host that kept an instance would show it.
static SUM: AtomicU64 = AtomicU64::new(0);

fn judge(_: &Context, batch: &Batch) -> Result<Verdicts, RuleError> {
    let mut answer = all(batch, 0);
    let cases = answer.case.len();
    answer.rank = vec![0; cases];
    answer.tier = vec![0; cases];
    for case in 0..cases {
        let named = text(batch, batch.holder[case]).bytes().chain(text(batch, batch.object[case]).bytes());
        let sum = named.fold(SUM.load(Ordering::Relaxed), |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        SUM.store(sum, Ordering::Relaxed);
        answer.effect[case] = match (batch.desired[case], batch.observed[case]) {
            (0, 1 | 2) => 2,
            (1, 0) => 1,
            (1, 1 | 2) if batch.differs[case] != 0 => 4,
            (3, _) | (_, 3) => 6,
            _ => 0,
        };
        answer.reason[case] = (sum % 3) as u16;
        answer.rank[case] = ((case as u64 + sum) % 2_000) as i16 - 1_000;
        answer.tier[case] = u8::from(case % 7 == 0);
    }
    answer.mask = batch.differs.clone();
    Ok(answer)
}

fn info(name: &str) -> RuleInfo {
    let reason = |code: &str| Reason { code: code.into(), text: "picked by a sum over all earlier cases".into() };
    RuleInfo { reasons: ["one", "two", "three"].map(reason).into(), ..trueup_test_guests::info(name) }
}

module!("by-position", judge, info);
