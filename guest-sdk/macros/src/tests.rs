//! What authors are told when they write something else than a rule.

use std::str::FromStr;

use proc_macro2::TokenStream;

use crate::{doc, reasons, rule, settings};

fn tokens(text: &str) -> TokenStream {
    TokenStream::from_str(text).unwrap()
}

/// Expects an error with this beginning.
fn check(result: syn::Result<TokenStream>, message: &str) {
    let error = result.expect_err(message);
    assert!(error.to_string().starts_with(message), "{error}\nwas to begin with {message}");
}

#[test]
fn a_wrong_signature_is_explained_where_it_is_wrong() {
    let cases = [
        ("fn r() {}", "a rule takes a case and the context"),
        ("fn r(case: Case<'_>) -> Verdict<Why> {}", "a rule takes a case and the context"),
        ("fn r(case: &str, cx: &Context) -> Verdict<Why> {}", "the first argument is the case"),
        ("fn r(case: Case<'_>, cx: Context<S>) -> Verdict<Why> {}", "the second argument is the context"),
        ("fn r(case: Case<'_>, cx: &S) -> Verdict<Why> {}", "the second argument is the context"),
        ("fn r(case: Case<'_>, cx: &mut Context<S>) -> Verdict<Why> {}", "the context is shared"),
        ("fn r(case: Case<'_>, cx: &Context<S>) {}", "a rule over cases returns its opinion"),
        ("fn r(identity: Identity<'_>, cx: &Context<S>) {}", "a rule over whole identities gives its answers"),
        (
            "fn r(case: Case<'_>, cx: &Context<S>, a: &mut Answers<Why>) {}",
            "a rule over cases returns its opinion and has no third",
        ),
        ("fn r(identity: Identity<'_>, cx: &Context<S>, a: Answers<Why>) {}", "the third argument collects the answers"),
        ("fn r(identity: Identity<'_>, cx: &Context<S>, a: &mut Answers) {}", "the third argument collects the answers"),
        ("async fn r(case: Case<'_>, cx: &Context<S>) -> Verdict<Why> {}", "a rule computes and never waits"),
        ("unsafe fn r(case: Case<'_>, cx: &Context<S>) -> Verdict<Why> {}", "a rule is called as a safe function"),
        ("fn r<T>(case: Case<'_>, cx: &Context<T>) -> Verdict<Why> {}", "a rule has no type parameters"),
        ("fn r(&self, cx: &Context<S>) -> Verdict<Why> {}", "a rule is a function without `self`"),
        ("struct R;", "`#[rule]` goes on a function"),
    ];
    for (item, message) in cases {
        check(rule::expand(TokenStream::new(), tokens(item)), message);
    }
}

#[test]
fn wrong_options_are_explained_where_they_are_wrong() {
    let cases = [
        ("columns(last_use)", "there is no column `last_use`; the optional ones are identity_owner,"),
        ("columns(level, target)", "the column `target` is always there"),
        ("nam = \"x\"", "the options are `name"),
        ("name = \"Dormant Admins\"", "a rule's name is lower case"),
    ];
    for (arguments, message) in cases {
        let item = tokens("fn r(case: Case<'_>, cx: &Context) -> Verdict<Why> {}");
        check(rule::expand(tokens(arguments), item), message);
    }
}

#[test]
fn wrong_derives_are_explained_where_they_are_wrong() {
    check(reasons::expand(tokens("struct Why;")), "reasons are the variants of an enum");
    check(reasons::expand(tokens("enum Why { Expired }")), "say what `Expired` means in a doc comment");
    check(reasons::expand(tokens("enum Why { Expired(u8) }")), "a reason has no fields");
    check(reasons::expand(tokens("enum Why { #[reasons(nested)] Other }")), "a nested variant holds one set");
    check(settings::expand(tokens("enum S {}")), "settings are the fields of a struct");
    check(settings::expand(tokens("struct S(i64);")), "settings are the named fields");
    check(settings::expand(tokens("struct S { days: i64 }")), "say what `days` does in a doc comment");
    check(
        settings::expand(tokens("struct S { #[doc = \"x\"] #[setting(min = 1)] name: String }")),
        "`min` and `max` are for whole numbers",
    );
}

#[test]
fn names_become_kebab_case() {
    for (name, kebab) in [("unused_days", "unused-days"), ("NotUsed", "not-used"), ("Expired", "expired"), ("r#type", "type")] {
        assert_eq!(doc::kebab(name), kebab);
    }
}

#[test]
fn the_contract_is_the_one_in_wit() {
    let wit = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/rules.wit")).unwrap();
    assert_eq!(wit.lines().next(), Some(format!("package {};", rule::CONTRACT).as_str()));
}
