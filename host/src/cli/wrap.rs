//! `trueup rule wrap`.

use std::path::Path;

use serde_json::json;

use super::Terminal;
use super::exit::{Exit, Failure, Outcome};
use super::style::{GREEN, count, paint};
use crate::author::{Coded as _, WrapError, wrap_module};
use crate::rule::RuleLimits;

pub(super) fn wrap(terminal: &mut Terminal<'_>, module: &Path, out: &Path) -> Outcome {
    let shown = module.display();
    let bytes = std::fs::read(module).map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("cannot read `{shown}`"));
        Failure::new(Exit::Module, error, "name the module that your compiler linked").coded("TR0421")
    })?;
    let component = wrap_module(&bytes).map_err(|error| {
        let (code, help) = (error.code(), help(&error));
        let error = anyhow::Error::new(error).context(format!("`{shown}` is no rule"));
        Failure::new(Exit::Module, error, help).coded(code)
    })?;
    // What no host would take is better refused here.
    let loaded = super::open::load(&component, None, &RuleLimits::default())?;
    std::fs::write(out, &component).map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("cannot write `{}`", out.display()));
        Failure::new(Exit::Unwritable, error, "choose another place with --out")
    })?;
    let rule = loaded.facts().label();
    if terminal.common.json {
        terminal.json(&json!({ "component": out, "bytes": component.len(), "rule": rule }))?;
    } else {
        let size = count(component.len() as u64);
        writeln!(terminal.out, "{} {rule} in {} ({size} bytes)", paint(GREEN, "wrapped"), out.display())?;
    }
    Ok(Exit::Done)
}

fn help(error: &WrapError) -> &'static str {
    match error {
        WrapError::NotWasm => "a module begins with the bytes `\\0asm`; see whether the path is right",
        WrapError::Component => "`trueup rule inspect` shows what it is, `trueup rule check` whether it is admitted",
        WrapError::Unfit(_) => {
            "export the contract's functions with the bindings that wit-bindgen makes of `wit/rules.wit`, and import nothing else, no WASI either"
        }
        _ => "make bindings for the world `rule-module` of `wit/rules.wit` with wit-bindgen, and link them into the module",
    }
}
