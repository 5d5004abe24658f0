//! `#[rule(...)]`.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::token::Paren;
use syn::{Error, Expr, Ident, Item, LitStr, Path, Result, Token, parenthesized};

use crate::columns::{self, Column};
use crate::doc;
use crate::signature::{Form, Signature};

/// The contract that the bindings of `trueup-guest` are made from.
pub(crate) const CONTRACT: &str = "trueup:rules@1.0.0";

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
        let mut seen: Vec<Ident> = Vec::new();
        while !input.is_empty() {
            let key: Ident = input.call(Ident::parse_any).map_err(|error| Error::new(error.span(), OPTIONS))?;
            if seen.contains(&key) {
                return Err(Error::new(key.span(), format!("`{key}` stands twice: remove one")));
            }
            match key.to_string().as_str() {
                "name" => arguments.name = Some(name(value(input, &key, "a text, like `name = \"dormant-admins\"`")?)?),
                "version" => arguments.version = Some(value(input, &key, "a text, like `version = \"1.2.0\"`")?),
                "columns" => arguments.columns = list(input, &key)?,
                "canon" => arguments.canon = Some(value(input, &key, "a function, like `canon = login`")?),
                _ => return Err(Error::new(key.span(), OPTIONS)),
            }
            seen.push(key);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

const OPTIONS: &str = "the options are `name = \"…\"`, `version = \"…\"`, `columns(…)` and `canon = function`";

/// What stands behind an option's `=`.
fn value<T: Parse>(input: ParseStream<'_>, key: &Ident, what: &str) -> Result<T> {
    if !input.peek(Token![=]) {
        return Err(Error::new(key.span(), format!("`{key}` is {what}")));
    }
    input.parse::<Token![=]>()?;
    input.parse().map_err(|error| Error::new(error.span(), format!("`{key}` is {what}")))
}

fn list(input: ParseStream<'_>, key: &Ident) -> Result<Vec<Column>> {
    if !input.peek(Paren) {
        return Err(Error::new(key.span(), "columns are a list: `columns(last_used, level)`"));
    }
    let list;
    parenthesized!(list in input);
    Ok(Punctuated::<Column, Token![,]>::parse_terminated(&list)?.into_iter().collect())
}

/// A name goes into records and reports, so it has a plain form.
fn name(name: LitStr) -> Result<LitStr> {
    let text = name.value();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if text.is_empty() || !text.bytes().all(plain) {
        return Err(Error::new(name.span(), "a rule's name is lower case with hyphens, like `dormant-admins`"));
    }
    Ok(name)
}

/// Where an item that is no function begins, its attributes and visibility left out.
fn place(item: &Item) -> Span {
    match item {
        Item::Struct(item) => item.ident.span(),
        Item::Enum(item) => item.ident.span(),
        Item::Const(item) => item.ident.span(),
        Item::Static(item) => item.ident.span(),
        Item::Mod(item) => item.ident.span(),
        Item::Trait(item) => item.ident.span(),
        Item::Type(item) => item.ident.span(),
        Item::Impl(item) => item.impl_token.span,
        item => item.span(),
    }
}

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let arguments: Arguments = syn::parse2(arguments)?;
    let function = match syn::parse2(item)? {
        Item::Fn(function) => function,
        other => return Err(Error::new(place(&other), "`#[rule]` goes on a function: `fn rule(case: Case<'_>, …)`")),
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
    let (why, judge) = judging(&signature, ident);
    let exports = exports(&name, &version);
    let constant = format!(" The rule `{}`, to be described and called natively.", name.value());
    let inner = quote! {
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

            #judge

            #canon
        }

        #exports

        ::trueup_guest::NativeRule::of::<Rule>()
    };
    // All of the constant stands at the function's name: where two rules meet in one module, that is what the compiler points at.
    let mut value = Group::new(Delimiter::Brace, inner);
    value.set_span(ident.span());
    let rule = quote_spanned!(ident.span()=> const RULE: ::trueup_guest::NativeRule = #value;);
    // Called in one place by the kit: the rule and its loop are compiled as one.
    let inline = (!function.attrs.iter().any(|attribute| attribute.path().is_ident("inline"))).then(|| quote!(#[inline]));

    Ok(quote! {
        #inline
        #function

        #[doc = #constant]
        #[allow(unexpected_cfgs)]
        #visibility #rule
    })
}

/// The type of the rule's reasons, and the function that calls it: all at what the author says that it returns, because that is
/// what can be of a wrong type.
fn judging(signature: &Signature, ident: &Ident) -> (TokenStream, TokenStream) {
    let (span, why, body) = match &signature.form {
        Form::Cases { returns } => (
            returns.span(),
            quote_spanned!(returns.span()=> <#returns as ::trueup_guest::Opinion>::Why),
            quote_spanned!(returns.span()=> ::trueup_guest::__private::each(identity, answers, |case| #ident(case, cx))),
        ),
        Form::Identities { why, ends } => {
            (*ends, quote!(#why), quote_spanned!(*ends=> ::trueup_guest::Finished::into_result(#ident(identity, cx, answers))))
        }
    };
    let judge = quote_spanned! {span=>
        fn judge(
            identity: ::trueup_guest::Identity<'_>,
            cx: &::trueup_guest::Context<'_, Self::Settings>,
            answers: &mut ::trueup_guest::Answers<Self::Why>,
        ) -> ::core::result::Result<(), ::trueup_guest::Fault> {
            #body
        }
    };
    (why, judge)
}

/// What makes a module of it, and says what it was built for.
fn exports(name: &LitStr, version: &TokenStream) -> TokenStream {
    quote! {
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
    }
}
