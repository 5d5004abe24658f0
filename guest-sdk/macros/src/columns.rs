//! The list in `columns(...)`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned as _;
use syn::{Error, Ident, LitStr, Path, Result, Token};

use crate::doc::kebab;

const OPTIONAL: [&str; 16] = [
    "identity-owner",
    "identity-unit",
    "not-before",
    "last-used",
    "undesired-since",
    "disabled-since",
    "level",
    "owner",
    "purpose",
    "observed-purpose",
    "record",
    "approver",
    "via",
    "replaces",
    "tier",
    "exclusion",
];

const CORE: [&str; 17] = [
    "identity",
    "identity-kind",
    "identity-status",
    "identity-moved-at",
    "identity-ends-at",
    "subject",
    "target",
    "holder",
    "object",
    "desired",
    "observed",
    "recorded",
    "unknown-why",
    "differs",
    "traits",
    "desired-expires-at",
    "observed-expires-at",
];

/// One entry of the list.
pub(crate) enum Column {
    /// A column by its name.
    Named(String),
    /// All columns of another rule.
    Of(Path),
}

impl Parse for Column {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            let text = input.parse::<LitStr>()?;
            return match CORE.contains(&text.value().as_str()) {
                true => Err(always(text.span(), &text.value())),
                false => Ok(Column::Named(text.value())),
            };
        }
        if input.peek(Token![..]) {
            input.parse::<Token![..]>()?;
            return Ok(Column::Of(input.parse()?));
        }
        if !input.peek(Ident::peek_any) {
            return Err(input.error("a column is its name, like `last_used`, a vendor's as text, or `..other_crate::RULE`"));
        }
        let name: Ident = input.call(Ident::parse_any)?;
        let column = kebab(&name.to_string());
        if OPTIONAL.contains(&column.as_str()) {
            return Ok(Column::Named(column));
        }
        if CORE.contains(&column.as_str()) {
            return Err(always(name.span(), &column));
        }
        let known: Vec<_> = OPTIONAL.iter().map(|name| name.replace('-', "_")).collect();
        Err(Error::new(
            name.span(),
            format!(
                "there is no column `{name}`; the optional ones are {}. \
                 A column that a vendor adds is written as text: \"{column}\"",
                known.join(", ")
            ),
        ))
    }
}

fn always(span: Span, column: &str) -> Error {
    Error::new(span, format!("the column `{column}` is always there; leave it out"))
}

/// The body of `Rule::columns`.
pub(crate) fn body(columns: &[Column]) -> TokenStream {
    let named = columns.iter().filter_map(|column| match column {
        Column::Named(name) => Some(name),
        Column::Of(_) => None,
    });
    let of = columns.iter().filter_map(|column| match column {
        Column::Of(rule) => {
            Some(quote_spanned!(rule.span()=> columns.extend(::trueup_guest::NativeRule::describe(&#rule).columns);))
        }
        Column::Named(_) => None,
    });
    quote! {
        #[allow(unused_mut)]
        let mut columns = ::std::vec![#(::std::string::String::from(#named)),*];
        #(#of)*
        columns
    }
}
