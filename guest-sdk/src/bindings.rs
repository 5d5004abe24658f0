//! What `wit/rules.wit` says, as Rust types: generated once, here, so that a
//! rule's own crate knows neither the contract's text nor its bindings.
#![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::unwrap_used)]

wit_bindgen::generate!({
    path: "wit",
    world: "rule-module",
    additional_derives: [PartialEq],
    pub_export_macro: true,
    export_macro_name: "__export_bindings",
    default_bindings_module: "trueup_guest::bindings",
});
