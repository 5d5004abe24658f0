//! Every language gives the answers of the plain function.

use std::collections::BTreeSet;

use trueup_against_decision::{Now, REASONS, drawn, judge};

use super::all;

#[test]
fn languages_give_the_plain_function_s_answers_for_every_reason() -> anyhow::Result<()> {
    for require_record in [true, false] {
        let now = Now {
            as_of: 1_772_323_200,
            unused_days: if require_record { 90 } else { 0 },
            justify_from_tier: 2,
            require_record,
            disable_orphans_from_tier: 2,
        };
        let rows = drawn(&now, 20_000);
        let (expected, _) = judge(&now, &rows);
        let met: BTreeSet<u8> = expected.iter().map(|verdict| verdict.reason).collect();
        assert!(!require_record || met.len() == REASONS.len(), "{} of {} reasons are met", met.len(), REASONS.len());
        for mut language in all(&now)? {
            let told = language.judge(&now, &rows)?;
            assert_eq!(told.len(), rows.len(), "{}", language.name());
            for ((told, expected), row) in told.iter().zip(&expected).zip(&rows) {
                assert_eq!(told, expected, "{} of {row:?}", language.name());
            }
        }
    }
    Ok(())
}
