//! The attribute `#[rule]` and the derives of `trueup-guest`, which documents
//! them. Every mistake is reported at the author's own tokens, with what to
//! write instead.

mod columns;
mod doc;
mod reasons;
mod rule;
mod settings;
mod signature;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Makes a rule of a function.
///
/// ```text
/// #[rule(
///     name = "dormant-admins",              // else the function's name
///     version = "1.2.0",                    // else the crate's version
///     columns(last_used, "risk-score"),     // optional columns, and vendor columns as text
///     canon = login,                        // else keys are compared as they are
/// )]
/// pub fn dormant_admins(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> { … }
/// ```
///
/// A rule over single cases takes a `Case` and the context and returns an
/// opinion. A rule over whole identities takes an `Identity`, the context and
/// `&mut Answers<Why>`. A composed rule asks for the columns of its parts with
/// `columns(..other_crate::RULE)`.
///
/// The attribute leaves the function as it is and adds the constant `RULE`, a
/// `NativeRule`. `trueup rule build` compiles the crate with `--cfg trueup_component`,
/// which adds the exports that make it a rule module; a crate that is only
/// linked into another one has none, so composed rules do not collide.
#[proc_macro_attribute]
pub fn rule(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let own = item.clone();
    match rule::expand(arguments.into(), item.into()) {
        Ok(expanded) => expanded.into(),
        // The function stays: what names it elsewhere is no second mistake.
        Err(error) => [TokenStream::from(error.to_compile_error()), own].into_iter().collect(),
    }
}

/// Makes a table of reasons of an enum. See the trait `Reasons`.
#[proc_macro_derive(Reasons, attributes(reasons))]
pub fn derive_reasons(item: TokenStream) -> TokenStream {
    finish(reasons::expand(item.into()))
}

/// Makes a set of settings of a struct. See the trait `Settings`.
#[proc_macro_derive(Settings, attributes(setting))]
pub fn derive_settings(item: TokenStream) -> TokenStream {
    finish(settings::expand(item.into()))
}

fn finish(result: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    result.unwrap_or_else(|error| error.to_compile_error()).into()
}
