//! Modules that a process holds ready: each is loaded once, whoever asks, and the one that nobody asked for goes first.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use trueup::model::Digest;
use trueup::rule::{AdmitError, Library, Module, RuleEngine, RuleLimits};
use trueup_tests::graft::graft;
use trueup_tests::guests;

fn components() -> Vec<(Digest, Vec<u8>)> {
    let rule = guests::component("by-position").expect("guest");
    let with = |number| graft(&rule, |core| core.ballast(number, 20_000)).expect("ballast");
    (0..4).map(with).map(|component| (Digest::of(&component), component)).collect()
}

fn engine() -> RuleEngine {
    RuleEngine::new(&RuleLimits::default()).expect("engine")
}

#[test]
fn a_module_is_loaded_once_however_many_ask() {
    let (library, all, asked) = (Library::new(engine(), u64::MAX), components(), AtomicUsize::new(0));
    let get = |(digest, component): &(Digest, Vec<u8>)| -> Result<Module, AdmitError> {
        library.module(*digest, || {
            asked.fetch_add(1, Ordering::Relaxed);
            Ok(component.clone())
        })
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| all.iter().for_each(|one| assert_eq!(get(one).expect("module").facts().module, one.0)));
        }
    });
    assert_eq!((asked.into_inner(), library.holds().0), (4, 4));
}

#[test]
fn whoever_was_asked_for_longest_ago_goes_when_there_is_too_much_code() {
    let all = components();
    let size = Module::load(&engine(), &all[0].1).expect("module").code_bytes();
    let library = Library::new(engine(), size * 2 + size / 2);
    let is_loaded = |at: usize| {
        let mut loaded = false;
        let module = library.module::<AdmitError>(all[at].0, || {
            loaded = true;
            Ok(all[at].1.clone())
        });
        assert_eq!(module.expect("module").facts().module, all[at].0);
        assert!(library.holds().1 <= size * 2 + size / 2 && library.holds().0 <= 2);
        loaded
    };
    // Which is asked for, and whether it must be loaded for that.
    for (at, loaded) in
        [(0, true), (1, true), (0, false), (2, true), (0, false), (1, true), (2, true), (1, false), (3, true), (2, true)]
    {
        assert_eq!(is_loaded(at), loaded, "module {at}");
    }
    // One that alone is too much is held alone.
    let narrow = Library::new(engine(), 1);
    for (digest, component) in &all {
        assert!(narrow.module::<AdmitError>(*digest, || Ok(component.clone())).is_ok());
        assert_eq!(narrow.holds().0, 1);
    }
}

#[test]
fn what_cannot_be_loaded_is_not_held() {
    let (library, all) = (Library::new(engine(), u64::MAX), components());
    let other = library.module::<AdmitError>(all[0].0, || Ok(all[1].1.clone())).err().expect("it is another");
    assert_eq!(other.to_string(), format!("the module is not valid: it is not the component of {}", all[0].0.short()));
    let noise = b"noise".to_vec();
    assert_eq!(library.module(Digest::of(&noise), || Ok(noise)).err(), Some(AdmitError::NotWasm));
    assert_eq!(library.holds(), (0, 0));
    assert!(library.module::<AdmitError>(all[0].0, || Ok(all[0].1.clone())).is_ok(), "it may be tried again");
}
