//! The bundled rules answer alike natively and as shipped: 10,000 generated identities each, every column at random.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

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
pub(super) const AS_OF: i64 = 1_772_323_200;

/// A batch of whole identities with random columns; as the contract says, text 0 is empty.
pub(super) fn batch(numbers: &mut Numbers) -> Columns {
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

pub(super) fn native(rule: &NativeRule, context: &Context, columns: Columns) -> Result<Verdicts, RuleError> {
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

/// Judges the same generated batches natively and as the component, each under one of the settings that the rule's case files
/// try; returns the reasons that were given, and all that there are.
fn check(folder: &str, rule: &NativeRule) -> (BTreeSet<String>, usize) {
    let path = cli::root().join("rules").join(folder);
    let built = build_component(&path, &BuildOptions::default()).expect("component");
    let module = Module::load(&RuleEngine::new(&RuleLimits::default()).expect("engine"), &built.component).expect("module");
    let contexts = contexts(&path.join("cases"), &module);
    let wanted = rule.describe().columns;
    let mut numbers = Numbers(0x7275_6c65);
    let mut given = BTreeSet::new();
    let reasons = &module.facts().reasons;
    for (round, context) in (0..IDENTITIES / PER_BATCH).zip(contexts.iter().cycle()) {
        let mut columns = batch(&mut numbers);
        columns.keep_only(&wanted);
        let shipped =
            trueup_cases::Judge::judge(&mut trueup::author::ComponentJudge::new(module.clone().into()), context, &columns);
        let here = native(rule, context, columns);
        assert_eq!(shipped, here, "{folder}, batch {round}, {:?}", context.settings);
        given.extend(here.expect("verdicts").reason.iter().filter_map(|r| reasons.get(usize::from(*r))).map(|r| r.code.clone()));
    }
    (given, reasons.len())
}

/// The defaults, and whatever else the case files of a rule set, without those that expect an error.
fn contexts(cases: &Path, module: &Module) -> Vec<Context> {
    let defaults = module.check_settings(&Default::default()).expect("settings");
    let defaults: BTreeMap<String, SettingValue> =
        defaults.iter().map(|(name, value)| (name.to_owned(), plain_setting(value))).collect();
    let mut all = vec![defaults.clone()];
    for path in trueup_cases::find(cases).expect("case files") {
        let text = std::fs::read_to_string(&path).expect("case file");
        let file = trueup_cases::CaseFile::parse(&path, &text).expect("case file");
        let mut settings = defaults.clone();
        settings.extend(file.context.settings);
        if file.expect_error.is_none() && !all.contains(&settings) {
            all.push(settings);
        }
    }
    all.into_iter().map(|settings| Context { as_of: AS_OF, settings: settings.into_iter().collect(), flags: 0 }).collect()
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

/// Every bundled rule, by its folder.
const RULES: [(&str, &NativeRule); 7] = [
    ("complete", &trueup_complete::RULE),
    // The cookbook's policies are one crate, and a module is one rule: what chains them is built.
    ("cookbook/all", &trueup_cookbook_all::RULE),
    ("joiner-mover-leaver", &trueup_joiner_mover_leaver::RULE),
    ("least-access", &trueup_least_access::RULE),
    ("machine-identities", &trueup_machine_identities::RULE),
    ("separation-of-duties", &trueup_separation_of_duties::RULE),
    ("standard", &trueup_standard::RULE),
];

#[test]
fn native_and_component_agree_on_ten_thousand_identities() {
    let folders = std::fs::read_dir(cli::root().join("rules")).expect("rules").map(|entry| entry.expect("entry").file_name());
    let folders: BTreeSet<String> = folders.map(|name| name.to_string_lossy().into_owned()).collect();
    let listed = RULES.iter().filter_map(|(folder, _)| folder.split('/').next()).map(str::to_owned);
    assert_eq!(folders, listed.collect(), "RULES lists every folder of rules/");
    for (folder, rule) in RULES {
        let (given, all) = check(folder, rule);
        println!("{folder}: {} of {all} reasons given", given.len());
        assert!(given.len() * 3 >= all, "{folder} gave only {given:?}");
    }
}
