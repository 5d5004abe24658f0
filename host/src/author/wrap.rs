//! Wrapping a core module that another language's compiler made: the contract is WIT, so any language with bindings for it will do.

use wasmparser::Parser;

use super::build::encode;

/// Why a core module does not make a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WrapError {
    /// It is a component already, or something else.
    #[error("this is no core WebAssembly module: hand over what the compiler linked, before anything wrapped it")]
    NotCore,
    /// It does not fit the contract.
    #[error("the module does not make a component: {0}")]
    Unfit(String),
}

/// Wraps a core module as a component. It must export the contract's functions under the names of the canonical ABI, and carry the
/// description of the world `rule-module` in a custom section, as the C bindings of wit-bindgen leave it there. Whether the
/// component may run is for admission to say.
///
/// # Errors
/// When it is no core module, or lacks something.
pub fn wrap_module(module: &[u8]) -> Result<Vec<u8>, WrapError> {
    if !Parser::is_core_wasm(module) {
        return Err(WrapError::NotCore);
    }
    encode(module).map_err(WrapError::Unfit)
}
