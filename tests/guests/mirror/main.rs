//! Writes to the log what it was shown, one line for each identity and each case, and keeps everything. Asks for every
//! column.
#![cfg(target_arch = "wasm32")]

use trueup_test_guests::trueup::rules::log::write;
use trueup_test_guests::{Batch, Context, RuleError, RuleInfo, Verdicts, all, module, text};

fn judge(context: &Context, batch: &Batch) -> Result<Verdicts, RuleError> {
    write(2, &format!("as-of {} flags {} settings {:?}", context.as_of, context.flags, context.settings));
    let mut first = 0;
    for (index, &end) in batch.identity_ends.iter().enumerate() {
        write(2, &identity(batch, index));
        for case in first..end as usize {
            write(3, &self::case(batch, case));
        }
        first = end as usize;
    }
    Ok(all(batch, 0))
}

fn identity(batch: &Batch, i: usize) -> String {
    format!(
        "identity {} kind {} status {} moved {} ends {} owner {} unit {}",
        text(batch, batch.identity[i]),
        batch.identity_kind[i],
        batch.identity_status[i],
        batch.identity_moved_at[i],
        batch.identity_ends_at[i],
        text(batch, batch.identity_owner[i]),
        text(batch, batch.identity_unit[i]),
    )
}

fn case(batch: &Batch, i: usize) -> String {
    let texts = [
        ("target", &batch.target),
        ("holder", &batch.holder),
        ("object", &batch.object),
        ("desired-level", &batch.desired_level),
        ("observed-level", &batch.observed_level),
        ("owner", &batch.owner),
        ("purpose", &batch.purpose),
        ("observed-purpose", &batch.observed_purpose),
        ("record", &batch.record),
        ("approver", &batch.approver),
        ("via", &batch.via),
        ("replaces", &batch.replaces),
        ("exclusion", &batch.exclusion),
    ];
    let times = [
        ("desired-expires-at", &batch.desired_expires_at),
        ("observed-expires-at", &batch.observed_expires_at),
        ("not-before", &batch.not_before),
        ("last-used", &batch.last_used),
        ("undesired-since", &batch.undesired_since),
        ("disabled-since", &batch.disabled_since),
    ];
    let codes = [
        ("subject", u32::from(batch.subject[i])),
        ("desired", u32::from(batch.desired[i])),
        ("observed", u32::from(batch.observed[i])),
        ("recorded", u32::from(batch.recorded[i])),
        ("unknown-why", u32::from(batch.unknown_why[i])),
        ("differs", batch.differs[i]),
        ("traits", batch.traits[i]),
        ("tier", u32::from(batch.tier[i])),
    ];
    let mut line = String::from("case");
    texts.iter().for_each(|(name, ids)| line += &format!(" {name}={}", text(batch, ids[i])));
    times.iter().for_each(|(name, times)| line += &format!(" {name}={}", times[i]));
    codes.iter().for_each(|(name, code)| line += &format!(" {name}={code}"));
    line
}

fn info(name: &str) -> RuleInfo {
    let columns = [
        "identity-owner",
        "identity-unit",
        "not-before",
        "last-used",
        "undesired-since",
        "disabled-since",
        "level",
        "owner",
        "purpose",
        "observed-purpose",
        "record",
        "approver",
        "via",
        "replaces",
        "tier",
        "exclusion",
    ];
    RuleInfo { columns: columns.map(Into::into).into(), ..trueup_test_guests::info(name) }
}

module!("mirror", judge, info);
