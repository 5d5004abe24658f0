//! The bundled rules, built from source as authors build theirs.

use std::path::{Path, PathBuf};

use wasmparser::{Parser, Payload};
use wit_component::DecodedWasm;

use super::{BuildError, BuildOptions, build_component};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The names of what a component imports and exports.
fn surface(component: &[u8]) -> (Vec<String>, Vec<String>) {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component).unwrap() else {
        panic!("a component was expected");
    };
    let world = &resolve.worlds[world];
    let names = |items: Vec<_>| items.into_iter().map(|key| resolve.name_world_key(key)).collect();
    (names(world.imports.keys().collect()), names(world.exports.keys().collect()))
}

#[test]
fn a_bundled_rule_becomes_a_component_without_authority() {
    let built = build_component(&repository("rules/standard"), &BuildOptions::default()).unwrap();
    assert_eq!((built.name.as_str(), built.version.as_str()), ("trueup-standard", env!("CARGO_PKG_VERSION")));
    let (imports, exports) = surface(&built.component);
    // The types are no function: nothing is called through them.
    assert_eq!(imports, ["trueup:rules/log@1.0.0", "trueup:rules/types@1.0.0"]);
    assert_eq!(exports, ["trueup:rules/rule@1.0.0"]);
    let sections = Parser::new(0).parse_all(&built.component).filter_map(|payload| match payload.unwrap() {
        Payload::CustomSection(section) if section.name() == "trueup:rule" => Some(section.data().to_vec()),
        _ => None,
    });
    let version = env!("CARGO_PKG_VERSION");
    let told = format!("contract=trueup:rules@1.0.0;sdk={version};name=standard;version={version}");
    assert_eq!(sections.collect::<Vec<_>>(), [told.into_bytes()]);
    let kilobytes = built.component.len() / 1024;
    assert!(kilobytes < 128, "the standard rule has grown to {kilobytes} KiB");

    // What cannot have changed is not built to something else.
    let again = build_component(&repository("rules/standard"), &BuildOptions::default()).unwrap();
    assert!(again.component == built.component, "the same sources gave two components");
}

#[test]
fn what_is_no_rule_is_refused_with_advice() {
    let folder = std::env::temp_dir().join(format!("trueup-author-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let check = |source: Option<&str>, message: &str| {
        if let Some(source) = source {
            let manifest = "[package]\nname = \"lonely\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
            std::fs::create_dir_all(folder.join("src")).unwrap();
            std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
            std::fs::write(folder.join("src/lib.rs"), source).unwrap();
        }
        let error = build_component(&folder, &BuildOptions::default()).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        error
    };
    check(None, "has no `Cargo.toml`");
    check(Some("pub fn nothing() {}"), "a rule's crate has one function with `#[rule]`");
    let error = check(Some("pub fn broken( {}"), "does not compile");
    assert!(matches!(error, BuildError::Compile(_)));
    std::fs::remove_dir_all(&folder).unwrap();
}
