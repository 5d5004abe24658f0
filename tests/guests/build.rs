//! Guests are components, each by itself: what `trueup rule build` says to the compiler of an ordinary rule.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(trueup_component)");
    println!("cargo::rustc-cfg=trueup_component");
    println!("cargo::rerun-if-changed=build.rs");
}
