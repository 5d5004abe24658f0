//! Modules that no compiler would write, compiled in a process that may be killed: each gets its typed error, and the host goes
//! on. Also that compiled code is taken from the cache.

use std::path::Path;

use trueup::rule::{AdmitError, CodeCache, Module, RuleEngine, RuleLimits, Worker};
use trueup_tests::graft::{Core, graft, nested, put};
use trueup_tests::{cli, guests};

fn worker() -> Worker {
    Worker::new(cli::binary().expect("binary").to_owned(), vec!["compile-module".into()])
}

fn admit(bytes: &[u8], worker: Worker) -> Result<Module, AdmitError> {
    let engine = RuleEngine::new(&RuleLimits::default()).expect("an engine").compiled_by(worker);
    Module::load(&engine, bytes)
}

fn sound() -> Vec<u8> {
    guests::component("by-position").expect("guest")
}

/// Locals, code, end.
fn body(code: &[u8]) -> Vec<u8> {
    [&[0], code, &[0x0b]].concat()
}

/// One body with so many blocks in one another.
fn blocks(depth: usize) -> Vec<u8> {
    body(&[[0x02, 0x40].repeat(depth), vec![0x0b; depth]].concat())
}

/// One body with so many locals.
fn locals(count: usize) -> Vec<u8> {
    let mut bytes = vec![1];
    put(&mut bytes, count);
    bytes.extend_from_slice(&[0x7e, 0x0b]);
    bytes
}

/// One body of so many constants that are dropped.
fn wide(count: usize) -> Vec<u8> {
    body(&[0x41, 0x2a, 0x1a].repeat(count))
}

/// What becomes of a module: the reason why it is refused, or `admitted`.
fn end(bytes: &[u8]) -> String {
    admit(bytes, worker()).map_or_else(|error| error.to_string(), |_| "admitted".to_owned())
}

#[test]
fn modules_that_no_compiler_writes_are_refused_or_harmless() {
    let (mut ends, mut wrong) = (0, Vec::new());
    let mut tell = |name: &str, bytes: &[u8], expected: &str| {
        let found = end(bytes);
        println!("{name}, {} bytes: {found}", bytes.len());
        ends += 1;
        if !found.starts_with(expected) {
            wrong.push(format!("{name}: {found}"));
        }
    };
    let mut check = |name: &str, change: &mut dyn FnMut(&mut Core) -> anyhow::Result<()>, expected: &str| {
        tell(name, &graft(&sound(), change).expect(name), expected);
    };
    // A loop that never ends, a call to itself, memory page by page, a trap.
    let (endless, grow) = (body(&[0x03, 0x40, 0x0c, 0, 0x0b]), body(&[0x03, 0x40, 0x41, 1, 0x40, 0, 0x1a, 0x0c, 0, 0x0b]));
    let call = |own: usize| {
        let mut code = vec![0x10];
        put(&mut code, own);
        body(&code)
    };
    let start = "the module failed to describe itself: the rule ";
    let to_start = |what: &str| format!("{start}ran out of {what}");
    check("start-loop", &mut |core| core.start(|_| endless.clone()), &to_start("fuel to start"));
    check("start-recursion", &mut |core| core.start(call), &to_start("stack"));
    check("start-memory-in-steps", &mut |core| core.start(|_| grow.clone()), &to_start("fuel to start"));
    check("start-trap", &mut |core| core.start(|_| body(&[0x00])), &format!("{start}trapped"));
    check("large-table", &mut |core| core.storage(4, &[0x70, 0, 0x80, 0x80, 0x80, 4]), &to_start("table elements"));
    let invalid = "the module is not valid: ";
    check("locals", &mut |core| core.functions(1, &locals(50_001)).map(drop), invalid);
    check("too-wide-function", &mut |core| core.functions(1, &wide(2_600_000)).map(drop), invalid);
    check("data-segments", &mut |core| core.data(100_001), invalid);
    check("second-memory", &mut |core| core.storage(5, &[0, 1]), invalid);
    for (name, kind) in [("shared-memory", &[3, 64, 96][..]), ("wide-memory", &[4, 64])] {
        let mut memory = |core: &mut Core| {
            core.memory(kind);
            Ok(())
        };
        check(name, &mut memory, invalid);
    }
    check("many-locals", &mut |core| core.functions(100, &locals(50_000)).map(drop), "admitted");
    check("blocks", &mut |core| core.functions(1, &blocks(20_000)).map(drop), "admitted");
    check("wide-function", &mut |core| core.functions(1, &wide(100_000)).map(drop), "admitted");
    for (depth, expected) in [(3, "admitted"), (2_000, invalid)] {
        tell(&format!("{depth} components in one another"), &nested(&sound(), depth).expect("nested"), expected);
    }
    println!("{ends} modules");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_module_that_takes_too_long_or_too_much_to_compile_costs_a_process_alone() {
    let bomb = graft(&sound(), |core| core.functions(300_000, &body(&[])).map(drop)).expect("bomb");
    assert!(bomb.len() < 3 << 20, "{} bytes", bomb.len());
    let mut limited = worker();
    limited.seconds = 2;
    assert_eq!(admit(&bomb, limited.clone()).err(), Some(AdmitError::CompileTime { allowed: 2 }));
    (limited.seconds, limited.memory_bytes) = (60, 400 << 20);
    assert_eq!(admit(&bomb, limited.clone()).err(), Some(AdmitError::CompileMemory { allowed: 400 }));
    // The same worker compiles what is sound.
    assert!(admit(&sound(), limited).is_ok());
    let nobody = Worker::new("/nowhere/trueup".into(), Vec::new());
    let error = admit(&sound(), nobody).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(
        error.starts_with("the compiler's process failed, whatever the module is: cannot start `/nowhere/trueup`"),
        "{error}"
    );
}

/// A worker that is no worker: code can only come from the cache.
fn cached(folder: &Path, bytes: &[u8], worker: Worker) -> Result<Module, AdmitError> {
    let cache = CodeCache::open(folder, 64 << 20).expect("cache");
    let engine = RuleEngine::new(&RuleLimits::default()).expect("an engine").compiled_by(worker).with_cache(cache);
    Module::load(&engine, bytes)
}

#[test]
fn code_is_compiled_once_and_what_was_changed_is_compiled_again() {
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path().join("code");
    let nobody = || Worker::new("/nowhere/trueup".into(), Vec::new());
    let bytes = sound();
    assert!(cached(&folder, &bytes, nobody()).is_err());
    let first = cached(&folder, &bytes, worker()).expect("compiled");
    let second = cached(&folder, &bytes, nobody()).expect("from the cache");
    assert_eq!(first.facts(), second.facts());
    for entry in std::fs::read_dir(&folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.extension().is_some_and(|extension| extension == "code") {
            let mut bytes = std::fs::read(&path).expect("code");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&path, bytes).expect("code");
        }
    }
    assert!(cached(&folder, &bytes, nobody()).is_err(), "code that was changed is not run");
    assert!(cached(&folder, &bytes, worker()).is_ok());
    assert!(cached(&folder, &bytes, nobody()).is_ok());
}
