//! Well-formed answers to which no host may listen. Forms: `grant-undesired`, `remove-desired`, `remove-unknown`,
//! `extend`, `cycle`; otherwise each in turn.
#![cfg(target_arch = "wasm32")]

use trueup_test_guests::{Batch, Context, NONE, RuleError, Verdicts, all, form, identities, module};

const ABSENT: u8 = 0;
const UNKNOWN: u8 = 3;

const PRESENT: u8 = 1;
const REMOVE: u8 = 2;
const TRUE_UP: u8 = 4;

const FORMS: [&str; 5] = ["grant-undesired", "remove-desired", "remove-unknown", "extend", "cycle"];

fn judge(context: &Context, batch: &Batch) -> Result<Verdicts, RuleError> {
    let mut answer = all(batch, 0);
    let cases = answer.case.len();
    answer.mask = vec![31; cases];
    answer.until = vec![0; cases];
    answer.after = vec![NONE; cases];
    let identity = identities(batch);
    for case in 0..cases {
        let form = match form(context) {
            "" => FORMS[case % FORMS.len()],
            form => form,
        };
        let next = (case + 1 < cases && identity[case + 1] == identity[case]).then_some(case + 1);
        match form {
            "grant-undesired" if batch.desired[case] == ABSENT => answer.effect[case] = PRESENT,
            "remove-desired" if batch.desired[case] != ABSENT => answer.effect[case] = REMOVE,
            "remove-unknown" if batch.desired[case] == UNKNOWN || batch.observed[case] == UNKNOWN => {
                answer.effect[case] = REMOVE;
            }
            "extend" => {
                answer.effect[case] = TRUE_UP;
                // A hundred years from now.
                answer.until[case] = context.as_of + 100 * 365 * 86_400;
            }
            "cycle" => {
                answer.effect[case] = if batch.desired[case] == ABSENT { REMOVE } else { PRESENT };
                let first = identity.partition_point(|&other| other < identity[case]);
                let after = next.unwrap_or(first);
                answer.after[case] = if after == case { NONE } else { after as u32 };
            }
            _ => {}
        }
    }
    Ok(answer)
}

module!("forge", judge);
