//! Reading the signature of a rule's function, and saying what is wrong with it.

use proc_macro2::Span;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, FnArg, GenericArgument, GenericParam, ItemFn, PathArguments, Result, ReturnType, Type, TypePath};

const CASES: &str = "fn rule(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>>";
const IDENTITIES: &str = "fn rule(identity: Identity<'_>, cx: &Context<Settings>, answers: &mut Answers<Why>)";

/// What a rule's function takes and gives.
pub(crate) struct Signature {
    pub(crate) settings: Type,
    pub(crate) form: Form,
}

/// The two forms of a rule.
pub(crate) enum Form {
    /// One case at a time, with what it returns.
    Cases { returns: Type },
    /// Whole identities, with the reasons of its answers, and where it is said what it returns.
    Identities { why: Type, ends: Span },
}

impl Signature {
    pub(crate) fn of(function: &ItemFn) -> Result<Self> {
        let signature = &function.sig;
        if let Some(token) = &signature.asyncness {
            return Err(Error::new(token.span(), "a rule computes and never waits: remove `async`"));
        }
        if let syn::Safety::Unsafe(token) = &signature.safety {
            return Err(Error::new(token.span(), "a rule is called as a safe function: remove `unsafe`"));
        }
        let generic = |parameter: &&GenericParam| !matches!(parameter, GenericParam::Lifetime(_));
        if let Some(parameter) = signature.generics.params.iter().find(generic) {
            return Err(Error::new_spanned(parameter, "a rule has no type parameters: name the types"));
        }
        let arguments: Vec<&Type> = signature.inputs.iter().map(argument).collect::<Result<_>>()?;
        match arguments.as_slice() {
            [case, context] => Self::cases(case, context, &signature.output, function),
            [identity, context, answers] => Self::identities(identity, context, answers, function),
            _ => Err(Error::new(
                signature.paren_token.span.join(),
                format!("a rule takes a case and the context, `{CASES}`, or a whole identity, `{IDENTITIES}`"),
            )),
        }
    }

    fn cases(case: &Type, context: &Type, output: &ReturnType, function: &ItemFn) -> Result<Self> {
        if last_segment(case).is_some_and(|name| name == "Identity") {
            return Err(Error::new_spanned(
                case,
                format!("a rule over whole identities gives its answers through a third argument: `{IDENTITIES}`"),
            ));
        }
        expect(case, "Case", "the first argument is the case: `case: Case<'_>`")?;
        let ReturnType::Type(_, returns) = output else {
            return Err(Error::new(
                function.sig.paren_token.span.close(),
                format!("a rule over cases returns its opinion: `{CASES}`"),
            ));
        };
        Ok(Signature { settings: settings(context)?, form: Form::Cases { returns: (**returns).clone() } })
    }

    fn identities(identity: &Type, context: &Type, answers: &Type, function: &ItemFn) -> Result<Self> {
        if last_segment(identity).is_some_and(|name| name == "Case") {
            return Err(Error::new_spanned(
                answers,
                format!("a rule over cases returns its opinion and has no third argument: `{CASES}`"),
            ));
        }
        expect(identity, "Identity", "the first argument is the identity: `identity: Identity<'_>`")?;
        let fix = "the third argument collects the answers: `answers: &mut Answers<Why>`";
        let why = match answers {
            Type::Reference(reference) if reference.mutability.is_some() => {
                expect(&reference.elem, "Answers", fix)?;
                parameter(&reference.elem)
            }
            _ => None,
        };
        let why = why.ok_or_else(|| Error::new_spanned(answers, fix))?;
        let ends = match &function.sig.output {
            ReturnType::Type(_, returns) => returns.span(),
            ReturnType::Default => function.sig.ident.span(),
        };
        Ok(Signature { settings: settings(context)?, form: Form::Identities { why, ends } })
    }
}

fn argument(argument: &FnArg) -> Result<&Type> {
    match argument {
        FnArg::Typed(argument) => Ok(&argument.ty),
        FnArg::Receiver(receiver) => Err(Error::new_spanned(receiver, format!("a rule is a function without `self`: `{CASES}`"))),
    }
}

/// The settings of `&Context<'_, S>`; a context without any has none.
fn settings(context: &Type) -> Result<Type> {
    let fix = "the second argument is the context with the rule's settings: `cx: &Context<Settings>`, or `cx: &Context` without";
    let Type::Reference(reference) = context else {
        return Err(Error::new_spanned(context, fix));
    };
    if let Some(token) = &reference.mutability {
        return Err(Error::new(token.span(), "the context is shared: write `&Context<Settings>` without `mut`"));
    }
    expect(&reference.elem, "Context", fix)?;
    Ok(parameter(&reference.elem).unwrap_or_else(|| {
        Type::Tuple(syn::TypeTuple { attrs: Vec::new(), paren_token: syn::token::Paren::default(), elems: Punctuated::new() })
    }))
}

fn expect(kind: &Type, name: &str, fix: &str) -> Result<()> {
    match last_segment(kind) {
        Some(found) if found == name => Ok(()),
        _ => Err(Error::new_spanned(kind, fix)),
    }
}

fn path(kind: &Type) -> Option<&TypePath> {
    match kind {
        Type::Path(path) => Some(path),
        _ => None,
    }
}

fn last_segment(kind: &Type) -> Option<String> {
    path(kind)?.path.segments.last().map(|segment| segment.ident.to_string())
}

/// The last type parameter of a path.
fn parameter(kind: &Type) -> Option<Type> {
    let PathArguments::AngleBracketed(arguments) = &path(kind)?.path.segments.last()?.arguments else {
        return None;
    };
    arguments.args.iter().rev().find_map(|argument| match argument {
        GenericArgument::Type(kind) => Some(kind.clone()),
        _ => None,
    })
}
