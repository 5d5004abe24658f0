//! Tests of file sources: what rows become, what is refused and where, and what makes a file complete.

use std::fmt::Write as _;
use std::path::Path;

use super::separated::{Span, split_commas};
use super::{Alias, CompleteBy, Field, FileConfig, FileSource, RowKind};
use crate::discover::{DiscoverError, Page, Source};
use crate::limits::{FIELD_BYTES, LINE_BYTES, PAGE_ROWS};
use crate::model::{FactFlags, IdentityKind, IdentityStatus, Subject};

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

fn read(config: FileConfig, dir: &Path) -> Result<Vec<Page>, DiscoverError> {
    block(async {
        let source = FileSource::open(config, dir)?;
        let mut pages = vec![source.page(None).await?];
        while let Some(after) = pages.last().and_then(|page| page.next.clone()) {
            pages.push(source.page(Some(&after)).await?);
        }
        Ok(pages)
    })
}

/// Writes the text to a file of this name and reads it as configured.
fn read_text(
    name: &str,
    text: impl AsRef<[u8]>,
    kind: RowKind,
    change: impl FnOnce(&mut FileConfig),
) -> Result<Page, DiscoverError> {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join(name), text).expect("a file");
    let mut config = FileConfig::new("source", Path::new(name), kind);
    config.target = Some("crm".to_owned());
    change(&mut config);
    read(config, dir.path()).map(|mut pages| pages.swap_remove(0))
}

/// Facts as text: subject target holder object level marks line.
fn facts(page: &Page) -> Vec<String> {
    let text = |sym| page.symbols.text(sym);
    let fact = |f: &crate::model::Fact| {
        let kind = match f.subject {
            Subject::Account => "account",
            Subject::Grant => "grant",
            Subject::Credential => "credential",
        };
        let mut line = format!("{kind} {} {} {}", text(f.target), text(f.holder), text(f.object));
        for (name, sym) in
            [("level", f.level), ("owner", f.owner), ("record", f.record), ("replaces", f.replaces), ("identity", f.identity)]
        {
            // Being listed is what a row without a record column has; one test looks at it, the others leave it out.
            if !sym.is_empty() && (name, text(sym)) != ("record", "listed") {
                let _ = write!(line, " {name}={}", text(sym));
            }
        }
        if f.expires_at.is_some() {
            let _ = write!(line, " until={}", f.expires_at);
        }
        if f.flags.has(FactFlags::DISABLED) {
            line.push_str(" disabled");
        }
        let _ = write!(line, " @{}", f.line);
        line
    };
    page.facts.iter().map(fact).collect()
}

#[test]
fn rows_become_facts() {
    let plain = |_: &mut FileConfig| {};
    type Change = fn(&mut FileConfig);
    let cases: Vec<(&str, &str, RowKind, Change, &[&str])> = vec![
        (
            "a.tsv",
            "holder\tobject\tlevel\nann\tteam:a\tadmin\nbob\tteam:b\t\n",
            RowKind::Grants,
            plain,
            &["grant crm ann team:a level=admin @2", "grant crm bob team:b @3"],
        ),
        (
            "quotes.csv",
            "object,holder\r\n\r\n\"team:a, b\",\"an\"\"n\"\r\nteam:c,\"two\nlines\"\r\nteam:d,e",
            RowKind::Grants,
            plain,
            &["grant crm an\"n team:a, b @3", "grant crm two\nlines team:c @4", "grant crm e team:d @6"],
        ),
        ("bom.csv", "\u{feff}holder,extra\nann,x\n", RowKind::Accounts, plain, &["account crm ann  @2"]),
        (
            "json.jsonl",
            "{\"holder\":\"a\\u00e4\",\"object\":\"k:1\",\"expires_at\":1592853086,\"enabled\":false,\"x\":[1.5,{}]}\n",
            RowKind::Credentials,
            plain,
            &["credential crm aä k:1 until=2020-06-22T19:11:26Z disabled @1"],
        ),
        (
            "mapped.csv",
            "who,what,sys,until,who2\nann,team:a,erp,2026-03-01,E1\n",
            RowKind::Grants,
            |config| {
                config.target = None;
                config.covers = vec!["erp".to_owned()];
                for (field, column) in [
                    (Field::Holder, "who"),
                    (Field::Object, "what"),
                    (Field::Target, "sys"),
                    (Field::ExpiresAt, "until"),
                    (Field::Identity, "who"),
                ] {
                    config.columns.insert(field, column.to_owned());
                }
            },
            &["grant erp ann team:a identity=ann until=2026-03-01T00:00:00Z @2"],
        ),
        (
            "level.tsv",
            "holder\tobject\tlevel\nann\tteam:a\tadmin\nann\trepo:x\twrite\nann\tteam:b\t\n",
            RowKind::Grants,
            |config| config.level_in_key = vec!["team".to_owned()],
            &["grant crm ann team:a#admin @2", "grant crm ann repo:x level=write @3", "grant crm ann team:b @4"],
        ),
        (
            "levels.tsv",
            "holder\tobject\tlevel\nann\tteam:a\tadmin\nann\trepo:x\twrite\n",
            RowKind::Grants,
            |config| config.level_in_key = vec!["*".to_owned()],
            &["grant crm ann team:a#admin @2", "grant crm ann repo:x#write @3"],
        ),
        (
            "alias.tsv",
            "holder\tobject\treplaces\ncorp-ann\tteam:eng/api\tteam:eng\ncorp-bob\tteam:eng-ops\t\neng\tteam:engine\t\n",
            RowKind::Grants,
            |config| {
                for (from, to) in [("team:eng", "team:engineering"), ("corp-", ""), ("team:eng/api", "team:api"), ("e", "f")] {
                    config.aliases.push(Alias { from: from.to_owned(), to: to.to_owned() });
                }
                config.aliases[1].to = "c/".to_owned();
            },
            &[
                "grant crm c/ann team:api replaces=team:engineering @2",
                "grant crm c/bob team:eng-ops @3",
                "grant crm eng team:engine @4",
            ],
        ),
    ];
    for (name, text, kind, change, expected) in cases {
        let page = read_text(name, text, kind, change).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(facts(&page), expected, "{name}");
    }
}

#[test]
fn a_file_without_records_justifies_by_listing() {
    for (text, record) in [
        ("holder\tobject\nann\tteam:a\n", "listed"),
        ("holder\tobject\trecord\nann\tteam:a\tREQ-7\n", "REQ-7"),
        ("holder\tobject\trecord\nann\tteam:a\t\n", ""),
    ] {
        let page = read_text("a.tsv", text, RowKind::Grants, |_| {}).expect("it is well formed");
        let fact = page.facts.first().expect("one row");
        assert_eq!(page.symbols.text(fact.record), record, "{text}");
    }
}

#[test]
fn mixed_rows_find_their_kinds() {
    let text = "{\"kind\":\"grant\",\"holder\":\"ann\",\"object\":\"team:a\"}\n\n\
        {\"kind\":\"machine\",\"identity\":\"bot\",\"status\":\"leaving\"}\n\
        {\"kind\":\"entitlement\",\"object\":\"team:a\",\"tier\":3,\"privileged\":\"yes\"}\n\
        {\"kind\":\"account\",\"holder\":\"ann\",\"enabled\":\"no\"}\n{\"trueup\":\"end\",\"rows\":4}\n";
    let page = read_text("all.jsonl", text, RowKind::Mixed, |_| {}).expect("it is well formed");
    assert_eq!(facts(&page), ["grant crm ann team:a @1", "account crm ann  disabled @5"]);
    let person = page.people.first().expect("one person");
    assert_eq!((person.kind, person.status), (IdentityKind::Machine, IdentityStatus::Leaving));
    let row = page.entitlements.first().expect("one entitlement");
    assert_eq!((row.tier, row.privileged, row.break_glass, page.total), (3, true, false, Some(4)));
}

#[test]
fn malformed_rows_are_named_by_file_line_and_field() {
    let long_field = format!("holder\tobject\n{}\tteam:a\n", "x".repeat(FIELD_BYTES + 1));
    let long_line = format!("holder\tobject\nann\tteam:a\n{}", "x".repeat(LINE_BYTES + 1));
    let all: Vec<(&str, Vec<u8>, RowKind, &str)> = vec![
        (
            "a.csv",
            b"holder,what\nann,x\n".to_vec(),
            RowKind::Grants,
            "a.csv:1: field `object`: there is no such column for `object`; the file has `holder`, `what`",
        ),
        ("a.csv", b"holder,object,holder\n".to_vec(), RowKind::Grants, "a.csv:1: field `holder`: two columns have this name"),
        (
            "a.csv",
            b"".to_vec(),
            RowKind::Grants,
            "a.csv:1: field `holder`: there is no such column for `holder`; the file has ``",
        ),
        (
            "a.csv",
            b"holder,object\nann\n".to_vec(),
            RowKind::Grants,
            "a.csv:2: field `(the whole line)`: it has 1 fields where the header has 2",
        ),
        ("a.csv", b"holder,object\n,x\n".to_vec(), RowKind::Grants, "a.csv:2: field `holder`: it must not be empty"),
        (
            "a.csv",
            b"holder,object\n\"ann\"x,x\n".to_vec(),
            RowKind::Grants,
            "a.csv:2: field `(the whole line)`: text follows a closing quote; double a quote that belongs to the text",
        ),
        (
            "a.csv",
            b"holder,object\n\"ann,x\n".to_vec(),
            RowKind::Grants,
            "a.csv:2: field `(the whole line)`: a quote is opened but not closed",
        ),
        (
            "a.csv",
            b"holder,object,enabled\n\nann,x,maybe\n".to_vec(),
            RowKind::Grants,
            "a.csv:3: field `enabled`: `maybe` is not allowed; write true, false, yes, no, 1 or 0",
        ),
        (
            "a.csv",
            b"holder,object,expires_at\r\nann,x,\r\nann,y,soon\r\n".to_vec(),
            RowKind::Grants,
            "a.csv:3: field `expires_at`: `soon` is no instant; write it like 2026-03-01T00:00:00Z or 2026-03-01",
        ),
        (
            "a.tsv",
            b"holder\tobject\nann\t\xff\n".to_vec(),
            RowKind::Grants,
            "a.tsv:2: field `(the whole line)`: byte 5 of the line is not UTF-8",
        ),
        (
            "a.tsv",
            long_field.into_bytes(),
            RowKind::Grants,
            "a.tsv:2: field `holder`: it has 4097 bytes; at most 4096 are allowed",
        ),
        ("a.tsv", long_line.into_bytes(), RowKind::Grants, "a.tsv:3: field `(the whole line)`: it is longer than 1048576 bytes"),
        (
            "a.tsv",
            b"holder\tobject\n# rows=x\n".to_vec(),
            RowKind::Grants,
            "a.tsv:2: field `(the whole line)`: the trailer needs a number of rows",
        ),
        (
            "a.tsv",
            b"holder\tobject\n# rows=0\nann\tx\n".to_vec(),
            RowKind::Grants,
            "a.tsv:3: field `(the whole line)`: a line follows the trailer; remove one of them",
        ),
        (
            "p.csv",
            b"identity,status\nann,gone\n".to_vec(),
            RowKind::People,
            "p.csv:2: field `status`: `gone` is not allowed; write one of active, on_leave, leaving, left, unknown",
        ),
        (
            "e.csv",
            b"object,tier\nteam:a,4\n".to_vec(),
            RowKind::Entitlements,
            "e.csv:2: field `tier`: `4` is not allowed; write a tier from 0 to 3",
        ),
        (
            "a.jsonl",
            b"{\"holder\":\"ann\",\"object\":7}\n".to_vec(),
            RowKind::Grants,
            "a.jsonl:1: field `object`: write it as text, in quotes",
        ),
        (
            "a.jsonl",
            b"{\"holder\":\"ann\",\"object\":[]}\n".to_vec(),
            RowKind::Grants,
            "a.jsonl:1: field `(the whole line)`: invalid type: sequence, expected text, a boolean, an integer or null (byte 27 of the line)",
        ),
        (
            "a.jsonl",
            b"{\"holder\":\"ann\",\"holder\":\"b\"}\n".to_vec(),
            RowKind::Grants,
            "a.jsonl:1: field `(the whole line)`: key `holder` is given twice (byte 24 of the line)",
        ),
        (
            "a.jsonl",
            b"\n{\"holder\":\n".to_vec(),
            RowKind::Grants,
            "a.jsonl:2: field `(the whole line)`: EOF while parsing a value (byte 10 of the line)",
        ),
        (
            "a.jsonl",
            b"[]\n".to_vec(),
            RowKind::Grants,
            "a.jsonl:1: field `(the whole line)`: invalid type: sequence, expected one object (byte 0 of the line)",
        ),
        (
            "a.jsonl",
            b"{} {}\n".to_vec(),
            RowKind::Grants,
            "a.jsonl:1: field `(the whole line)`: trailing characters (byte 4 of the line)",
        ),
        ("a.jsonl", b"{}\n".to_vec(), RowKind::Grants, "a.jsonl:1: field `holder`: it must not be empty"),
        (
            "a.jsonl",
            b"{\"kind\":\"role\"}\n".to_vec(),
            RowKind::Mixed,
            "a.jsonl:1: field `kind`: `role` is not allowed; write one of grant, account, credential, person, machine, group, entitlement",
        ),
        (
            "a.txt",
            b"".to_vec(),
            RowKind::Grants,
            "source `source`: set `format` to jsonl, csv or tsv: the extension `txt` does not tell",
        ),
        ("a.csv", b"".to_vec(), RowKind::Mixed, "source `source`: rows of mixed kinds need the format jsonl"),
    ];
    for (name, text, kind, expected) in all {
        let error = read_text(name, &text, kind, |_| {}).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(expected), "{:?}", String::from_utf8_lossy(&text[..text.len().min(80)]));
    }
}

#[test]
fn configurations_that_cannot_be_meant_are_refused() {
    type Change = fn(&mut FileConfig);
    let all: Vec<(Change, &str)> = vec![
        (|c| c.target = None, "set `target`, or list in `covers` the targets that its rows name"),
        (|c| c.covers = vec!["erp".to_owned()], "set either `target` or `covers`, not both"),
        (|c| c.target = Some(String::new()), "a target has an empty name"),
        (|c| drop(c.columns.insert(Field::Target, "t".to_owned())), "`target` is set and mapped to a column; keep one of them"),
        (|c| c.aliases.push(Alias { from: String::new(), to: "x".to_owned() }), "an alias has an empty side"),
    ];
    for (change, expected) in all {
        let error = read_text("a.csv", "holder,object\n", RowKind::Grants, change).err().map(|error| error.to_string());
        assert_eq!(error, Some(format!("source `source`: {expected}")));
    }
    let error = read_text("a.csv", "", RowKind::People, |c| drop(c.columns.insert(Field::Tier, "t".to_owned())));
    let expected =
        "source `source`: its rows have no field `tier`; they have identity, kind, status, owner, unit, moved_at, ends_at";
    assert_eq!(error.err().map(|error| error.to_string()).as_deref(), Some(expected));
}

#[test]
fn completeness_is_what_the_file_or_its_neighbour_says() {
    let rows = "holder\tobject\nann\tx\nbob\tx\n";
    let trailer = format!("{rows}# rows=3\n");
    let sum = crate::model::Digest::of(rows.as_bytes());
    let good = format!("{{\"rows\":2,\"sha256\":\"{sum}\",\"read_at\":\"2026-01-01\"}}");
    let bad = format!("{{\"rows\":2,\"sha256\":\"{}\"}}", crate::model::Digest::default());
    let missing = "its manifest cannot be read";
    // text, manifest, how → total, why incomplete, read_at
    for (text, manifest, complete, total, why, read_at) in [
        (rows, None, CompleteBy::Gate, None, None, None),
        (rows, None, CompleteBy::Always, Some(2), None, None),
        (rows, None, CompleteBy::Trailer, None, Some("its trailer is missing, so it may be cut short"), None),
        (&trailer, None, CompleteBy::Trailer, Some(3), None, None),
        (&trailer, None, CompleteBy::Gate, Some(3), None, None),
        (&trailer, None, CompleteBy::Always, Some(3), None, None),
        (rows, Some(good.as_str()), CompleteBy::Manifest, Some(2), None, Some("2026-01-01T00:00:00Z")),
        (
            rows,
            Some(bad.as_str()),
            CompleteBy::Manifest,
            None,
            Some("its content is not what the manifest says; write both anew"),
            None,
        ),
        (
            rows,
            Some("{}"),
            CompleteBy::Manifest,
            None,
            Some("its manifest is malformed: missing field `rows` at line 1 column 2"),
            None,
        ),
        (rows, None, CompleteBy::Manifest, None, Some(missing), None),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("a.tsv"), text).expect("a file");
        if let Some(manifest) = manifest {
            std::fs::write(dir.path().join("a.tsv.manifest.json"), manifest).expect("a manifest");
        }
        let mut config = FileConfig::new("source", Path::new("a.tsv"), RowKind::Grants);
        config.target = Some("crm".to_owned());
        config.complete = complete;
        let source = FileSource::open(config, dir.path()).expect("it can be meant");
        let page = block(source.page(None)).expect("it is well formed");
        let found = page.incomplete.map(|why| if why.starts_with(missing) { missing.to_owned() } else { why });
        assert_eq!((page.total, found.as_deref(), page.facts.len()), (total, why, 2), "{complete:?}");
        assert_eq!(source.read_at().map(|time| time.to_string()).as_deref(), read_at, "{complete:?}");
    }
}

#[test]
fn pages_meet_without_gap_or_overlap_and_notice_a_change() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.csv");
    let count = PAGE_ROWS as usize * 2 + 5;
    let row = |i: usize| if i.is_multiple_of(3) { format!("\"u\n{i}\",x\n") } else { format!("u{i},x\r\n\n") };
    let text: String = std::iter::once("holder,object\n".to_owned()).chain((0..count).map(row)).collect();
    std::fs::write(&path, &text).expect("a file");
    let mut config = FileConfig::new("source", Path::new("a.csv"), RowKind::Grants);
    config.target = Some("crm".to_owned());
    let pages = read(config.clone(), dir.path()).expect("it is well formed");
    let holders: Vec<String> =
        pages.iter().flat_map(|page| page.facts.iter().map(|fact| page.symbols.text(fact.holder).to_owned())).collect();
    let expected: Vec<String> = (0..count).map(|i| if i % 3 == 0 { format!("u\n{i}") } else { format!("u{i}") }).collect();
    assert_eq!((holders, pages.len()), (expected, 3));
    let lines: Vec<u32> = pages.iter().flat_map(|page| page.facts.iter().map(|fact| fact.line)).collect();
    assert_eq!(lines, (0..count as u32).map(|i| 2 + 2 * i).collect::<Vec<_>>());

    let source = FileSource::open(config, dir.path()).expect("it can be meant");
    let first = block(source.page(None)).expect("it is well formed");
    std::fs::write(&path, text + "late,x\n").expect("a file");
    let error = block(source.page(first.next.as_ref())).err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("cannot read `a.csv`: it changed while it was read"));
}

#[test]
fn a_missing_file_is_an_error_of_the_configuration() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut config = FileConfig::new("source", Path::new("a.csv"), RowKind::Grants);
    config.target = Some("crm".to_owned());
    let source = FileSource::open(config, dir.path()).expect("it can be meant");
    let error = block(source.version()).err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("`a.csv` of source `source` does not exist; correct the path, or remove the source"));
}

#[test]
fn quotes_are_split_as_the_csv_crate_splits_them() {
    // Every text of up to six of these characters that both call well formed.
    let alphabet = ['a', ',', '"', 'é'];
    let mut texts = vec![String::new()];
    for _ in 0..6 {
        let longer: Vec<String> = texts.iter().flat_map(|text| alphabet.iter().map(move |c| format!("{text}{c}"))).collect();
        texts.extend(longer);
        texts.sort();
        texts.dedup();
    }
    let mut compared = 0;
    for text in texts.iter().filter(|text| !text.is_empty()) {
        let mut spans: Vec<Span> = Vec::new();
        if split_commas(text, &mut spans).is_err() {
            continue;
        }
        let ours: Vec<String> = spans.iter().map(|span| span.of(text).into_owned()).collect();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let theirs: Vec<String> = match reader.records().next() {
            Some(Ok(record)) => record.iter().map(str::to_owned).collect(),
            other => panic!("{text:?}: {other:?}"),
        };
        assert_eq!(ours, theirs, "{text:?}");
        compared += 1;
    }
    assert!(compared > 500, "{compared}");
}

#[test]
fn a_configuration_reads_from_its_text_form() {
    let text = r#"{"name":"hr","path":"hr.csv","kind":"people","columns":{"identity":"Mail","ends_at":"Last day"},"complete":"manifest"}"#;
    let config: FileConfig = serde_json::from_str(text).expect("it is a configuration");
    assert_eq!((config.kind, config.complete, config.columns.len()), (RowKind::People, CompleteBy::Manifest, 2));
    let error = serde_json::from_str::<FileConfig>(r#"{"name":"hr","path":"hr.csv","kind":"people","colums":{}}"#);
    assert!(error.is_err_and(|error| error.to_string().contains("unknown field `colums`")));
}
