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

/// What becomes of a module, in words that name a limit or a reason, or `admitted`.
fn check(name: &str, change: impl FnOnce(&mut Core) -> anyhow::Result<()>, expected: &str) {
    let bytes = graft(&sound(), change).expect(name);
    let found = admit(&bytes, worker()).map_or_else(|error| error.to_string(), |_| "admitted".to_owned());
    println!("{name}: {} bytes: {found}", bytes.len());
    assert!(found.contains(expected), "{name}: {found}");
}

#[test]
fn modules_that_no_compiler_writes_are_refused_or_harmless() {
    // A loop that never ends, a call to itself, memory page by page, all of it at once.
    check("start-loop", |core| core.start(|_| body(&[0x03, 0x40, 0x0c, 0, 0x0b])), "ran out of fuel to start");
    let call = |own: usize| {
        let mut code = vec![0x10];
        put(&mut code, own);
        body(&code)
    };
    check("start-recursion", |core| core.start(call), "failed to describe itself: the rule trapped: ");
    let grow = body(&[0x03, 0x40, 0x41, 1, 0x40, 0, 0x1a, 0x0c, 0, 0x0b]);
    check("start-memory-in-steps", |core| core.start(|_| grow), "failed to describe itself: the rule ran out of memory");
    check("start-trap", |core| core.start(|_| body(&[0x00])), "failed to describe itself: the rule trapped: ");
    check("locals", |core| core.functions(1, &locals(50_001)).map(drop), "not valid: ");
    check("blocks", |core| core.functions(1, &blocks(20_000)).map(drop), "");
    check("wide-function", |core| core.functions(1, &wide(100_000)).map(drop), "");
    check("too-wide-function", |core| core.functions(1, &wide(2_600_000)).map(drop), "not valid: ");
    check("data-segments", |core| core.data(100_001), "not valid: ");
    check("second-memory", |core| core.storage(5, &[0, 1]), "not valid: ");
    check("shared-memory", |core| core.storage(5, &[3, 1, 1]), "not valid: ");
    check("wide-memory", |core| core.storage(5, &[4, 1]), "not valid: ");
    check(
        "large-table",
        |core| core.storage(4, &[0x70, 0, 0x80, 0x80, 0x80, 4]),
        "failed to describe itself: the rule ran out of table",
    );
    for depth in [3, 2_000] {
        let bytes = nested(&sound(), depth).expect("nested");
        let found = admit(&bytes, worker()).map_or_else(|error| error.to_string(), |_| "admitted".to_owned());
        println!("{depth} components in one another: {found}");
    }
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
