//! Answers that are not well formed, one form each.
#![cfg(target_arch = "wasm32")]

use trueup_test_guests::{Batch, Context, NONE, RuleError, Verdicts, all, form, module, poisoned};

fn judge(context: &Context, batch: &Batch) -> Result<Verdicts, RuleError> {
    let mut answer = all(batch, 0);
    let cases = answer.case.len();
    if !poisoned(batch) {
        return Ok(answer);
    }
    match form(context) {
        "case-out-of-range" => answer.case[cases - 1] = cases as u32,
        "case-twice" => answer.case[1] = 0,
        "case-descending" => answer.case.swap(0, 1),
        "too-many" => answer.case.push(cases as u32),
        "effect" => answer.effect[1] = 9,
        "reason" => answer.reason[1] = 1,
        "mask" => answer.mask = vec![1 << 5; cases],
        "tier" => answer.tier = vec![4; cases],
        "flags" => answer.flags = vec![2; cases],
        "until" => answer.until = vec![-1; cases],
        "valid-until" => answer.valid_until = -1,
        "after-itself" => answer.after = (0..cases as u32).collect(),
        // The first case of the last identity, to wait for the first case of the first.
        "after-of-another" => {
            answer.after = vec![NONE; cases];
            answer.after[cases - 1] = 0;
        }
        "after-nowhere" => answer.after = vec![cases as u32; cases],
        "short" => drop(answer.effect.pop()),
        "short-optional" => answer.tier = vec![0; cases - 1],
        "huge" => answer.case = (0..1 << 18).collect(),
        _ => {}
    }
    Ok(answer)
}

module!("bad-indices", judge);
