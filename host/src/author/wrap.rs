//! Wrapping a core module that another language's compiler made: the contract is WIT, so any language with bindings for it will do.

use wasmparser::Parser;

use super::build::{INTERFACE, Unfit, encode};

/// Why a core module does not make a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WrapError {
    /// It is something else.
    #[error("this is no WebAssembly: hand over the module that the compiler linked")]
    NotWasm,
    /// Something wrapped it before.
    #[error("this is a component already, which a host takes as it is; only a core module is wrapped")]
    Component,
    /// It does not fit the contract.
    #[error("the module does not make a component: {0}")]
    Unfit(String),
    /// It makes a component without a rule.
    #[error("the module makes a component that exports no `{INTERFACE}`, so that nothing could be asked of it")]
    NoRule,
}

/// Wraps a core module as a component. It must export the contract's functions under the names of the canonical ABI, and carry the
/// description of the world `rule-module` in a custom section, as the C bindings of wit-bindgen leave it there. Whether the
/// component may run is for admission to say.
///
/// # Errors
/// When it is no core module, or lacks something.
pub fn wrap_module(module: &[u8]) -> Result<Vec<u8>, WrapError> {
    if Parser::is_component(module) {
        return Err(WrapError::Component);
    }
    if !Parser::is_core_wasm(module) {
        return Err(WrapError::NotWasm);
    }
    encode(module).map_err(|unfit| match unfit {
        Unfit::NoRule => WrapError::NoRule,
        Unfit::Encoder(problem) => WrapError::Unfit(problem),
    })
}
