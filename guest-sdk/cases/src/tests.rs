//! The format read, rendered, run and blessed.

use std::path::Path;

use crate::{
    CaseFile, Columns, Context, Expect, Judge, Mode, RuleError, RuleInfo, SettingValue, VendorValues, Verdicts, parse_instant,
    render_instant, run,
};

const FILE: &str = r#"{
  "about": "Two identities, three cases.",
  "as_of": "2026-03-01",
  "settings": { "days": 30, "strict": true, "names": ["a", "b"] },
  "identities": [
    {
      "identity": "ada",
      "owner": "grace",
      "cases": [
        {
          "account": { "target": "git" },
          "desired": "present"
        },
        { "grant": { "target": "git", "holder": "ada-lovelace", "object": "repo:payments" },
          "desired": { "state": "present", "level": "write", "expires_at": "2026-04-01", "record": "hr:1" },
          "observed": { "state": "disabled", "level": "admin", "last_used": "2026-02-01T10:00:00Z" },
          "traits": ["privileged", "additive"],
          "vendor": { "risk": 7 },
          "tier": 2,
          "expect": { "effect": "true-up", "reason": "b", "attributes": ["level"], "after": "git/ada" } }
      ]
    },
    {
      "identity": "builder",
      "kind": "machine",
      "cases": [
        { "credential": { "target": "git", "object": "key:deploy" }, "observed": "unknown: disputed", "expect": "no opinion" }
      ]
    }
  ]
}
"#;

fn read() -> CaseFile {
    CaseFile::parse(Path::new("cases/x.json"), FILE).unwrap()
}

fn text(columns: &Columns, id: u32) -> &str {
    let end = columns.text_ends[id as usize] as usize;
    let start = id.checked_sub(1).map_or(0, |before| columns.text_ends[before as usize] as usize);
    &columns.heap[start..end]
}

#[test]
fn a_file_becomes_columns() {
    let file = read();
    let c = &file.columns;
    assert_eq!(file.context.as_of, 1_772_323_200);
    assert_eq!(
        file.context.settings,
        [
            ("days".to_string(), SettingValue::Integer(30)),
            ("names".to_string(), SettingValue::Texts(vec!["a".into(), "b".into()])),
            ("strict".to_string(), SettingValue::Boolean(true)),
        ]
    );
    assert_eq!(c.identity_ends, [2, 3]);
    assert_eq!(c.identity_kind, [1, 2]);
    assert_eq!(text(c, c.identity_owner[0]), "grace");
    assert_eq!(c.subject, [0, 1, 2]);
    assert_eq!(text(c, c.holder[0]), "ada");
    assert_eq!(text(c, c.holder[1]), "ada-lovelace");
    assert_eq!(text(c, c.object[1]), "repo:payments");
    assert_eq!(c.desired, [1, 1, 0]);
    assert_eq!(c.observed, [0, 2, 3]);
    assert_eq!(c.unknown_why, [0, 0, 4 << 4]);
    // Enabled, level and expiry; the purpose is stated nowhere.
    assert_eq!(c.differs, [0, 0b111, 0]);
    assert_eq!(c.traits, [0, 1 << 4 | 1 << 6, 0]);
    assert_eq!(text(c, c.record[0]), "record-1");
    assert_eq!(text(c, c.record[1]), "hr:1");
    assert_eq!(c.last_used[1], parse_instant("2026-02-01T10:00:00Z").unwrap());
    assert_eq!(c.vendor[0].values, VendorValues::Integers(vec![0, 7, 0]));
    assert_eq!(file.cases[1].label, "git/ada-lovelace/repo:payments");
    assert_eq!(file.cases[1].line, 14);
    assert_eq!(file.cases[2].expect, Some(Expect::NoOpinion));
}

#[test]
fn columns_that_nobody_asked_for_are_empty() {
    let mut columns = read().columns;
    columns.keep_only(&["level".to_string()]);
    assert_eq!(columns.desired_level.len(), 3);
    assert!(columns.last_used.is_empty() && columns.identity_owner.is_empty() && columns.vendor.is_empty());
    assert_eq!(columns.target.len(), 3);
}

#[test]
fn mistakes_name_line_and_field() {
    let cases = [
        (r#""as_of": "2026-03-01""#, r#""as_of": "yesterday""#, "cases/x.json:3: in `as_of`: `yesterday` is not an instant"),
        (r#""desired": "present""#, r#""desired": "there""#, "cases/x.json:12: in `desired`: `there` is not a state"),
        (r#""desired": "present""#, r#""desires": "present""#, "cases/x.json:12: unknown field `desires`"),
        ("\"level\": \"write\"", "\"levels\": \"write\"", "cases/x.json:15: unknown field `levels`"),
        (r#""effect": "true-up""#, r#""effect": "grant""#, "cases/x.json:20: in `effect`: `grant` is not an effect"),
        (r#""account": { "target": "git" }"#, r#""traits": []"#, "cases/x.json:10: say what the case is about"),
        (r#""object": "key:deploy""#, r#""holder": "x""#, "cases/x.json:27: say which one with `object`"),
        (r#""owner": "grace","#, r#""owner": "grace""#, "cases/x.json:9: expected `,` or `}`"),
    ];
    for (right, wrong, message) in cases {
        let error = CaseFile::parse(Path::new("cases/x.json"), &FILE.replace(right, wrong)).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}\nwas to begin with {message}");
    }
}

#[test]
fn instants_are_read_and_written() {
    for text in ["1970-01-01", "2000-02-29", "2026-03-01T09:30:07Z", "1969-12-31T23:59:59Z", "9999-12-31", "2100-02-28"] {
        assert_eq!(render_instant(parse_instant(text).unwrap()), text);
    }
    assert_eq!(parse_instant("2026-03-01T00:00:00Z"), Some(1_772_323_200));
    for text in [
        "",
        "2026-02-29",
        "2100-02-29",
        "2026-13-01",
        "2026-00-01",
        "2026-3-1",
        "2026-03-01T24:00:00Z",
        "2026-03-01T00:00:00",
        "+026-03-01",
    ] {
        assert_eq!(parse_instant(text), None, "{text}");
    }
}

/// Answers the second case only.
struct Fixed;

impl Judge for Fixed {
    fn describe(&mut self) -> Result<RuleInfo, RuleError> {
        Ok(RuleInfo { name: "fixed".into(), version: "1".into(), columns: vec![], reasons: vec!["a".into(), "b".into()] })
    }

    fn judge(&mut self, _: &Context, _: &Columns) -> Result<Verdicts, RuleError> {
        Ok(Verdicts {
            case: vec![1],
            effect: vec![4],
            reason: vec![1],
            mask: vec![0b110],
            after: vec![0],
            until: vec![1_772_323_200],
            ..Verdicts::default()
        })
    }
}

#[test]
fn blessing_writes_only_expectations() {
    let folder = std::env::temp_dir().join(format!("trueup-cases-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("x.json"), FILE).unwrap();

    let report = run(&mut Fixed, std::slice::from_ref(&folder), Mode::Check).unwrap();
    assert_eq!((report.files, report.passed), (1, 1));
    assert_eq!(report.unhit, ["a"]);
    assert_eq!(report.failures.len(), 2);
    assert!(
        report.failures[0].text.contains("x.json:10: ada, git/ada: Two identities, three cases.\n    expected nothing yet\n")
    );
    assert!(
        report.failures[1]
            .text
            .contains(r#"got      { "effect": "true-up", "reason": "b", "attributes": ["level", "expires-at"], "#)
    );

    let report = run(&mut Fixed, std::slice::from_ref(&folder), Mode::Bless).unwrap();
    assert_eq!(report.blessed.len(), 1);
    let blessed = std::fs::read_to_string(folder.join("x.json")).unwrap();
    let expected = FILE
        .replace("\"desired\": \"present\"\n", "\"desired\": \"present\",\n          \"expect\": \"no opinion\"\n")
        .replace(r#"["level"], "after": "git/ada" }"#, r#"["level", "expires-at"], "after": "git/ada", "until": "2026-03-01" }"#);
    assert_eq!(blessed, expected);
    assert!(run(&mut Fixed, std::slice::from_ref(&folder), Mode::Check).unwrap().failures.is_empty());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn answers_that_break_the_contract_are_failures() {
    let info = RuleInfo { name: "x".into(), version: "1".into(), columns: vec![], reasons: vec!["a".into()] };
    let good = Verdicts { case: vec![0, 2], effect: vec![0, 0], reason: vec![0, 0], ..Verdicts::default() };
    assert!(Expect::of(&good, &info, &read().cases).is_ok());
    let broken = [
        Verdicts { case: vec![2, 0], ..good.clone() },
        Verdicts { case: vec![0, 3], ..good.clone() },
        Verdicts { case: vec![0, 0], ..good.clone() },
        Verdicts { effect: vec![0], ..good.clone() },
        Verdicts { reason: vec![0, 1], ..good.clone() },
        Verdicts { tier: vec![1], ..good.clone() },
        Verdicts { after: vec![0, 3], ..good.clone() },
    ];
    for verdicts in broken {
        assert!(Expect::of(&verdicts, &info, &read().cases).is_err(), "{verdicts:?}");
    }
}

const TOML: &str = r#"about = "Two rows, and a heading."
as_of = 2026-03-01
settings = { days = 30 }
[[identities]]
identity = "ada"

[[identities.cases]]
grant = { target = "git", object = "repo:x" }
desired = "present"
expect = { effect = "keep", reason = "a" }

[[identities.cases]]
desired = { state = "present", expires_at = 2026-04-01T10:00:00Z }
[identities.cases.grant]
target = "git"
object = "repo:y"
"#;

const TABLE: &str = r#"about = "Rows."
as_of = "2026-03-01"
defaults = { grant = { target = "git", object = "repo:x" } }
table = [
  { name = "one", desired = "present", expect = "no opinion" },
  { name = "two", identity = "ben", account = { target = "git" }, observed = "disabled" },
]
"#;

#[test]
fn toml_says_the_same_with_its_own_lines() {
    let file = CaseFile::parse(Path::new("x.toml"), TOML).unwrap();
    assert_eq!(file.context.as_of, parse_instant("2026-03-01").unwrap());
    let lines: Vec<_> = file.cases.iter().map(|case| (case.line, case.label.as_str())).collect();
    assert_eq!(lines, [(7, "git/ada/repo:x"), (12, "git/ada/repo:y")]);
    assert_eq!(file.columns.desired_expires_at, [0, parse_instant("2026-04-01T10:00:00Z").unwrap()]);
    let answers = vec![Expect::NoOpinion; 2];
    let blessed = crate::bless::bless(&file, &answers);
    let expected = TOML
        .replace("expect = { effect = \"keep\", reason = \"a\" }", "expect = \"no opinion\"")
        .replace("[[identities.cases]]\ndesired", "[[identities.cases]]\nexpect = \"no opinion\"\ndesired");
    assert_eq!(blessed, expected);
    for (right, wrong, message) in [
        ("\"present\"\nexpect", "\"there\"\nexpect", "x.toml:9: in `desired`: `there` is not a state"),
        ("desired = {", "desires = {", "x.toml:13: unknown field `desires`"),
        ("settings = {", "settings = [", "x.toml:3: "),
    ] {
        let error = CaseFile::parse(Path::new("x.toml"), &TOML.replace(right, wrong)).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}\nwas to begin with {message}");
    }
}

#[test]
fn a_row_of_a_table_is_an_identity_of_its_own() {
    let file = CaseFile::parse(Path::new("x.toml"), TABLE).unwrap();
    let rows: Vec<_> = file.cases.iter().map(|c| (c.line, c.name.as_deref(), c.identity.as_str(), c.label.as_str())).collect();
    assert_eq!(rows, [(5, Some("one"), "somebody", "git/somebody/repo:x"), (6, Some("two"), "ben", "git/ben")]);
    assert_eq!(file.columns.identity_ends, [1, 2]);
    assert!(file.is_table);
    let blessed = crate::bless::bless(&file, &[Expect::NoOpinion, Expect::NoOpinion]);
    assert_eq!(blessed, TABLE.replace("\"disabled\" }", "\"disabled\", expect = \"no opinion\" }"));
    let wrong = TABLE.replace("observed =", "observes =");
    let error = CaseFile::parse(Path::new("x.toml"), &wrong).unwrap_err().to_string();
    assert!(error.starts_with("x.toml:6: unknown field `observes`"), "{error}");
}

/// Answers every case, unless told otherwise by what it is shown.
struct Scripted(fn(&Columns) -> Result<Verdicts, RuleError>);

impl Judge for Scripted {
    fn describe(&mut self) -> Result<RuleInfo, RuleError> {
        Ok(RuleInfo { name: "scripted".into(), version: "1.2.3".into(), columns: vec![], reasons: vec!["a".into(), "b".into()] })
    }

    fn judge(&mut self, _: &Context, batch: &Columns) -> Result<Verdicts, RuleError> {
        (self.0)(batch)
    }

    fn plan(&mut self, _: &CaseFile, _: &Verdicts) -> Option<String> {
        Some("nothing is planned\n".into())
    }
}

fn same(batch: &Columns, reason: impl Fn(usize) -> u16) -> Verdicts {
    let rows = batch.subject.len();
    Verdicts {
        case: (0..rows as u32).collect(),
        effect: vec![0; rows],
        reason: (0..rows).map(reason).collect(),
        ..Verdicts::default()
    }
}

fn folder(name: &str, files: &[(&str, &str)]) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("trueup-cases-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    for (file, text) in files {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn an_answer_that_depends_on_order_is_shown_in_both_orders() {
    let folder = folder("order", &[("x.json", FILE)]);
    // The first case of the batch is special.
    let first = |batch: &Columns| Ok(same(batch, |row| u16::from(row == 0)));
    let report = run(&mut Scripted(first), std::slice::from_ref(&folder), Mode::Bless).unwrap();
    let text = report.failures.first().unwrap().to_string();
    assert!(text.starts_with("[TR0402] ") && text.contains("x.json:"), "{text}");
    assert!(text.contains("\n    as written  {") && text.contains("\n    backwards   {"), "{text}");
    assert!(text.contains("\n    the orders  ("), "{text}");
    // A chain has to begin somewhere.
    let chain = |batch: &Columns| {
        let after = (0..batch.subject.len() as u32).map(|row| row.checked_sub(1).unwrap_or(u32::MAX)).collect();
        Ok(Verdicts { after, ..same(batch, |row| u16::from(row > 900)) })
    };
    assert!(run(&mut Scripted(chain), std::slice::from_ref(&folder), Mode::Bless).unwrap().failures.is_empty());
    let constant = |batch: &Columns| Ok(same(batch, |row| u16::from(row > 900)));
    assert!(run(&mut Scripted(constant), std::slice::from_ref(&folder), Mode::Bless).unwrap().failures.is_empty());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn one_row_that_kills_the_rule_hides_no_other() {
    let folder = folder("rows", &[("t.toml", TABLE)]);
    let touchy = |batch: &Columns| match batch.subject.contains(&0) {
        true => Err(RuleError { code: "trap".into(), message: "panic at src/lib.rs:3:9: no".into(), case: None }),
        false => Ok(same(batch, |_| 0)),
    };
    let report = run(&mut Scripted(touchy), std::slice::from_ref(&folder), Mode::Check).unwrap();
    let texts: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(
        texts[0].starts_with("[TR0201] ") && texts[0].contains("t.toml:6: ben, git/ben: panic at src/lib.rs:3:9"),
        "{texts:?}"
    );
    let answers: Vec<_> = report.answers.iter().map(|answered| answered.answer.as_str()).collect();
    assert_eq!(answers, [r#"{ "effect": "keep", "reason": "a" }"#, "no answer"]);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn golden_files_are_readable_and_name_the_version() {
    let unexpected = TOML.replace("expect = { effect = \"keep\", reason = \"a\" }\n", "");
    let folder = folder("golden", &[("movers/case.toml", &unexpected)]);
    let all = |batch: &Columns| Ok(same(batch, |row| u16::from(row > 900)));
    let run = |mode| run(&mut Scripted(all), std::slice::from_ref(&folder), mode).unwrap();
    let report = run(Mode::Check);
    assert_eq!(report.failures.iter().map(|f| f.code).collect::<Vec<_>>(), ["TR0408", "TR0408"], "{:?}", report.failures);
    run(Mode::Bless);
    let golden = |name: &str| std::fs::read_to_string(folder.join("movers").join(name)).unwrap();
    let expected =
        "scripted@1.2.3\nTwo rows, and a heading.\n\nada\n  git/ada/repo:x  keep      a\n  git/ada/repo:y  keep      a\n";
    assert_eq!(golden("verdicts.golden"), expected);
    assert_eq!(golden("plan.golden"), "scripted@1.2.3\nTwo rows, and a heading.\n\nnothing is planned\n");
    assert!(run(Mode::Check).failures.is_empty());
    std::fs::write(folder.join("movers/verdicts.golden"), expected.replace("keep      a", "absent    b")).unwrap();
    let text = run(Mode::Check).failures.remove(0).text;
    assert!(text.contains("verdicts.golden: it differs") && text.contains("\n    -   git/ada/repo:x  absent    b"), "{text}");
    // The case itself is left as it was.
    assert_eq!(std::fs::read_to_string(folder.join("movers/case.toml")).unwrap(), unexpected);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_rendered_file_reads_as_the_same_columns() {
    let mut columns = read().columns;
    // Vendor columns are not captured.
    columns.vendor.clear();
    let settings = [("days".to_string(), SettingValue::Integer(30))];
    let text = crate::render_file("Captured.", 1_772_323_200, &settings, std::slice::from_ref(&columns), &mut str::to_string);
    let again = CaseFile::parse(Path::new("x.json"), &text).unwrap();
    let words = |c: &Columns, column: &[u32]| column.iter().map(|id| crate::tests::text(c, *id).to_string()).collect::<Vec<_>>();
    let a = &again.columns;
    for (mine, theirs) in [
        (&columns.identity, &a.identity),
        (&columns.target, &a.target),
        (&columns.holder, &a.holder),
        (&columns.object, &a.object),
        (&columns.record, &a.record),
        (&columns.desired_level, &a.desired_level),
        (&columns.observed_level, &a.observed_level),
        (&columns.identity_owner, &a.identity_owner),
    ] {
        assert_eq!(words(&columns, mine), words(a, theirs));
    }
    let numbers =
        |c: &Columns| (c.desired.clone(), c.observed.clone(), c.unknown_why.clone(), c.differs.clone(), c.traits.clone());
    assert_eq!(numbers(&columns), numbers(a));
    assert_eq!((&columns.last_used, &columns.desired_expires_at), (&a.last_used, &a.desired_expires_at));
    let text = crate::render_file("Captured.", 0, &settings, &[columns], &mut |_: &str| "p".to_string());
    assert!(!text.contains("grace") && !text.contains("lovelace"), "{text}");
}
