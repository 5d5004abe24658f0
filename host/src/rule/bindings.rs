//! What `wit/rules.wit` says, as Rust types. Nothing outside `rule` sees them.
#![allow(missing_docs, unreachable_pub, unused_variables, clippy::all, reason = "generated")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "rule-module",
    imports: { default: trappable },
});
