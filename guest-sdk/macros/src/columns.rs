//! The list in `columns(...)`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
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
            return Ok(Column::Named(input.parse::<LitStr>()?.value()));
        }
        if input.peek(Token![..]) {
            input.parse::<Token![..]>()?;
            return Ok(Column::Of(input.parse()?));
        }
        let name: Ident = input.parse()?;
        let column = kebab(&name.to_string());
        if OPTIONAL.contains(&column.as_str()) {
            return Ok(Column::Named(column));
        }
        if CORE.contains(&column.as_str()) {
            return Err(Error::new(name.span(), format!("the column `{column}` is always there; leave it out")));
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

/// The body of `Rule::columns`.
pub(crate) fn body(columns: &[Column]) -> TokenStream {
    let named = columns.iter().filter_map(|column| match column {
        Column::Named(name) => Some(name),
        Column::Of(_) => None,
    });
    let of = columns.iter().filter_map(|column| match column {
        Column::Of(rule) => Some(rule),
        Column::Named(_) => None,
    });
    quote! {
        #[allow(unused_mut)]
        let mut columns = ::std::vec![#(::std::string::String::from(#named)),*];
        #(columns.extend(::trueup_guest::NativeRule::describe(&#of).columns);)*
        columns
    }
}
