//! Hostile modules by kind, each with the stage that it reaches and the typed error in which it ends, or that it is answered like
//! any other: one row each, which the test prints. After each, a sound rule on the same engine answers as before.

use std::collections::BTreeSet;
use std::path::Path;

use trueup::rule::{AdmitError, CodeCache, Fault, KeyKind, Module, RuleEngine, RuleLimits, Worker};
use trueup_cases::{Columns, Context, SettingValue};
use trueup_tests::graft::{Core, graft, nested, put};
use trueup_tests::{cli, guests};

/// Guests of `tests/guests` that must be among the rows, each way to misbehave counted as one.
const FROM_SOURCE: usize = 25;

/// Where a module comes from.
enum Made {
    /// A guest built from source, with its setting `form`, or this as the key that is to be canonical.
    Guest(&'static str, &'static str),
    /// The guest `hostile`, built from source, told to do this before it is asked anything else.
    Hostile(&'static str),
    /// A guest built from source, its core module changed.
    Grafted(fn(&mut Core) -> anyhow::Result<()>),
    /// Bytes made of those of a guest.
    Bytes(fn(&[u8]) -> Vec<u8>),
}
use Made::{Bytes, Grafted, Guest, Hostile};

/// The last thing that the host did with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Looked at its bytes.
    Admit,
    /// Compiled it.
    Compile,
    /// Started it, and asked what it is.
    Describe,
    /// Asked for canonical keys.
    Canon,
    /// Judged with it.
    Judge,
}
use Stage::{Admit, Canon, Compile, Describe, Judge};

/// A kind of the list, how it is made, how far it comes, and how its error begins; `answered` where there is none.
type Row = (&'static str, Made, Stage, &'static str);

const FUEL: &str = "the rule ran out of fuel: used 100350000 of 100350000";
const BYTES: &str = "the rule ran out of host call bytes: used 16777217 of 16777216";
const TRAP: &str = "the rule trapped: ";
const BAD: &str = "the rule's answer is malformed: ";
const INVALID: &str = "the module is not valid: ";

fn rows() -> Vec<Row> {
    [running(), answering(), starting(), describing(), shapes(), files()].into_iter().flatten().collect()
}

/// Loops, recursion, memory, tables, stack.
fn running() -> Vec<Row> {
    vec![
        ("endless loop", Guest("endless-loop", ""), Judge, FUEL),
        ("endless loop of large instructions", Guest("endless-loop", "fill"), Judge, FUEL),
        ("deep recursion", Guest("endless-loop", "stack"), Judge, TRAP),
        ("stack bomb", Guest("hostile", "frames"), Judge, TRAP),
        ("memory bomb", Guest("memory-bomb", ""), Judge, "the rule ran out of memory: used 1"),
        ("memory bomb that does without", Guest("memory-bomb", "modest"), Judge, "answered"),
        ("growth in steps that does without", Guest("hostile", "pages"), Judge, "answered"),
        ("growth in steps without end", Guest("hostile", "pages-loop"), Judge, FUEL),
        ("growth in steps at the start", Hostile("start-pages"), Describe, "fuel to start"),
        ("table bomb", Grafted(|core| core.storage(4, &[0x70, 0, 0x80, 0x80, 0x80, 4])), Describe, "table elements"),
        ("table growth in steps", Grafted(table_in_steps), Describe, "fuel to start"),
        ("memory bomb declared", Grafted(|core| storage(core, &[0, 0x80, 0x80, 2])), Describe, "the rule ran out of memory"),
        ("trap", Guest("trap", ""), Judge, TRAP),
        ("panic", Guest("panic", ""), Judge, "the rule trapped: panic at tests/guests/panic/main.rs:"),
        ("thousands of functions in a table", Guest("many-functions", ""), Judge, "answered"),
        ("NaN games", Guest("floats", ""), Judge, "answered"),
        ("a trap in canon", Guest("hostile", "trap"), Canon, TRAP),
    ]
}

/// Returns, indices, texts, logs.
fn answering() -> Vec<Row> {
    vec![
        ("huge return, one column", Guest("hostile", "items"), Judge, "column `case` has 1500000 rows for 7 cases"),
        ("huge return, all columns", Guest("hostile", "all-columns"), Judge, BYTES),
        ("huge return of canon", Guest("hostile", "items"), Canon, BYTES),
        ("malformed return, list outside of memory", Guest("hostile", "wild-list"), Judge, TRAP),
        ("malformed return, list without end", Guest("hostile", "endless-list"), Judge, TRAP),
        ("malformed return, list off its alignment", Guest("hostile", "odd-list"), Judge, TRAP),
        ("malformed return, text that is none", Guest("hostile", "bad-text"), Judge, TRAP),
        ("malformed return, short column", Guest("bad-indices", "short"), Judge, BAD),
        ("malformed return, codes out of range", Guest("bad-indices", "effect"), Judge, BAD),
        ("malformed return of canon", Guest("bad-canon", "short"), Canon, "canon gave 0 answers for 1 keys"),
        ("index forgery, out of range", Guest("bad-indices", "case-out-of-range"), Judge, BAD),
        ("index forgery, another identity's", Guest("bad-indices", "after-of-another"), Judge, BAD),
        ("index forgery, well formed", Guest("forge", ""), Judge, "answered"),
        ("duplicate answers", Guest("bad-indices", "case-twice"), Judge, BAD),
        ("log flood", Guest("log-flood", ""), Judge, "the rule ran out of log: used 10485"),
        ("log flood of empty lines", Guest("hostile", "empty-lines"), Judge, "the rule ran out of log: used 1048592 of 1048576"),
        ("log flood in describe", Hostile("describe-flood"), Describe, "the rule ran out of log"),
        ("string bomb in the log", Guest("hostile", "long-line"), Judge, "the rule ran out of log: used 15728640 of 1048576"),
        ("string bomb in the log, larger", Guest("hostile", "longer-line"), Judge, BYTES),
        ("string bomb in an error", Guest("hostile", "long-error"), Judge, "the rule refused with `hostile`: \\u{1b}\\u{1b}"),
        ("string bomb in an error, larger", Guest("hostile", "longer-error"), Judge, BYTES),
        ("a refusal that forges a line", Guest("refuse", ""), Judge, "the list of owners is empty\\n[error] host"),
        ("a promise that it breaks", Guest("promise", ""), Judge, "answered"),
    ]
}

/// What happens before it is asked anything.
fn starting() -> Vec<Row> {
    vec![
        ("start-function loop", Grafted(|core| core.start(|_| body(&[0x03, 0x40, 0x0c, 0, 0x0b]))), Describe, "fuel to start"),
        ("start-function loop, from source", Hostile("start-loop"), Describe, "fuel to start"),
        ("start-function recursion", Grafted(|core| core.start(recursion)), Describe, "the rule ran out of stack"),
        ("start-function trap", Hostile("start-trap"), Describe, TRAP),
        ("data segment outside of memory", Grafted(|core| core.put_data(1 << 30, b"far")), Describe, TRAP),
    ]
}

/// What it says of itself.
fn describing() -> Vec<Row> {
    vec![
        ("trap in describe", Hostile("describe-trap"), Describe, TRAP),
        ("endless loop in describe", Hostile("describe-loop"), Describe, "the rule ran out of fuel: used 100000000"),
        ("huge return of describe", Hostile("describe-columns"), Describe, BYTES),
        ("lying describe, many reasons", Hostile("describe-items"), Describe, "70000 reasons, more than 65535"),
        ("lying describe, one reason too many", Hostile("describe-reasons"), Describe, "65536 reasons, more than 65535"),
        ("lying describe, string bomb", Hostile("describe-name"), Describe, "must have 1 to 128 bytes"),
        (
            "lying describe, forged line",
            Hostile("describe-forged"),
            Describe,
            "the name `hostile\\n\\u{1b}[2J[info] all is well`",
        ),
        ("lying describe, long text", Hostile("describe-prose"), Describe, "the text of reason `marked` has 2000 bytes"),
        ("lying describe, same code twice", Hostile("describe-twins"), Describe, "two of its reasons are called `twin`"),
        ("lying describe, default of another kind", Hostile("describe-default"), Describe, "the default of setting `form`"),
        ("lying describe, foreign column", Guest("bad-info", ""), Describe, "it reads the column `password`"),
    ]
}

/// Code that no compiler writes.
fn shapes() -> Vec<Row> {
    vec![
        ("wide function", Grafted(|core| core.functions(1, &wide(100_000)).map(drop)), Judge, "answered"),
        ("wide function, too wide", Grafted(|core| core.functions(1, &wide(2_600_000)).map(drop)), Compile, INVALID),
        ("thousands of functions", Grafted(|core| core.functions(3_000, &body(&[])).map(drop)), Judge, "answered"),
        (
            "thousands of functions, 300,000",
            Grafted(|core| core.functions(300_000, &body(&[])).map(drop)),
            Compile,
            "took more than 6 s of processor time",
        ),
        ("nested blocks", Grafted(|core| core.functions(1, &blocks(20_000)).map(drop)), Judge, "answered"),
        ("many locals", Grafted(|core| core.functions(100, &locals(50_000)).map(drop)), Judge, "answered"),
        ("many locals, too many", Grafted(|core| core.functions(1, &locals(50_001)).map(drop)), Compile, INVALID),
        ("data-segment bomb", Grafted(|core| core.data(100_001)), Compile, INVALID),
        ("second memory", Grafted(|core| core.storage(5, &[0, 1])), Compile, INVALID),
        ("shared memory", Grafted(|core| storage(core, &[3, 64, 96])), Compile, INVALID),
        ("64-bit memory", Grafted(|core| storage(core, &[4, 64])), Compile, INVALID),
        ("component nesting", Bytes(|sound| nested(sound, 3).expect("nested")), Judge, "answered"),
        ("component nesting, 2,000 deep", Bytes(|sound| nested(sound, 2_000).expect("nested")), Admit, INVALID),
        ("component nesting, a million deep", Bytes(|sound| nested(sound, 1_000_000).expect("nested")), Admit, INVALID),
    ]
}

/// Files that are no rules.
fn files() -> Vec<Row> {
    vec![
        (
            "wrong contract",
            Guest("wrong-contract", ""),
            Admit,
            "the module is built for contract trueup:rules@0.9.0 with guest kit",
        ),
        ("a contract section without end", Bytes(section_bomb), Admit, INVALID),
        ("extra import", Guest("foreign-import", ""), Admit, "the module imports `wasi:clocks/wall-clock@0.2.0`"),
        ("garbage", Bytes(|_| (0..=255).cycle().take(9_999).collect()), Admit, "the module is no WebAssembly"),
        ("garbage behind a sound head", Bytes(|sound| [&sound[..8], &[0x5a; 5_000]].concat()), Admit, INVALID),
        ("truncated bytes", Bytes(|sound| sound[..sound.len() - 1].to_vec()), Admit, INVALID),
        ("truncated bytes, head alone", Bytes(|sound| sound[..8].to_vec()), Admit, "the module does not export"),
        ("precompiled artifact", Bytes(precompiled), Admit, "the module is compiled machine code"),
        (
            "core module",
            Bytes(|sound| trueup_tests::graft::core_of(sound).expect("core")),
            Admit,
            "the module is a core WebAssembly",
        ),
        ("too large a file", Bytes(|sound| [sound, &vec![0; 16 << 20]].concat()), Admit, "more than the 16777216 allowed"),
    ]
}

/// Locals, code, end.
fn body(code: &[u8]) -> Vec<u8> {
    [&[0], code, &[0x0b]].concat()
}

fn recursion(own: usize) -> Vec<u8> {
    let mut code = vec![0x10];
    put(&mut code, own);
    body(&code)
}

fn table_in_steps(core: &mut Core) -> anyhow::Result<()> {
    core.storage(4, &[0x70, 0, 1])?;
    // One more element, null, of the new table, again and again.
    core.start(|_| body(&[0x03, 0x40, 0xd0, 0x70, 0x41, 1, 0xfc, 0x0f, 1, 0x1a, 0x0c, 0, 0x0b]))
}

fn blocks(depth: usize) -> Vec<u8> {
    body(&[[0x02, 0x40].repeat(depth), vec![0x0b; depth]].concat())
}

fn locals(count: usize) -> Vec<u8> {
    let mut bytes = vec![1];
    put(&mut bytes, count);
    bytes.extend_from_slice(&[0x7e, 0x0b]);
    bytes
}

fn wide(count: usize) -> Vec<u8> {
    body(&[0x41, 0x2a, 0x1a].repeat(count))
}

fn storage(core: &mut Core, memory: &[u8]) -> anyhow::Result<()> {
    core.memory(memory);
    Ok(())
}

/// A section of the guest kit with as many facts as fit into a file.
fn section_bomb(sound: &[u8]) -> Vec<u8> {
    let mut data = b"\x0btrueup:rule".to_vec();
    (0..1_500_000).for_each(|number| data.extend_from_slice(format!("{number:x}=;").as_bytes()));
    let mut bytes = sound.to_vec();
    bytes.push(0);
    put(&mut bytes, data.len());
    [bytes, data].concat()
}

/// What the compiler makes of a sound module, as a cache keeps it.
fn precompiled(sound: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path().join("code");
    let cache = CodeCache::open(&folder, 64 << 20).expect("cache");
    let engine = RuleEngine::new(&RuleLimits::default()).expect("an engine").with_cache(cache);
    assert!(Module::load(&engine, sound).is_ok());
    let files = std::fs::read_dir(&folder).expect("folder").map(|entry| entry.expect("entry").path());
    let code: Vec<_> = files.filter(|path| path.extension().is_some_and(|extension| extension == "code")).collect();
    std::fs::read(&code[0]).expect("code")
}

/// Seven cases of two identities, one of them of this name.
pub(super) fn batch(name: &str) -> Columns {
    let mut columns = Columns { identity: vec![2, 1], identity_ends: vec![3, 7], ..Columns::default() };
    for text in ["", "ada", name, "git", "repo:1"] {
        columns.heap.push_str(text);
        columns.text_ends.push(columns.heap.len() as u32);
    }
    (columns.identity_kind, columns.identity_status) = (vec![1; 2], vec![1; 2]);
    (columns.identity_moved_at, columns.identity_ends_at) = (vec![0; 2], vec![0; 2]);
    (columns.subject, columns.target, columns.holder, columns.object) = (vec![1; 7], vec![3; 7], vec![1; 7], vec![4; 7]);
    (columns.desired, columns.observed, columns.recorded) = (vec![1; 7], vec![0; 7], vec![0; 7]);
    (columns.unknown_why, columns.differs, columns.traits) = (vec![0; 7], vec![0; 7], vec![0; 7]);
    (columns.desired_expires_at, columns.observed_expires_at) = (vec![0; 7], vec![0; 7]);
    columns
}

/// As small as it may be where reaching it takes long, as large where a list must get there.
const LIMITS: RuleLimits = RuleLimits {
    component_bytes: 16 << 20,
    memory_bytes: 128 << 20,
    table_elements: 20_000,
    fuel_start: 10_000_000,
    fuel_base: 100_000_000,
    fuel_per_case: 50_000,
    wall_seconds: 60,
    input_bytes: 64 << 20,
    host_call_bytes: 16 << 20,
    log_lines: 200,
    log_line_bytes: 1_024,
    log_bytes: 1 << 20,
    error_bytes: 4_096,
};

/// A worker that has this program, and a few seconds of processor time.
fn worker(program: &Path) -> Worker {
    let mut worker = Worker::new(program.to_owned(), vec!["compile-module".into()]);
    worker.seconds = 6;
    worker
}

/// Engines that let all hostile modules in, up to where they fail.
struct Host {
    /// Has nobody who compiles.
    admits: RuleEngine,
    /// Compiles in a process that may be killed.
    compiles: RuleEngine,
    sound: Vec<u8>,
    /// What is asked for again is compiled once.
    _code: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let engine = || RuleEngine::new(&LIMITS).expect("an engine");
        let code = tempfile::tempdir().expect("folder");
        let cache = CodeCache::open(&code.path().join("code"), 256 << 20).expect("cache");
        Host {
            admits: engine().compiled_by(worker(Path::new("/nowhere/trueup"))),
            compiles: engine().compiled_by(worker(cli::binary().expect("binary"))).with_cache(cache),
            sound: guests::component("by-position").expect("guest"),
            _code: code,
        }
    }

    fn bytes(&self, made: &Made) -> Vec<u8> {
        match made {
            Guest(name, _) => guests::component(name).expect(name),
            Hostile(form) => guests::hostile(form).expect(form),
            Grafted(change) => graft(&self.sound, change).expect("graft"),
            Bytes(make) => make(&self.sound),
        }
    }

    /// How far a module comes, and how that ends.
    fn outcome(&self, made: &Made, stage: Stage) -> (Stage, String) {
        let bytes = self.bytes(made);
        match Module::load(&self.admits, &bytes) {
            Err(AdmitError::Worker { .. }) => {}
            Err(error) => return (Admit, error.to_string()),
            Ok(_) => panic!("nobody compiled it"),
        }
        let module = match Module::load(&self.compiles, &bytes) {
            Ok(module) => module,
            Err(error @ (AdmitError::Describe(_) | AdmitError::Info { .. })) => return (Describe, error.to_string()),
            Err(error) => return (Compile, error.to_string()),
        };
        let form = if let Guest(_, form) = made { *form } else { "" };
        if stage == Canon {
            return (Canon, end(module.canon(KeyKind::Holder, &[form])));
        }
        let given = |name: &str| (name.to_owned(), SettingValue::Text(form.to_owned()));
        let settings = module.settings().iter().map(|setting| given(&setting.name)).collect();
        let context = Context { as_of: 1_772_323_200, settings, flags: 0 };
        let judge = |name: &str| module.judge_columns(&context, &batch(name));
        // Another batch of the same module does not notice.
        let other = judge("bohr").result;
        assert!(other.is_ok(), "{form}: {other:?}");
        let verdict = judge("poison");
        assert!(verdict.log.iter().all(|(_, line)| line.len() <= 1_024 + "…".len()), "lines of the log are bounded");
        assert!(judge("poison") == verdict, "a fault is the same every time, its fuel included");
        assert!(judge("bohr").result == other);
        (Judge, end(verdict.result))
    }
}

fn end<T>(result: Result<T, Fault>) -> String {
    result.map_or_else(|fault| fault.to_string(), |_| "answered".to_owned())
}

#[test]
fn v03_every_kind_of_hostile_module_ends_in_its_typed_error() {
    let host = Host::new();
    let healthy = Module::load(&host.compiles, &host.sound).expect("sound");
    let judge = || healthy.judge_columns(&Context::default(), &batch("ada"));
    let (expected, mut wrong, mut from_source) = (judge(), Vec::new(), BTreeSet::new());
    assert!(expected.result.is_ok());
    println!("\n| kind | made | reaches | ends |\n|---|---|---|---|");
    for (kind, made, stage, error) in rows() {
        let place = match &made {
            Guest(name, "") => format!("tests/guests/{name}"),
            Guest(name, form) => format!("tests/guests/{name}, `{form}`, {stage:?}"),
            Hostile(form) => format!("tests/guests/hostile, `{form}`"),
            Grafted(_) => "tests/guests/by-position, changed".to_owned(),
            Bytes(_) => "bytes".to_owned(),
        };
        let (reached, found) = host.outcome(&made, stage);
        let shown: String = found.chars().take(110).collect();
        println!("| {kind} | {place} | {reached:?} | {shown} |");
        if reached != stage || !found.contains(error) {
            wrong.push(format!("{kind}: {reached:?}: {shown}, and not {stage:?}: {error}"));
        }
        if matches!(made, Guest(..) | Hostile(_)) {
            from_source.insert(place);
        }
        assert!(judge() == expected, "after {kind}");
    }
    println!("{} of them from source", from_source.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(from_source.len() >= FROM_SOURCE, "{}", from_source.len());
}
