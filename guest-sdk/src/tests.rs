//! The SDK as an author uses it: rules written with the attribute, called
//! natively.

use std::borrow::Cow;
use std::path::Path;

use trueup_cases::{CaseFile, parse_instant};

use crate::prelude::*;
use crate::{NativeRule, testing, wire};

/// A rule over single cases that uses most of what there is.
mod cases_form {
    use super::*;

    #[derive(Settings)]
    pub(super) struct Settings {
        /// Days after which unused access goes.
        #[setting(default = 30, min = 1, max = 1000)]
        unused_days: i64,
        /// Left alone.
        #[setting(default = ["cron", "backup"])]
        spared: Vec<String>,
        #[setting(flatten)]
        more: More,
    }

    #[derive(Settings)]
    pub(super) struct More {
        /// A note.
        #[setting(default = "none", name = "a-note")]
        note: String,
        /// Whether to be strict.
        strict: bool,
    }

    #[derive(Reasons, Clone, Copy, Debug, PartialEq)]
    pub(super) enum Why {
        /// Nobody has used it
        /// for too long.
        NotUsed,
        #[reasons(nested)]
        Other(Nested),
        /// The last one.
        #[expect(dead_code, reason = "only its place in the table matters")]
        Last,
    }

    #[derive(Reasons, Clone, Copy, Debug, PartialEq)]
    pub(super) enum Nested {
        /// The first nested one.
        First,
        /// The second nested one.
        Second,
    }

    #[rule(name = "by-case", version = "1.2.3", columns(last_used, "risk"), canon = lower)]
    pub(super) fn rule(case: Case<'_>, cx: &Context<Settings>) -> Result<Option<Verdict<Why>>, Fault> {
        let settings = cx.settings;
        if settings.spared.iter().any(|name| name == case.holder()) {
            return Ok(None);
        }
        if case.vendor_integer("risk") == Some(13) {
            return Err(Fault::new("risk", format!("13 is not a risk of {}", settings.more.note)));
        }
        if settings.more.strict && cx.older_than(case.last_used(), Days(settings.unused_days)) {
            return Ok(Some(Verdict::absent(Why::NotUsed).tier(2)));
        }
        let other = Verdict::keep(if case.is_account() { Nested::First } else { Nested::Second });
        Ok(Some(other.lift()))
    }

    fn lower(kind: Key, key: &str) -> Cow<'_, str> {
        match kind {
            Key::Holder => Cow::Owned(key.to_ascii_lowercase()),
            _ => Cow::Borrowed(key),
        }
    }
}

/// A rule over whole identities that answers from the last case to the first.
mod identities_form {
    use super::*;

    #[derive(Reasons, Clone, Copy)]
    pub(super) enum Why {
        /// It has company.
        Company,
    }

    #[rule(columns(level, ..cases_form::RULE))]
    pub(super) fn company(identity: Identity<'_>, _cx: &Context, answers: &mut Answers<Why>) {
        let first = identity.cases().next();
        for case in identity.cases().rev() {
            let verdict = Verdict::present(Why::Company).rank(-5).exclusive();
            match first {
                Some(first) if first.index() != case.index() => answers.give(case, verdict.after(first)),
                _ => answers.give(case, Verdict::hold(Why::Company).until(identity.ends_at())),
            }
        }
        if identity.name() == "twice" {
            answers.give(identity.cases().next().unwrap(), Verdict::keep(Why::Company));
        }
    }
}

/// A rule that reads a column without asking for it.
mod forgetful {
    use super::*;

    #[derive(Reasons, Clone, Copy)]
    pub(super) enum Why {
        /// It is used.
        Used,
    }

    #[rule(columns(owner))]
    pub(super) fn forgetful(case: Case<'_>, _cx: &Context) -> Option<Verdict<Why>> {
        case.owner()?;
        case.last_used().map(|_| Verdict::keep(Why::Used))
    }
}

/// For tests that need some rule.
pub(crate) const ANY_RULE: NativeRule = cases_form::RULE;

fn file(identities: &str) -> CaseFile {
    let text = format!(r#"{{ "about": "", "as_of": "2026-03-01", "identities": [{identities}] }}"#);
    CaseFile::parse(Path::new("x.json"), &text).unwrap()
}

fn batch(rule: &NativeRule, identities: &str) -> wire::Batch {
    let mut columns = file(identities).columns;
    columns.keep_only(&rule.describe().columns);
    testing::batch_of(columns)
}

fn context(settings: &[(&str, wire::SettingValue)]) -> wire::Context {
    let setting = |(name, value): &(&str, wire::SettingValue)| wire::Setting { name: name.to_string(), value: value.clone() };
    wire::Context { as_of: seconds("2026-03-01"), settings: settings.iter().map(setting).collect(), flags: 0 }
}

fn strict() -> wire::Context {
    context(&[("strict", wire::SettingValue::Boolean(true))])
}

fn seconds(text: &str) -> i64 {
    parse_instant(text).unwrap()
}

const ADA: &str = r#"{ "identity": "ada", "ends_at": "2026-06-01", "cases": [
    { "account": { "target": "git" }, "observed": { "state": "present", "last_used": "2026-02-20" }, "vendor": { "risk": 1 } },
    { "grant": { "target": "git", "holder": "backup", "object": "repo:x" } },
    { "grant": { "target": "git", "object": "repo:y" }, "observed": { "state": "present", "last_used": "2026-01-20" } }
] }"#;

#[test]
fn a_rule_describes_itself() {
    let info = cases_form::RULE.describe();
    assert_eq!((info.name.as_str(), info.version.as_str(), info.canonical), ("by-case", "1.2.3", true));
    assert_eq!(info.columns, ["last-used", "risk"]);
    let reasons: Vec<_> = info.reasons.iter().map(|r| (r.code.as_str(), r.text.as_str())).collect();
    assert_eq!(
        reasons,
        [
            ("not-used", "Nobody has used it for too long."),
            ("first", "The first nested one."),
            ("second", "The second nested one."),
            ("last", "The last one."),
        ]
    );
    let settings: Vec<_> = info.settings.into_iter().map(|s| (s.name, s.kind, s.help, s.default)).collect();
    let texts = vec!["cron".to_string(), "backup".to_string()];
    use wire::{SettingKind as Kind, SettingValue as Value};
    assert_eq!(
        settings,
        [
            ("unused-days".into(), Kind::Integer, "Days after which unused access goes.".into(), Some(Value::Integer(30))),
            ("spared".into(), Kind::Texts, "Left alone.".into(), Some(Value::Texts(texts))),
            ("a-note".into(), Kind::Text, "A note.".into(), Some(Value::Text("none".into()))),
            ("strict".into(), Kind::Boolean, "Whether to be strict.".into(), None),
        ]
    );
    let info = identities_form::RULE.describe();
    assert_eq!((info.name.as_str(), info.version.as_str(), info.canonical), ("company", env!("CARGO_PKG_VERSION"), false));
    assert_eq!(info.columns, ["level", "last-used", "risk"]);
}

#[test]
fn a_rule_over_cases_answers_in_columns() {
    let rule = cases_form::RULE;
    let verdicts = rule.judge(&strict(), &batch(&rule, ADA)).unwrap();
    assert_eq!(verdicts.case, [0, 2]);
    assert_eq!(verdicts.effect, [0, 2]);
    assert_eq!(verdicts.reason, [1, 0]);
    assert_eq!(verdicts.tier, [0, 2]);
    // Columns that hold nothing but the default stay empty.
    assert!(verdicts.mask.is_empty() && verdicts.rank.is_empty() && verdicts.after.is_empty());
    // The account's last use turns thirty days old then.
    assert_eq!(verdicts.valid_until, seconds("2026-03-22"));
}

#[test]
fn a_rule_over_identities_answers_in_any_order() {
    let rule = identities_form::RULE;
    let verdicts = rule.judge(&context(&[]), &batch(&rule, ADA)).unwrap();
    assert_eq!(verdicts.case, [0, 1, 2]);
    assert_eq!(verdicts.effect, [6, 1, 1]);
    assert_eq!(verdicts.after, [u32::MAX, 0, 0]);
    assert_eq!(verdicts.rank, [0, -5, -5]);
    assert_eq!(verdicts.flags, [0, 1, 1]);
    assert_eq!(verdicts.until, [seconds("2026-06-01"), 0, 0]);
    assert_eq!(verdicts.valid_until, seconds("9999-12-31T23:59:59Z"));
}

#[test]
fn faults_name_what_is_wrong() {
    use wire::SettingValue::{Boolean, Integer, Text};
    let by_case = cases_form::RULE;
    let check =
        |rule: &NativeRule, context: &wire::Context, batch: &wire::Batch, code: &str, message: &str, case: Option<u32>| {
            let error = rule.judge(context, batch).unwrap_err();
            assert_eq!((error.code.as_str(), error.case), (code, case), "{error:?}");
            assert!(error.message.starts_with(message), "{} was to begin with {message}", error.message);
        };
    let ada = batch(&by_case, ADA);
    let settings: [(&[(&str, wire::SettingValue)], &str); 5] = [
        (&[], "the setting `strict` has no default and must be set"),
        (&[("strict", Integer(1))], "the setting `strict` must be true or false"),
        (&[("strict", Boolean(true)), ("unused-days", Integer(0))], "the setting `unused-days` must be at least 1, not `0`"),
        (&[("strict", Boolean(true)), ("unused-days", Integer(1001))], "the setting `unused-days` must be at most 1000"),
        (&[("stirct", Text("x".into()))], "there is no setting `stirct`; this rule has `unused-days`, `spared`, "),
    ];
    for (given, message) in settings {
        check(&by_case, &context(given), &ada, "settings", message, None);
    }
    check(
        &identities_form::RULE,
        &context(&[("x", Integer(1))]),
        &ada,
        "settings",
        "there is no setting `x`; this rule has none",
        None,
    );

    check(
        &by_case,
        &strict(),
        &batch(&by_case, &ADA.replace(r#""risk": 1 "#, r#""risk": 13 "#)),
        "risk",
        "13 is not a risk of none",
        Some(0),
    );
    let text_risk = batch(&by_case, &ADA.replace(r#""risk": 1 "#, r#""risk": "high" "#));
    check(&by_case, &strict(), &text_risk, "columns", "the rule reads a whole number from the column `risk`", None);
    let no_risk = batch(&by_case, &ADA.replace(r#", "vendor": { "risk": 1 }"#, ""));
    check(&by_case, &strict(), &no_risk, "columns", "the rule reads the column `risk` without asking for it", None);
    let owned = ADA.replace(r#""state": "present""#, r#""state": "present", "owner": "x""#);
    check(
        &forgetful::RULE,
        &context(&[]),
        &batch(&forgetful::RULE, &owned),
        "columns",
        "the rule reads the column `last-used` without asking for it",
        None,
    );
    let twice = batch(&by_case, &ADA.replace("\"ada\"", "\"twice\""));
    check(&identities_form::RULE, &context(&[]), &twice, "answers", "the rule answers this case twice", Some(0));

    let short = wire::Batch { holder: vec![], ..ada.clone() };
    check(&by_case, &strict(), &short, "data", "the column `holder` has 0 rows, not 3", None);
    let short = wire::Batch { last_used: vec![0; 2], ..ada.clone() };
    check(&by_case, &strict(), &short, "data", "the column `last-used` has 2 rows, not 3", None);
    let beyond = wire::Batch { identity_ends: vec![4], ..ada };
    check(&by_case, &strict(), &beyond, "data", "the column `identity-ends` does not divide the cases", None);
}

#[test]
fn columns_with_impossible_values_do_not_panic() {
    let rule = cases_form::RULE;
    let good = batch(&rule, ADA);
    let broken = [
        wire::Batch { text_ends: vec![], ..good.clone() },
        wire::Batch { text_ends: vec![0, 900, 1, u32::MAX, 3, 5, 6, 7], ..good.clone() },
        wire::Batch { heap: "é".repeat(30), ..good.clone() },
        wire::Batch { target: vec![u32::MAX; 3], holder: vec![77; 3], ..good.clone() },
        wire::Batch { desired: vec![255; 3], unknown_why: vec![255; 3], subject: vec![9; 3], ..good.clone() },
        wire::Batch { last_used: vec![i64::MIN, i64::MAX, 1], ..good.clone() },
    ];
    for batch in broken {
        assert!(rule.judge(&strict(), &batch).is_ok());
    }
    let extreme = wire::Context { as_of: i64::MIN, ..strict() };
    assert!(rule.judge(&extreme, &good).is_ok());
}

#[test]
fn keys_are_compared_in_their_canonical_form() {
    let keys = ["Ada".to_string(), "BOB".to_string()];
    assert_eq!(cases_form::RULE.canon(0, &keys), ["ada", "bob"]);
    assert_eq!(cases_form::RULE.canon(1, &keys), keys);
    assert_eq!(identities_form::RULE.canon(0, &keys), keys);
}

#[test]
fn comparisons_remember_when_they_change() {
    let day = |days: i64| Time::from_seconds(1_000_000 + days * 86_400);
    type Ask = fn(&Context<'_>, Time) -> bool;
    let check = |ask: Ask, at: i64, answer: bool, until: Option<Time>| {
        let clock = Context::<()>::clock();
        let forever = clock.get();
        let cx = Context::new(&(), day(0).seconds(), 0, &clock);
        assert_eq!((ask(&cx, day(at)), clock.get()), (answer, until.map_or(forever, Time::seconds)), "day {at}");
    };
    let past: Ask = |cx, t| cx.is_past(t);
    check(past, -1, true, None);
    check(past, 0, true, None);
    check(past, 5, false, Some(day(5)));
    let future: Ask = |cx, t| cx.is_future(t);
    check(future, 0, false, None);
    check(future, 5, true, Some(day(5)));
    let older: Ask = |cx, t| cx.older_than(t, Days(30));
    check(older, -30, true, None);
    check(older, -29, false, Some(day(1)));
    let within: Ask = |cx, t| cx.within(t, Days(7));
    check(within, 0, false, None);
    check(within, 7, true, Some(day(7)));
    check(within, 8, false, Some(day(1)));
    let earliest: Ask = |cx, t| cx.is_past(t) | cx.is_past(t - Days(1)) | cx.is_past(t + Hours(1)) | cx.is_past(None);
    check(earliest, 5, false, Some(day(4)));
    let raw: Ask = |cx, t| cx.as_of() < t && cx.is_future(t);
    check(raw, 5, true, Some(Time::from_seconds(0)));
}

#[test]
fn a_guard_only_lowers() {
    let order = [Verdict::keep(1), Verdict::present(1), Verdict::disabled(1), Verdict::hold(1), Verdict::absent(1)];
    for verdict in order {
        let held = verdict.guarded(Some(Guard::Hold(2)));
        let lowered = !matches!(verdict.effect(), Effect::Hold | Effect::Absent);
        assert_eq!(held, if lowered { Verdict::hold(2) } else { verdict });
        let removed = verdict.guarded(Some(Guard::Absent(2)));
        assert_eq!(removed, if verdict.effect() == Effect::Absent { verdict } else { Verdict::absent(2) });
        assert_eq!(verdict.guarded(None), verdict);
    }
}

/// A rule that breaks one law after another, as its setting says.
mod lawless {
    use super::*;

    #[derive(Settings)]
    pub(super) struct Settings {
        /// Which law to break.
        #[setting(default = "none")]
        law: String,
    }

    #[derive(Reasons, Clone, Copy, Debug, PartialEq)]
    pub(super) enum Why {
        /// Because.
        Because,
    }

    #[rule(columns(last_used))]
    pub(super) fn lawless(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
        let broken = match cx.settings.law.as_str() {
            "desired" => return Some(Verdict::present(Why::Because)),
            "unknown" => return case.observed().exists().then(|| Verdict::absent(Why::Because)).filter(|_| case.is_changeable()),
            "changeable" => return (!case.is_unknown() && case.observed().exists()).then(|| Verdict::absent(Why::Because)),
            "order" => case.identity().cases().next().is_some_and(|first| first.index() == case.index()),
            "valid-until" => case.last_used().is_some_and(|used| used.seconds() < cx.hidden_as_of()),
            _ => true,
        };
        broken.then(|| Verdict::keep(Why::Because))
    }
}

#[test]
fn laws_find_what_breaks_them() {
    use testing::{Law, Laws};
    let caught = |law: &str, without: Option<Law>| {
        let laws = Laws::of(&lawless::RULE).setting("law", &format!("{law:?}"));
        let laws = without.into_iter().fold(laws, Laws::without);
        let caught = std::panic::catch_unwind(|| laws.check());
        caught.err().map(|broken| *broken.downcast::<String>().unwrap())
    };
    assert_eq!(caught("none", None), None);
    for (name, law, message) in [
        ("desired", Law::Desired, "the answer is `present`, though no source wants it"),
        ("unknown", Law::Unknown, "the answer is `absent`, though nobody knows"),
        ("changeable", Law::Changeable, "the answer is `absent`, though no plan may take it away"),
        ("order", Law::Order, "the answers depend on the order of the cases"),
        ("valid-until", Law::ValidUntil, "the answers hold until 9999-12-31T23:59:59Z, and yet they are others at"),
    ] {
        let broken = caught(name, None).unwrap_or_else(|| panic!("{name} was not found"));
        assert!(broken.contains(message) && broken.contains("TRUEUP_SEED="), "{name}: {broken}");
        if law != Law::Desired {
            assert_eq!(caught(name, Some(law)), None, "{name}");
        }
    }
}

#[test]
fn a_seed_draws_the_same_identity_again() {
    use testing::arbitrary::Estate;
    let estate = Estate::of(&cases_form::RULE).vendor("risk", &["1", "2"]).setting("strict", "true");
    let texts: Vec<String> = (0..50).map(|seed| estate.draw(seed).text()).collect();
    assert_eq!(texts, (0..50).map(|seed| estate.draw(seed).text()).collect::<Vec<_>>());
    assert!(texts.iter().zip(texts.iter().skip(1)).all(|(one, other)| one != other));
    assert!(texts.iter().any(|text| text.contains("cron") && text.contains("\"risk\": 2")));
}
