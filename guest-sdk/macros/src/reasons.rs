//! `#[derive(Reasons)]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Ident, Result, Type, Variant};

use crate::doc;

pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(item)?;
    let Data::Enum(data) = &input.data else {
        return Err(Error::new(input.ident.span(), "reasons are the variants of an enum: write `enum`, with a variant for each"));
    };
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "an enum of reasons has no parameters: remove them"));
    }
    let name = &input.ident;
    let variants: Vec<Reason<'_>> = data.variants.iter().map(Reason::of).collect::<Result<_>>()?;

    unique(&variants)?;

    // Each variant begins where the ones before it end.
    let mut start = quote!(0);
    let (mut index, mut table, mut from) = (Vec::new(), Vec::new(), Vec::new());
    let mut run = Vec::new();
    for variant in &variants {
        match variant {
            Reason::One { name: variant, code, text } => {
                index.push(quote!(#name::#variant => #start,));
                run.push(quote!((#code, #text)));
                start = quote!(#start + 1);
            }
            Reason::Nested { name: variant, set } => {
                let reasons = quote_spanned!(set.span()=> <#set as ::trueup_guest::Reasons>);
                index.push(quote!(#name::#variant(reason) => #start + #reasons::index(reason),));
                table.extend(rows(&mut run));
                table.push(quote!(#reasons::table(out);));
                from.push(quote! {
                    impl ::core::convert::From<#set> for #name {
                        fn from(reason: #set) -> Self {
                            #name::#variant(reason)
                        }
                    }
                });
                start = quote!(#start + #reasons::COUNT);
            }
        }
    }
    table.extend(rows(&mut run));
    // An enum without variants has no value to match on.
    let index = if index.is_empty() { quote!(match self {}) } else { quote!(match self { #(#index)* }) };
    Ok(quote! {
        impl ::trueup_guest::Reasons for #name {
            const COUNT: u16 = #start;

            #[inline]
            fn index(self) -> u16 {
                #index
            }

            fn table(out: &mut ::std::vec::Vec<::trueup_guest::wire::Reason>) {
                #(#table)*
            }
        }

        #(#from)*
    })
}

/// The rows of a run of plain reasons: one loop over data, since code that adds
/// each of them would be most of a small module.
fn rows(run: &mut Vec<TokenStream>) -> Option<TokenStream> {
    if run.is_empty() {
        return None;
    }
    let run = std::mem::take(run);
    Some(quote!(::trueup_guest::__private::table(out, &[#(#run),*]);))
}

/// Two names can make one code: `NotUsed` and `Not_used`.
fn unique(variants: &[Reason<'_>]) -> Result<()> {
    let mut seen = std::collections::BTreeMap::new();
    for variant in variants {
        if let Reason::One { name, code, .. } = variant
            && let Some(other) = seen.insert(code, name)
        {
            return Err(Error::new(name.span(), format!("`{name}` and `{other}` have the same code, `{code}`: rename one")));
        }
    }
    Ok(())
}

enum Reason<'a> {
    One { name: &'a Ident, code: String, text: String },
    Nested { name: &'a Ident, set: &'a Type },
}

impl<'a> Reason<'a> {
    fn of(variant: &'a Variant) -> Result<Self> {
        let name = &variant.ident;
        let mut nested = false;
        for attribute in variant.attrs.iter().filter(|attribute| attribute.path().is_ident("reasons")) {
            attribute.parse_nested_meta(|meta| {
                if !meta.path.is_ident("nested") {
                    return Err(Error::new_spanned(&meta.path, "the one option is `#[reasons(nested)]`"));
                }
                nested = true;
                Ok(())
            })?;
        }
        match (&variant.fields, nested) {
            (Fields::Unit, false) => {
                let text = doc::text(&variant.attrs);
                if text.is_empty() {
                    return Err(Error::new(
                        name.span(),
                        format!("say what `{name}` means in a doc comment: operators read it as the reason's text"),
                    ));
                }
                let code = doc::kebab(&name.to_string());
                doc::plain(&code, name.span(), "the reason's code")?;
                Ok(Reason::One { name, code, text })
            }
            (Fields::Unnamed(fields), true) if fields.unnamed.len() == 1 => match fields.unnamed.first() {
                Some(field) => Ok(Reason::Nested { name, set: &field.ty }),
                None => Err(Error::new(name.span(), "a nested variant holds one set of reasons")),
            },
            (_, true) => {
                Err(Error::new(name.span(), format!("a nested variant holds one set of reasons: `{name}(other_crate::Why)`")))
            }
            (_, false) => Err(Error::new_spanned(
                &variant.fields,
                "a reason has no fields; to take in another rule's reasons mark the variant `#[reasons(nested)]`",
            )),
        }
    }
}
