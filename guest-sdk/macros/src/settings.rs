//! `#[derive(Settings)]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::meta::ParseNestedMeta;
use syn::parse::Parse;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Expr, Field, Fields, LitStr, Result, Type};

use crate::doc;

pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(item)?;
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => &fields.named,
            _ => {
                return Err(Error::new(
                    input.ident.span(),
                    "settings are the named fields of a struct: write `struct Settings { name: kind }`",
                ));
            }
        },
        _ => {
            return Err(Error::new(
                input.ident.span(),
                "settings are the fields of a struct: write `struct`, with a field for each",
            ));
        }
    };
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "a struct of settings has no parameters: name the types"));
    }
    let name = &input.ident;
    let (mut schema, mut read) = (Vec::new(), Vec::new());
    let mut seen = std::collections::BTreeSet::new();
    for field in fields {
        let field = Setting::of(field)?;
        if !field.flatten && !seen.insert(field.name.clone()) {
            return Err(Error::new_spanned(&field.field.ident, format!("two settings are called `{}`: rename one", field.name)));
        }
        schema.push(field.schema());
        read.push(field.read());
    }
    Ok(quote! {
        impl ::trueup_guest::Settings for #name {
            fn schema(out: &mut ::std::vec::Vec<::trueup_guest::wire::SettingInfo>) {
                #(#schema)*
            }

            fn read(given: &::trueup_guest::Given<'_>) -> ::core::result::Result<Self, ::trueup_guest::Fault> {
                ::core::result::Result::Ok(Self { #(#read)* })
            }
        }
    })
}

struct Setting<'a> {
    field: &'a Field,
    name: String,
    help: String,
    default: Option<TokenStream>,
    bounds: Option<(Expr, Expr)>,
    flatten: bool,
}

impl<'a> Setting<'a> {
    fn of(field: &'a Field) -> Result<Self> {
        let ident = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut setting = Setting {
            field,
            name: doc::kebab(&ident),
            help: doc::text(&field.attrs),
            default: None,
            bounds: None,
            flatten: false,
        };
        let (mut min, mut max): (Option<Expr>, Option<Expr>) = (None, None);
        let (mut named, mut bounded, mut defaulted) = (field.ident.span(), None, None);
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("setting")) {
            attribute.parse_nested_meta(|meta| {
                let Some(option) = meta.path.get_ident().map(ToString::to_string) else {
                    return Err(Error::new_spanned(&meta.path, OPTIONS));
                };
                match option.as_str() {
                    "default" => {
                        setting.default = Some(default(&field.ty, &value(&meta)?));
                        defaulted = Some(meta.path.clone());
                    }
                    "min" | "max" => {
                        let bound = if option == "min" { &mut min } else { &mut max };
                        *bound = Some(value(&meta)?);
                        bounded = Some(meta.path.clone());
                    }
                    "name" => {
                        let name: LitStr = value(&meta)?;
                        (setting.name, named) = (name.value(), name.span());
                    }
                    "flatten" => setting.flatten = true,
                    _ => return Err(Error::new_spanned(&meta.path, OPTIONS)),
                }
                Ok(())
            })?;
        }
        if let Some(bound) = bounded.filter(|_| !is(&field.ty, "i64")) {
            return Err(Error::new_spanned(
                bound,
                "`min` and `max` are for whole numbers: make the field an `i64`, or remove them",
            ));
        }
        if min.is_some() || max.is_some() {
            let (least, most) = (syn::parse_quote!(i64::MIN), syn::parse_quote!(i64::MAX));
            setting.bounds = Some((min.unwrap_or(least), max.unwrap_or(most)));
        }
        if let Some(default) = defaulted.filter(|_| setting.flatten) {
            return Err(Error::new_spanned(default, "a flattened set has the defaults of its own fields: remove this one"));
        }
        if !setting.flatten {
            doc::plain(&setting.name, named, "the setting's name")?;
            if setting.help.is_empty() {
                let text = format!("say what `{ident}` does in a doc comment: vendors read it as the setting's help");
                return Err(Error::new_spanned(&field.ident, text));
            }
        }
        Ok(setting)
    }

    fn schema(&self) -> TokenStream {
        let (kind, name, help) = (&self.field.ty, &self.name, &self.help);
        if self.flatten {
            return quote_spanned!(kind.span()=> <#kind as ::trueup_guest::Settings>::schema(out););
        }
        let setting_type = quote_spanned!(kind.span()=> <#kind as ::trueup_guest::SettingType>);
        let default = match &self.default {
            Some(value) => quote!(::core::option::Option::Some(#setting_type::to_value(&#value))),
            None => quote!(::core::option::Option::None),
        };
        quote! {
            out.push(::trueup_guest::wire::SettingInfo {
                name: ::std::string::String::from(#name),
                kind: #setting_type::KIND,
                help: ::std::string::String::from(#help),
                default: #default,
            });
        }
    }

    fn read(&self) -> TokenStream {
        let (field, kind, name) = (&self.field.ident, &self.field.ty, &self.name);
        if self.flatten {
            return quote_spanned!(kind.span()=> #field: <#kind as ::trueup_guest::Settings>::read(given)?,);
        }
        let default = match &self.default {
            Some(value) => quote!(::core::option::Option::Some(#value)),
            None => quote!(::core::option::Option::None),
        };
        let value = quote_spanned!(kind.span()=> given.get::<#kind>(#name, #default)?);
        match &self.bounds {
            Some((min, max)) => {
                let [min, max] = [min, max].map(|bound| quote_spanned!(bound.span()=> { let bound: i64 = #bound; bound }));
                quote!(#field: ::trueup_guest::Given::bounded(#name, #value, #min, #max)?,)
            }
            None => quote!(#field: #value,),
        }
    }
}

const OPTIONS: &str = "the options are `default = …`, `min = …`, `max = …`, `name = \"…\"` and `flatten`";

/// What stands behind an option's `=`.
fn value<T: Parse>(meta: &ParseNestedMeta<'_>) -> Result<T> {
    let option = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
    let missing = |_| Error::new_spanned(&meta.path, format!("give it a value: `{option} = …`"));
    meta.value().map_err(missing)?.parse()
}

/// The default in the field's own type: texts are written as literals.
fn default(kind: &Type, value: &Expr) -> TokenStream {
    if is(kind, "String") {
        return quote_spanned!(value.span()=> ::std::string::String::from(#value));
    }
    if is(kind, "Vec") {
        return quote_spanned!(value.span()=> {
            let texts: &[&str] = &#value;
            texts.iter().map(|text| ::std::string::String::from(*text)).collect::<#kind>()
        });
    }
    // Named with its type, so that a value of another one is told where it stands.
    quote_spanned!(value.span()=> { let value: #kind = #value; value })
}

fn is(kind: &Type, name: &str) -> bool {
    matches!(kind, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == name))
}
