//! V3: a module that fails, fails for its own batch alone, with a cause.

use super::estate::estate;
use super::guests::{load, pooled};
use crate::model::Time;
use crate::progress::Silent;
use crate::rule::{BatchVerdict, Fault, Judging, KeyKind, Module, RuleLimits, SettingValue, Settings, judge_all};

/// Judges three identities, of which the second is poisoned, on two threads.
fn judge(module: &Module, form: &str, middle: &str) -> Vec<BatchVerdict> {
    let cases = estate(&[("ada", 5), (middle, 7), ("curie", 3)]);
    let settings = module.check_settings(&[("form".to_owned(), SettingValue::Text(form.to_owned()))].into()).expect("settings");
    let judging = Judging { as_of: Time::from_seconds(1), settings: &settings, explain: false };
    judge_all(module, &judging, &cases, 2, &Silent, None)
}

/// The fault of the poisoned batch, once it is seen that the others are judged as if it were not there.
fn fault(module: &Module, form: &str) -> Fault {
    let [before, hit, after] = <[_; 3]>::try_from(judge(module, form, "poison")).expect("three batches");
    let [same_before, healthy, same_after] = <[_; 3]>::try_from(judge(module, form, "bohr")).expect("three batches");
    assert_eq!((before, after), (same_before, same_after), "the others do not notice");
    assert!(healthy.result.is_ok(), "{healthy:?}");
    if !matches!(hit.result, Err(Fault::Interrupted { .. })) {
        assert_eq!(judge(module, form, "poison")[1], hit, "a fault is the same every time, its fuel included");
    }
    hit.result.expect_err("a fault")
}

fn check(module: &str, form: &str, limits: &RuleLimits, expected: &str) {
    for loaded in [load(module), pooled(module)] {
        let found = fault(&loaded.with_limits(limits), form).to_string();
        assert!(found.starts_with(expected), "{module} {form}: {found}");
    }
}

#[test]
fn v03_a_fault_has_a_cause_and_stays_in_its_batch() {
    let limits = RuleLimits { memory_bytes: 16 << 20, host_call_bytes: 1 << 18, log_bytes: 1 << 16, ..RuleLimits::default() };
    let unreachable = "the rule trapped: wasm trap: wasm `unreachable` instruction executed, in ";
    for (module, form, expected) in [
        ("trap", "", unreachable),
        ("endless-loop", "", "the rule ran out of fuel: used 10350000 of 10350000"),
        ("endless-loop", "fill", "the rule ran out of fuel: used 10350000 of 10350000"),
        ("endless-loop", "stack", "the rule ran out of stack: used 524288 of 524288"),
        ("memory-bomb", "", "the rule ran out of memory: used 1"),
        ("log-flood", "", "the rule ran out of log: used 655"),
        ("bad-indices", "huge", "the rule ran out of host call bytes: used 262145 of 262144"),
        ("refuse", "", "the rule refused with `data`: the list of owners is empty\\n[error] host: all tenants are lost"),
    ] {
        check(module, form, &limits, expected);
    }
}

#[test]
fn v03_a_malformed_answer_stays_in_its_batch() {
    let module = load("bad-indices");
    for (form, expected) in [
        ("case-out-of-range", "column `case`, row 6: there is no case 7 among 7"),
        ("case-twice", "column `case`, row 1: case 0 does not come after case 0"),
        ("case-descending", "column `case`, row 1: case 0 does not come after case 1"),
        ("too-many", "column `case` has 8 rows for 7 cases"),
        ("effect", "column `effect`, row 1: 9"),
        ("reason", "column `reason`, row 1: 1"),
        ("mask", "column `mask`, row 0: 32"),
        ("tier", "column `tier`, row 0: 4"),
        ("flags", "column `flags`, row 0: 2"),
        ("until", "column `until`, row 0: -1"),
        ("valid-until", "`valid-until`: -1"),
        ("after-itself", "column `after`, row 0 (case 0): 0 is the case itself"),
        ("after-nowhere", "column `after`, row 0 (case 0): 7"),
        ("short", "column `effect` has 6 rows"),
        ("short-optional", "column `tier` has 6 rows"),
    ] {
        let found = fault(&module, form).to_string();
        let expected = format!("the rule's answer is malformed: {expected}");
        assert!(found.starts_with(&expected), "{form}: {found}");
    }
}

/// What an author sees of a panic: place, case and message, even of a stripped module.
#[test]
fn v03_a_panic_reaches_its_author() {
    let module = load("panic");
    let built = module.built().map(|built| (built.contract.as_str(), built.facts["name"].as_str()));
    assert_eq!(built, Some(("trueup:rules@1.0.0", "panic")));
    let cases = estate(&[("ada", 5), ("poison", 7)]);
    let judging = Judging { as_of: Time::from_seconds(1), settings: &Settings::default(), explain: false };
    assert!(module.judge(&judging, &cases, &cases.batches[0]).result.is_ok());
    let found = module.judge(&judging, &cases, &cases.batches[1]).result;
    let Err(Fault::Trap { message, case: Some(2) }) = found else { panic!("{found:?}") };
    let place = message.strip_prefix("panic at tests/guests/panic/main.rs:17:5 while judging case 2: ");
    assert_eq!(place, Some("no rule for `repo:2`\\nhelp: write one"), "{message}");
}

/// Wall time is the operator's: it interrupts, says so, and is no verdict.
#[test]
fn v03_the_backstop_interrupts_one_call_alone() {
    let limits = RuleLimits { wall_seconds: 1, fuel_base: u64::MAX / 2, ..RuleLimits::default() };
    check("endless-loop", "", &limits, "judging was interrupted after 1 s of wall time");
}

/// A module may do without what it does not get.
#[test]
fn memory_that_is_refused_is_not_yet_a_fault() {
    let module = load("memory-bomb").with_limits(&RuleLimits { memory_bytes: 16 << 20, ..RuleLimits::default() });
    assert!(judge(&module, "modest", "poison").iter().all(|verdict| verdict.result.is_ok()));
}

#[test]
fn a_log_keeps_its_tail_and_shows_no_escapes() {
    let verdicts = judge(&load("log-flood"), "some", "poison");
    let log = &verdicts[1].log;
    assert_eq!(log.len(), 201);
    assert_eq!(log[0], (1, "100 earlier lines are left out".to_owned()));
    assert_eq!(log[200], (2, "line 299\\n\\u{1b}[2Jgone".to_owned()));
}

#[test]
fn a_refusal_names_a_case_only_when_there_is_one() {
    for (count, expected) in [(3, Some(1)), (1, None)] {
        let cases = estate(&[("poison", count)]);
        let module = load("refuse");
        let settings = module.check_settings(&[].into()).expect("settings");
        let judging = Judging { as_of: Time::NONE, settings: &settings, explain: false };
        let verdict = module.judge(&judging, &cases, &cases.batches[0]);
        assert!(matches!(verdict.result, Err(Fault::Rule { case, .. }) if case == expected), "{verdict:?}");
    }
}

#[test]
fn an_identity_that_is_too_large_is_never_judged() {
    let mut cases = estate(&[("ada", 3)]);
    cases.batches[0].too_large = true;
    let module = load("trap");
    let settings = module.check_settings(&[].into()).expect("settings");
    let judging = Judging { as_of: Time::NONE, settings: &settings, explain: false };
    let verdict = module.judge(&judging, &cases, &cases.batches[0]);
    assert_eq!((verdict.result, verdict.fuel), (Err(Fault::IdentityTooLarge { cases: 3, allowed: 65_536 }), 0));
}

#[test]
fn canon_is_checked() {
    let module = load("bad-canon");
    let canon = |keys: &[&str]| module.canon(KeyKind::Holder, keys).map_err(|fault| fault.to_string());
    assert_eq!(canon(&["Ada", "", "ÉCOLE"]), Ok(vec!["ada".to_owned(), String::new(), "école".to_owned()]));
    let many: Vec<String> = (0..10_000).map(|n| format!("Key{n}")).collect();
    let keys: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(canon(&keys).map(|answers| (answers.len(), answers[9_999].clone())), Ok((10_000, "key9999".to_owned())));
    for (key, expected) in [
        ("short", "canon gave 1 answers for 2 keys"),
        ("empty", "canon of `empty` is empty; it must have 1 to 4096 bytes"),
        ("long", "canon of `long` is 5000 bytes long; it must have 1 to 4096 bytes"),
        ("grow", "canon of `grow!`, itself an answer of canon, is `grow!!`"),
    ] {
        assert_eq!(canon(&["Ada", key]), Err(format!("the rule's answer is malformed: {expected}")), "{key}");
    }
    assert_eq!(load("trap").canon(KeyKind::Object, &["Ada", "empty"]), Ok(vec!["Ada".to_owned(), "empty".to_owned()]));
}
