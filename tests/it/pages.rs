//! The pages that the tool writes, as a browser shows them: they complain of nothing, ask nobody for anything, can be read light and
//! dark, on a narrow screen and on paper, and what comes from outside stays text.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use trueup::author::{Uncovered, compare_on, comparison_page, coverage_page};
use trueup::rule::{Module, RuleEngine, RuleLimits};
use trueup_tests::browser::{Browser, Look};
use trueup_tests::{cli, guests, missing};

/// What a reader on a telephone, at a desk and in print has, in CSS pixels; paper is A4.
const NARROW: u32 = 360;
const WIDE: u32 = 1_280;
const PAPER: u32 = 794;
/// Contrast of text that anybody can read, as the accessibility guidelines of the web (WCAG, level AA) define and demand it.
const CONTRAST: f64 = 4.5;

const LOOKS: [Look; 5] = [
    Look { width: WIDE, dark: false, print: false },
    Look { width: WIDE, dark: true, print: false },
    Look { width: NARROW, dark: false, print: false },
    Look { width: NARROW, dark: true, print: false },
    Look { width: PAPER, dark: true, print: true },
];

/// Names that would like to be more than text.
const HOSTILE: [&str; 4] = [
    "repo:<script>console.error(1)</script>",
    "repo:\"'><img src=http://elsewhere.invalid/x onerror=console.error(2)>",
    "repo:\u{202e}nimda\u{202c}-\u{200b}x",
    "repo:&lt;b&gt;</code></td></table><h1>approved</h1>",
];

/// What is wrong on a page, in the page's own words.
const WRONG: &str = r"(() => {
    const wrong = [], root = document.documentElement;
    if (root.clientWidth !== WIDTH) wrong.push(`it is laid out for ${root.clientWidth} pixels`);
    if (root.scrollWidth > root.clientWidth) wrong.push(`it is ${root.scrollWidth} pixels wide`);
    if (document.scripts.length > 0) wrong.push('it holds a script');
    for (const loaded of document.querySelectorAll('img, link, iframe, object, embed, a[href], form, base'))
        wrong.push(`it holds ${loaded.outerHTML}`);
    if (document.querySelectorAll('h1').length !== 1) wrong.push('it has not one heading');
    if (/[\u200b-\u200f\u2028-\u202e\u2060-\u2069\u061c\ufeff]/.test(root.textContent)) wrong.push('it holds what cannot be seen');
    const light = text => {
        const parts = text.match(/[\d.]+/g).map(Number);
        if (parts.length > 3 && parts[3] === 0) return null;
        const [r, g, b] = parts.slice(0, 3).map(part => part / 255).map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = element => element === null ? 1 : light(getComputedStyle(element).backgroundColor) ?? behind(element.parentElement);
    const seen = new Set();
    for (const element of document.body.querySelectorAll('*')) {
        if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
        const style = getComputedStyle(element), [a, b] = [light(style.color), behind(element)];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < CONTRAST) seen.add(`${element.localName}.${element.className} has a contrast of ${contrast.toFixed(1)}`);
    }
    return wrong.concat([...seen]);
})()";

/// How light the page is behind its text, from 0 to 1.
const BEHIND: &str = "Number(getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/)[0]) / 255";

fn wrong(browser: &mut Browser, page: &Path, look: Look) -> Vec<String> {
    let mut found = browser.open(page, look).expect("the page opens");
    let script = WRONG.replace("WIDTH", &look.width.to_string()).replace("CONTRAST", &CONTRAST.to_string());
    let told = browser.evaluate(&script).expect("the page is looked at");
    found.extend(told.as_array().into_iter().flatten().map(|text| text.as_str().unwrap_or_default().to_owned()));
    let behind = browser.evaluate(BEHIND).expect("a colour").as_f64().unwrap_or_default();
    if (behind < 0.5) != (look.dark && !look.print) {
        found.push(format!("it is not dark where it should be, or where it should not: {behind}"));
    }
    found
}

fn load(component: &[u8]) -> Arc<Module> {
    Arc::new(Module::load(&RuleEngine::new(&RuleLimits::default()).expect("engine"), component).expect("module"))
}

/// Case files whose names mean harm.
fn hostile_cases(folder: &Path) {
    let case = |object: &&str| serde_json::json!({ "grant": { "target": "git", "object": object }, "observed": "present" });
    let cases: Vec<_> = HOSTILE.iter().map(case).collect();
    let long =
        serde_json::json!({ "grant": { "target": "git", "object": format!("repo:{}", "x".repeat(300)) }, "observed": "present" });
    let identity =
        serde_json::json!({ "identity": "</title><script>", "cases": cases.into_iter().chain([long]).collect::<Vec<_>>() });
    let file = serde_json::json!({ "about": "<b>", "as_of": "2026-03-01", "identities": [identity] });
    fs::write(folder.join("hostile.json"), file.to_string()).expect("case file");
}

/// The pages of every kind, from names that mean harm; and what each of them must say.
fn pages(folder: &Path) -> Vec<(&'static str, String)> {
    hostile_cases(folder);
    let standard = load(&fs::read(cli::standard_module().expect("module")).expect("component"));
    let compared = |other: &str| {
        let other = load(&guests::component(other).expect("guest"));
        comparison_page(&compare_on(&standard, &other, folder).expect("comparison"))
    };
    let report = trueup_cases::Report {
        rule: format!("{}@1", HOSTILE[0]),
        files: 2,
        hits: [(HOSTILE[1].to_owned(), [("keep".to_owned(), 3), ("true-up".to_owned(), 12)].into())].into(),
        unhit: HOSTILE.map(str::to_owned).to_vec(),
        ..Default::default()
    };
    let text = format!("if name == {:?} && {} {{", HOSTILE[0], "x".repeat(200));
    let place = Uncovered { file: "src/lib.rs".to_owned(), line: 3, column: 9, text };
    vec![
        ("comparison", compared("promise")),
        ("failed comparison", compared("panic")),
        ("coverage", coverage_page(&report, Ok(&[place]))),
        ("coverage without source", coverage_page(&report, Err(HOSTILE[3]))),
    ]
}

#[test]
fn pages_are_read_everywhere_and_ask_nobody() {
    let Some(mut browser) = Browser::start().expect("a browser that answers") else { return missing("chromium") };
    let folder = tempfile::tempdir().expect("folder");
    for (name, page) in pages(folder.path()) {
        let path = folder.path().join("page.html");
        fs::write(&path, &page).expect("page");
        for look in LOOKS {
            let found = wrong(&mut browser, &path, look);
            assert!(found.is_empty(), "{name}, {look:?}:\n{}", found.join("\n"));
        }
        let text = browser.evaluate("document.body.innerText").expect("text").as_str().unwrap_or_default().to_owned();
        assert!(text.contains("<script>console.error(1)</script>") || name.ends_with("without source"), "{name}: {text}");
        assert!(text.contains("<h1>approved</h1>"), "{name}: {text}");
        assert!(browser.print().expect("paper") > 10_000, "{name} is printed");
    }
}

/// What the test above relies on: each fault of a page is seen.
#[test]
fn a_page_with_faults_is_found_out() {
    let Some(mut browser) = Browser::start().expect("a browser that answers") else { return missing("chromium") };
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("page.html");
    let page = "<!doctype html><meta charset=utf-8><title>x</title><body style='background:#fff'><h1>x</h1><p style='color:#bbb'>pale</p>\
                <div style='width:2000px'>wide\u{202e}</div><img src='http://elsewhere.invalid/x.png'>\
                <script>console.log('said'); nothing()</script>";
    fs::write(&path, page).expect("page");
    let found = wrong(&mut browser, &path, LOOKS[3]).join("\n");
    for fault in [
        "asks for http://elsewhere.invalid/x.png",
        "console: ",
        "exception: ",
        "laid out for",
        "pixels wide",
        "holds a script",
        "holds <img",
        "cannot be seen",
        "p. has a contrast of 1.",
        "not dark",
    ] {
        assert!(found.contains(fault), "{fault}: {found}");
    }
}
