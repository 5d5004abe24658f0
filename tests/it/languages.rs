//! The contract is not Rust's alone: a rule in C, compiled by a toolchain that knows nothing of trueup, answers as its twin does.

use std::fs;
use std::process::Command;

use trueup::rule::{Module, RuleEngine, RuleLimits};
use trueup_cases::SettingValue;
use trueup_guest::prelude::*;
use trueup_tests::cli;
use trueup_tests::estate::Numbers;

use super::rules;

/// Batches of 250 identities that both judge.
const BATCHES: u64 = 40;

#[derive(Settings, Clone, Debug)]
struct Dormancy {
    /// Days after which unused privileged access goes.
    #[setting(default = 90, min = 1)]
    unused_days: i64,
}

#[derive(Reasons, Clone, Copy, Debug, PartialEq)]
enum Why {
    /// It is kept for emergencies, used or not.
    BreakGlass,
    /// Nobody knows whether it is there, or whether it shall be.
    Unknown,
    /// Nobody has used it for too long.
    Unused,
    /// The target never saw it used.
    NeverUsed,
    /// It is in use.
    InUse,
}

#[rule(name = "dormant-admins", columns(last_used))]
fn dormant_admins(case: Case<'_>, cx: &Context<Dormancy>) -> Option<Verdict<Why>> {
    if !case.is_privileged() || case.is_account() {
        return None;
    }
    Some(match case.observed() {
        _ if case.is_break_glass() => Verdict::keep(Why::BreakGlass),
        Side::Unknown(_) => Verdict::hold(Why::Unknown),
        _ if case.desired().is_unknown() => Verdict::hold(Why::Unknown),
        Side::Absent => return None,
        _ if case.last_used().is_none() => Verdict::hold(Why::NeverUsed),
        _ if cx.older_than(case.last_used(), Days(cx.settings.unused_days)) => Verdict::absent(Why::Unused),
        _ => Verdict::keep(Why::InUse),
    })
}

/// Needs what `make languages` makes.
#[test]
#[ignore = "run by `make languages`, which fetches a C compiler"]
fn a_rule_in_c_answers_as_its_twin_in_rust() {
    let bytes = fs::read(cli::root().join("target/languages/dormant_admins.wasm")).expect("`make languages` builds it");
    let module = Module::load(&RuleEngine::new(&RuleLimits::default()).expect("engine"), &bytes).expect("module");
    let facts = module.facts().clone();
    assert_eq!((facts.name.as_str(), facts.version.as_str()), ("dormant-admins", "0.1.0"));
    let own = RULE.describe();
    let codes = |reasons: Vec<(String, String)>| reasons;
    assert_eq!(
        codes(facts.reasons.iter().map(|reason| (reason.code.clone(), reason.text.clone())).collect()),
        codes(own.reasons.into_iter().map(|reason| (reason.code, reason.text)).collect())
    );
    let defaults = module.check_settings(&Default::default()).expect("the vendor may set nothing");
    assert_eq!(format!("{defaults:?}").matches("90").count(), 1);
    let mut judge = trueup::author::ComponentJudge::new(module.into());
    let mut numbers = Numbers(0xc0de);
    let (mut rows, mut given) = (0, std::collections::BTreeSet::new());
    for round in 0..BATCHES {
        let mut columns = rules::batch(&mut numbers);
        columns.keep_only(&own.columns);
        let days = [90, 1, 365][round as usize % 3];
        let settings = [("unused-days".to_owned(), SettingValue::Integer(days))].into_iter().collect();
        let context = trueup_cases::Context { as_of: rules::AS_OF, settings, flags: 0 };
        let theirs = trueup_cases::Judge::judge(&mut judge, &context, &columns);
        let ours = rules::native(&RULE, &context, columns);
        assert_eq!(theirs, ours, "batch {round}");
        let ours = ours.expect("verdicts");
        rows += ours.case.len();
        given.extend(ours.reason);
    }
    println!("{rows} answers in {BATCHES} batches, {} bytes of component", bytes.len());
    assert!(rows > 1_000 && given.len() == 5, "{rows} answers, reasons {given:?}");
}

#[test]
fn wrapping_says_what_a_module_lacks() {
    let folder = tempfile::tempdir().expect("folder");
    let (module, out) = (folder.path().join("core.wasm"), folder.path().join("rule.wasm"));
    let wrap = || {
        let mut command = Command::new(cli::binary().expect("trueup"));
        command.args(["rule", "wrap"]).arg(&module).arg("--out").arg(&out);
        let output = command.output().expect("trueup");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (bytes, expected) in [(&b"\0asm\x01\0\0\0"[..], "[TR0324]"), (b"text", "[TR0321]")] {
        fs::write(&module, bytes).expect("file");
        let (code, text) = wrap();
        assert!(code != Some(0) && text.contains(expected), "{code:?}: {text}");
        assert!(!out.exists());
    }
}
