//! The bundled rules answer alike natively and as shipped: 10,000 generated identities each, every column at random.

use std::collections::BTreeSet;

use trueup::author::{BuildOptions, build_component};
use trueup::rule::{Module, RuleEngine, RuleLimits};
use trueup_cases::{Columns, Context, RuleError, SettingValue, Verdicts};
use trueup_guest::{NativeRule, testing, wire};
use trueup_tests::cli;
use trueup_tests::estate::Numbers;

/// Identities per rule, and per batch.
const IDENTITIES: u64 = 10_000;
const PER_BATCH: u64 = 250;
/// The instant of the generated batches.
const AS_OF: i64 = 1_772_323_200;

/// A batch of whole identities with random columns; as the contract says, text 0 is empty.
fn batch(numbers: &mut Numbers) -> Columns {
    let mut columns = Columns::default();
    let texts = ["", "crm", "git", "ada", "ben", "team:ops", "team:dev#admin", "key:1", "member", "admin", "programme", "REQ-1"];
    for text in texts {
        columns.heap.push_str(text);
        columns.text_ends.push(columns.heap.len() as u32);
    }
    let any = texts.len() as u64;
    for _ in 0..PER_BATCH {
        columns.identity.push(3 + numbers.below(2) as u32);
        columns.identity_kind.push(numbers.below(4) as u8);
        columns.identity_status.push(numbers.below(5) as u8);
        columns.identity_moved_at.push(instant(numbers));
        columns.identity_ends_at.push(instant(numbers));
        columns.identity_owner.push(numbers.below(any) as u32);
        columns.identity_unit.push(numbers.below(any) as u32);
        for _ in 0..1 + numbers.below(8) {
            case(&mut columns, numbers, any);
        }
        columns.identity_ends.push(columns.subject.len() as u32);
    }
    columns
}

fn case(columns: &mut Columns, numbers: &mut Numbers, any: u64) {
    let (desired, observed) = (numbers.below(4) as u8, numbers.below(4) as u8);
    let why = |side: u8, numbers: &mut Numbers| if side == 3 { 1 + numbers.below(5) as u8 } else { 0 };
    columns.subject.push(numbers.below(3) as u8);
    columns.target.push(1 + numbers.below(2) as u32);
    columns.holder.push(3 + numbers.below(2) as u32);
    columns.object.push(numbers.below(8) as u32);
    columns.desired.push(desired);
    columns.observed.push(observed);
    columns.recorded.push(numbers.below(3) as u8);
    columns.unknown_why.push(why(desired, numbers) + 16 * why(observed, numbers));
    columns.differs.push(numbers.below(32) as u32);
    columns.traits.push(numbers.below(256) as u32);
    columns.tier.push(numbers.below(4) as u8);
    for column in [
        &mut columns.desired_expires_at,
        &mut columns.observed_expires_at,
        &mut columns.not_before,
        &mut columns.last_used,
        &mut columns.undesired_since,
        &mut columns.disabled_since,
    ] {
        column.push(instant(numbers));
    }
    for column in [
        &mut columns.desired_level,
        &mut columns.observed_level,
        &mut columns.owner,
        &mut columns.purpose,
        &mut columns.observed_purpose,
        &mut columns.record,
        &mut columns.approver,
        &mut columns.via,
        &mut columns.replaces,
        &mut columns.exclusion,
    ] {
        column.push(numbers.below(any) as u32);
    }
}

/// None, or an instant within half a year of the plan's, often on a limit of whole days.
fn instant(numbers: &mut Numbers) -> i64 {
    match numbers.below(3) {
        0 => 0,
        1 => AS_OF - 180 * 86_400 + (numbers.below(360) * 86_400) as i64,
        _ => AS_OF - 180 * 86_400 + numbers.below(360 * 86_400) as i64,
    }
}

fn native(rule: &NativeRule, context: &Context, columns: Columns) -> Result<Verdicts, RuleError> {
    let answer = rule.judge(&testing::context_of(context), &testing::batch_of(columns));
    answer.map(plain).map_err(|error| RuleError { code: error.code, message: error.message, case: error.case })
}

fn plain(answer: wire::Verdicts) -> Verdicts {
    Verdicts {
        case: answer.case,
        effect: answer.effect,
        reason: answer.reason,
        mask: answer.mask,
        tier: answer.tier,
        rank: answer.rank,
        after: answer.after,
        flags: answer.flags,
        until: answer.until,
        valid_until: answer.valid_until,
    }
}

/// Judges the same generated batches natively and as the component; returns the reasons that were given.
fn check(folder: &str, rule: &NativeRule) -> BTreeSet<String> {
    let built = build_component(&cli::root().join("rules").join(folder), &BuildOptions::default()).expect("component");
    let module = Module::load(&RuleEngine::new(&RuleLimits::default()).expect("engine"), &built.component).expect("module");
    let settings = module.check_settings(&Default::default()).expect("settings");
    let settings = settings.iter().map(|(name, value)| (name.to_owned(), plain_setting(value))).collect();
    let context = Context { as_of: AS_OF, settings, flags: 0 };
    let wanted = rule.describe().columns;
    let mut numbers = Numbers(0x7275_6c65);
    let mut given = BTreeSet::new();
    for round in 0..IDENTITIES / PER_BATCH {
        let mut columns = batch(&mut numbers);
        columns.keep_only(&wanted);
        let shipped = trueup_cases::Judge::judge(&mut trueup::author::ComponentJudge(module.clone().into()), &context, &columns);
        let here = native(rule, &context, columns);
        assert_eq!(shipped, here, "{folder}, batch {round}");
        let reasons = &module.facts().reasons;
        given.extend(here.expect("verdicts").reason.iter().filter_map(|r| reasons.get(usize::from(*r))).map(|r| r.code.clone()));
    }
    given
}

fn plain_setting(value: &trueup::rule::SettingValue) -> SettingValue {
    use trueup::rule::SettingValue as Host;
    match value {
        Host::Text(text) => SettingValue::Text(text.clone()),
        Host::Integer(number) => SettingValue::Integer(*number),
        Host::Boolean(flag) => SettingValue::Boolean(*flag),
        Host::Texts(texts) => SettingValue::Texts(texts.clone()),
    }
}

#[test]
fn native_and_component_agree_on_ten_thousand_identities() {
    let rules: [(&str, &NativeRule, usize); 3] = [
        ("least-access", &trueup_least_access::RULE, 12),
        ("joiner-mover-leaver", &trueup_joiner_mover_leaver::RULE, 8),
        ("standard", &trueup_standard::RULE, 15),
    ];
    for (folder, rule, at_least) in rules {
        let given = check(folder, rule);
        println!("{folder}: {} reasons given", given.len());
        assert!(given.len() >= at_least, "{folder} gave only {given:?}");
    }
}
