//! What is not admitted, and what it is told.

use super::guests::{admit, component, load};
use crate::rule::admit::inspect;
use crate::rule::{AdmitError, Module, RuleEngine, RuleLimits};

fn refusal(bytes: &[u8], limits: &RuleLimits) -> String {
    let engine = RuleEngine::new(limits).expect("an engine");
    Module::load(&engine, bytes).err().map_or_else(|| "admitted".to_owned(), |error| error.to_string())
}

#[test]
fn files_that_are_no_rules_are_told_what_they_are() {
    let limits = RuleLimits { component_bytes: 1_000, ..RuleLimits::default() };
    let mut cut = component("trap");
    cut.truncate(900);
    for (bytes, expected) in [
        (&[0; 1_001][..], "the module has 1001 bytes, more than the 1000 allowed; build it optimised and stripped"),
        (b"\x7fELF\x02\x01\x01", "the module is compiled machine code; hand over the WebAssembly component"),
        (b"(component)", "the module is no WebAssembly; hand over"),
        (b"", "the module is no WebAssembly; hand over"),
        (b"\0asm\x01\0\0\0", "the module is a core WebAssembly module, not a component; build it with `trueup rule build`"),
        (b"\0asm\x0d\0\x01\0", "the module does not export `trueup:rules/rule@1.0.0`; mark the rule's function"),
        (&cut, "the module is not valid: "),
    ] {
        let found = refusal(bytes, &limits);
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn v02_a_module_with_a_foreign_import_does_not_load() {
    let error = admit("foreign-import", &RuleLimits::default()).err();
    assert_eq!(error, Some(AdmitError::ForeignImport { name: "wasi:clocks/wall-clock@0.2.0".to_owned() }));
}

#[test]
fn a_module_of_another_contract_is_told_which_it_needs() {
    let found = refusal(&component("wrong-contract"), &RuleLimits::default());
    let expected = "the module is built for contract trueup:rules@0.9.0 with guest kit 0.9.4; this host supports \
                    trueup:rules@1.0: build it with a matching guest kit";
    assert_eq!(found, expected);
}

/// A guest as if it was built for another version of the contract, of a number as long.
fn of_version(name: &str, version: &str) -> Vec<u8> {
    let (mut bytes, own) = (component(name), b"@1.0.0");
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(own)).collect();
    assert!(places.len() > 2, "{places:?}");
    for at in places {
        bytes[at + 1..at + own.len()].copy_from_slice(version.as_bytes());
    }
    bytes
}

#[test]
fn a_module_of_a_draft_or_of_a_later_contract_is_refused_by_name() {
    // One says what it was built for; another one imports and exports that alone.
    for name in ["panic", "trap"] {
        for version in ["0.1.0", "1.1.0", "2.0.0"] {
            let found = refusal(&of_version(name, version), &RuleLimits::default());
            assert!(found.starts_with(&format!("the module is built for contract trueup:rules@{version}")), "{found}");
            assert!(found.contains("; this host supports trueup:rules@1.0: build it with a matching guest kit"), "{found}");
        }
        let found = refusal(&of_version(name, "1.0.7"), &RuleLimits::default());
        assert_eq!(found, "admitted");
    }
}

/// What the linker of a host that knows 1.4 does with a module of today.
#[test]
fn a_host_of_a_later_minor_version_links_a_module_of_this_one() {
    use wasmtime::Store;
    use wasmtime::component::{Component, Linker, Val};

    let rules = RuleEngine::new(&RuleLimits::default()).expect("an engine");
    let engine = &rules.engine;
    let component = Component::new(engine, component("panic")).expect("a component");
    let mut linker = Linker::<()>::new(engine);
    linker.instance("trueup:rules/types@1.4.0").expect("types");
    let mut log = linker.instance("trueup:rules/log@1.4.0").expect("the log");
    log.func_wrap("write", |_, (_, _): (u8, String)| Ok(())).expect("the log's function");
    let mut store = Store::new(engine, ());
    store.set_fuel(100_000_000).expect("fuel");
    store.set_epoch_deadline(1_000);
    let instance = linker.instantiate(&mut store, &component).expect("an import of 1.0 is met by the log of 1.4");
    let rule =
        instance.get_export_index(&mut store, None, "trueup:rules/rule@1.4.0").expect("a rule of 1.0 is found as one of 1.4");
    let describe = instance.get_export_index(&mut store, Some(&rule), "describe").expect("describe");
    let describe = instance.get_func(&mut store, describe).expect("a function");
    let mut told = [Val::Bool(false)];
    describe.call(&mut store, &[], &mut told).expect("an answer");
    let [Val::Record(fields)] = &told else { panic!("{told:?}") };
    assert_eq!(fields[0], ("name".to_owned(), Val::String("panic".to_owned())));
    // Not of another major version.
    assert!(instance.get_export_index(&mut store, None, "trueup:rules/rule@2.0.0").is_none());
}

#[test]
fn a_column_that_no_host_has_is_refused() {
    let found = refusal(&component("bad-info"), &RuleLimits::default());
    assert!(found.contains("it reads the column `password`, which this host does not have; it has identity-owner, "), "{found}");
}

#[test]
fn a_module_that_cannot_start_within_its_limits_is_refused() {
    let limits = RuleLimits { memory_bytes: 65_536, ..RuleLimits::default() };
    let found = refusal(&component("trap"), &limits);
    assert!(found.starts_with("the module failed to describe itself: the rule ran out of memory: used "), "{found}");
    let limits = RuleLimits { table_elements: 1, ..RuleLimits::default() };
    let found = refusal(&component("trap"), &limits);
    assert!(found.starts_with("the module failed to describe itself: the rule ran out of table elements: used "), "{found}");
    let limits = RuleLimits { fuel_base: 10, ..RuleLimits::default() };
    let found = refusal(&component("trap"), &limits);
    assert_eq!(found, "the module failed to describe itself: the rule ran out of fuel: used 10 of 10");
}

#[test]
fn damage_never_panics() {
    let whole = component("panic");
    let mut refused = 0;
    for n in 0..2_000_usize {
        let mut bytes = whole.clone();
        // Mostly in what this check reads: the header and the surface, which stands at the end.
        let at = if n.is_multiple_of(3) { n * 41 % bytes.len() } else { bytes.len() - 1 - n % 3_000 };
        bytes[at] ^= (n % 255) as u8 + 1;
        refused += usize::from(inspect(&bytes, &RuleLimits::default()).is_err());
        refused += usize::from(inspect(&whole[..n.min(whole.len())], &RuleLimits::default()).is_err());
    }
    assert!(refused > 2_000, "{refused} were refused: every cut, and some of the damage");
}

#[test]
fn a_module_tells_what_it_is() {
    let module = load("mirror");
    assert_eq!((module.facts().name.as_str(), module.facts().version.as_str()), ("mirror", "1.0.0"));
    assert_eq!((module.columns().len(), module.is_canonical(), module.built()), (16, false, None));
    assert_eq!(module.facts().module, crate::model::Digest::of(&component("mirror")));
    let given = [("form".to_owned(), crate::rule::SettingValue::Boolean(true))].into();
    let error = module.check_settings(&given).map_err(|error| error.to_string());
    assert_eq!(error, Err("setting `form` of rule `mirror` must be a text, and is true or false".to_owned()));
}
