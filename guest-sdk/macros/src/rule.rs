//! `#[rule(...)]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, Ident, Item, LitStr, Path, Result, Token, parenthesized};

use crate::columns::{self, Column};
use crate::doc;
use crate::signature::{Form, Signature};

/// The contract that the bindings of `trueup-guest` are made from.
pub(crate) const CONTRACT: &str = "trueup:rules@0.1.0";

/// Both crates are released together.
const SDK: &str = env!("CARGO_PKG_VERSION");

/// What stands in the attribute's parentheses.
#[derive(Default)]
struct Arguments {
    name: Option<LitStr>,
    version: Option<Expr>,
    columns: Vec<Column>,
    canon: Option<Path>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Arguments::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            match key.to_string().as_str() {
                "name" => {
                    input.parse::<Token![=]>()?;
                    arguments.name = Some(name(input.parse()?)?);
                }
                "version" => {
                    input.parse::<Token![=]>()?;
                    arguments.version = Some(input.parse()?);
                }
                "columns" => {
                    let list;
                    parenthesized!(list in input);
                    arguments.columns = Punctuated::<Column, Token![,]>::parse_terminated(&list)?.into_iter().collect();
                }
                "canon" => {
                    input.parse::<Token![=]>()?;
                    arguments.canon = Some(input.parse()?);
                }
                _ => {
                    return Err(Error::new(
                        key.span(),
                        "the options are `name = \"…\"`, `version = \"…\"`, `columns(…)` and `canon = function`",
                    ));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

/// A name goes into records and reports, so it has a plain form.
fn name(name: LitStr) -> Result<LitStr> {
    let text = name.value();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if text.is_empty() || !text.bytes().all(plain) {
        return Err(Error::new(name.span(), "a rule's name is lower case with hyphens, like \"dormant-admins\""));
    }
    Ok(name)
}

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let arguments: Arguments = syn::parse2(arguments)?;
    let function = match syn::parse2(item)? {
        Item::Fn(function) => function,
        other => return Err(Error::new(other.span(), "`#[rule]` goes on a function")),
    };
    let signature = Signature::of(&function)?;
    let (visibility, ident) = (&function.vis, &function.sig.ident);

    let name = match arguments.name {
        Some(name) => name,
        None => LitStr::new(&doc::kebab(&ident.to_string()), ident.span()),
    };
    let version = arguments.version.map_or_else(|| quote!(::core::env!("CARGO_PKG_VERSION")), |version| quote!(#version));
    let columns = columns::body(&arguments.columns);
    let canonical = arguments.canon.is_some();
    let canon = arguments.canon.map(|canon| {
        quote_spanned! {canon.span()=>
            fn canon(kind: ::trueup_guest::Key, key: &str) -> ::std::borrow::Cow<'_, str> {
                #canon(kind, key)
            }
        }
    });
    let settings = &signature.settings;
    let (why, body) = match &signature.form {
        Form::Cases { returns } => (
            quote_spanned!(returns.span()=> <#returns as ::trueup_guest::Opinion>::Why),
            quote!(::trueup_guest::__private::each(identity, answers, |case| #ident(case, cx))),
        ),
        Form::Identities { why } => (quote!(#why), quote!(::trueup_guest::Finished::into_result(#ident(identity, cx, answers)))),
    };
    let constant = format!(" The rule `{}`, to be described and called natively.", name.value());

    // Called in one place by the kit: the rule and its loop are compiled as one.
    let inline = (!function.attrs.iter().any(|attribute| attribute.path().is_ident("inline"))).then(|| quote!(#[inline]));

    Ok(quote! {
        #inline
        #function

        #[doc = #constant]
        #[allow(unexpected_cfgs)]
        #visibility const RULE: ::trueup_guest::NativeRule = {
            struct Rule;

            impl ::trueup_guest::__private::Rule for Rule {
                type Settings = #settings;
                type Why = #why;
                const NAME: &'static str = #name;
                const VERSION: &'static str = #version;
                const CANONICAL: bool = #canonical;

                fn columns() -> ::std::vec::Vec<::std::string::String> {
                    #columns
                }

                fn judge(
                    identity: ::trueup_guest::Identity<'_>,
                    cx: &::trueup_guest::Context<'_, Self::Settings>,
                    answers: &mut ::trueup_guest::Answers<Self::Why>,
                ) -> ::core::result::Result<(), ::trueup_guest::Fault> {
                    #body
                }

                #canon
            }

            #[cfg(all(target_arch = "wasm32", trueup_component))]
            const _: () = {
                const TEXT: &str = ::core::concat!(
                    "contract=", #CONTRACT, ";sdk=", #SDK, ";name=", #name, ";version=", #version
                );
                #[used]
                #[unsafe(link_section = "trueup:rule")]
                static SECTION: [u8; TEXT.len()] = ::trueup_guest::component::section(TEXT);

                ::trueup_guest::__export!(Rule);
            };

            ::trueup_guest::NativeRule::of::<Rule>()
        };
    })
}
