//! Pages for people without a terminal: self-contained, without scripts, and everything that comes from outside is escaped.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use trueup_cases::Report;

use super::Uncovered;
use crate::engine::{Comparison, Fate};

/// Light on screens and on paper, dark where the reader's system is. Whatever is long breaks, so that a narrow screen never has to
/// be moved sideways; what is told of rules stays in its own direction of writing.
const STYLE: &str = ":root{color-scheme:light dark;--text:#1b1f24;--dim:#59636e;--back:#fff;--line:#d5dae0;--less:#a4161a;--more:#1a7f37;\
--other:#7d5200;--bad:#fff0f0}\
@media screen and (prefers-color-scheme:dark){:root{--text:#e6e9ed;--dim:#9aa4af;--back:#14171b;--line:#3a414a;--less:#ff8f88;\
--more:#5fd07f;--other:#e3b341;--bad:#3a1a1c}}\
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:var(--text);background:var(--back);\
overflow-wrap:anywhere}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem;break-after:avoid}\
table{border-collapse:collapse;width:100%}tr{break-inside:avoid}\
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}td.n,th.n{text-align:right}\
code{font-family:ui-monospace,monospace;font-size:.92em;unicode-bidi:isolate}.t3,.t2{color:var(--less);font-weight:600}\
.more{color:var(--more)}.less{color:var(--less)}.other{color:var(--other)}.no{background:var(--bad)}\
.sign td{height:2.4rem;width:33%}footer{margin-top:2rem;color:var(--dim);font-size:.85rem}\
@media print{:root{color-scheme:light}body{max-width:none;margin:0;padding:0}}";

/// What the page may load: its own style, and nothing else from anywhere.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// Characters without a shape of their own: directions, joiners, separators, tags.
const HIDDEN: [RangeInclusive<char>; 7] = [
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{2069}',
    '\u{feff}'..='\u{feff}',
    '\u{e0000}'..='\u{e007f}',
];

/// Text from outside as HTML.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What cannot be seen, and what turns the direction of writing, is shown and not obeyed.
            c if c.is_control() || HIDDEN.iter().any(|range| range.contains(&c)) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

fn page(title: &str, body: &str) -> String {
    let title = safe(title);
    format!(
        "<!doctype html>\n<html lang=\"en\" dir=\"ltr\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title><style>{STYLE}</style></head>\n\
         <body><h1>{title}</h1>\n{body}<footer>Written by trueup {}.</footer></body></html>\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// A table; cells are HTML already. Numbers stand to the right where the heading begins with `#`.
fn table(out: &mut String, headings: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let class = |heading: &str| if heading.starts_with('#') { " class=\"n\"" } else { "" };
    out.push_str("<table><thead><tr>");
    for heading in headings {
        // Writing to a string cannot fail.
        let _ = write!(out, "<th{}>{}</th>", class(heading), heading.trim_start_matches('#'));
    }
    out.push_str("</tr></thead>\n<tbody>");
    for row in rows {
        out.push_str("<tr>");
        for (cell, heading) in row.iter().zip(headings) {
            let _ = write!(out, "<td{}>{cell}</td>", class(heading));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table>\n");
}

fn words(fate: &Fate) -> String {
    let reason = if fate.reason.is_empty() { String::new() } else { format!(" <code>{}</code>", safe(&fate.reason)) };
    format!("{}{reason}", safe(&fate.what))
}

/// What another version of a rule would decide, as a page that somebody can sign.
#[must_use]
pub fn comparison_page(found: &Comparison) -> String {
    let mut body = String::new();
    let on = found.run.map_or_else(|| "case files".to_owned(), |run| format!("what {run} saw"));
    let _ = writeln!(
        body,
        "<p><b>{}</b> decides now; <b>{}</b> would decide then. Both judged the same {} cases: {} as of {}.</p>\n\
         <p>Component that would decide: SHA-256 <code>{}</code></p>",
        safe(&found.now),
        safe(&found.then),
        found.cases,
        safe(&on),
        found.as_of,
        found.module,
    );
    let _ = writeln!(
        body,
        "<p>{} cases are decided alike. Changes: <b class=\"more\">{} more</b>, <b class=\"less\">{} fewer</b>, \
         <b class=\"other\">{} otherwise</b>.</p>",
        found.same, found.added, found.removed, found.altered
    );
    if found.failed > 0 {
        let _ = write!(
            body,
            "<p class=\"no\">The other version did not answer {} batches; their cases count as refused:</p><ul>",
            found.failed
        );
        for fault in &found.faults {
            let _ = write!(body, "<li>{}</li>", safe(fault));
        }
        body.push_str("</ul>\n");
    }
    body.push_str("<h2>Differences by risk tier and reason, the worst first</h2>\n");
    let tier = |tier: u8| format!("<span class=\"t{tier}\">{tier}</span>");
    let groups = found.groups.iter().map(|g| vec![tier(g.tier), g.cases.to_string(), words(&g.now), words(&g.then)]);
    table(&mut body, &["Tier", "#Cases", "Now", "Then"], groups);
    if found.other_groups > 0 {
        let _ = writeln!(body, "<p>{} further cases differ in kinds that are not listed.</p>", found.other_groups);
    }
    body.push_str("<h2>Cases</h2>\n");
    let key = |d: &crate::engine::Difference| format!("<code>{}</code>", safe(&d.key.to_string()));
    table(
        &mut body,
        &["Tier", "Case", "Now", "Then"],
        found.first.iter().map(|d| vec![tier(d.tier), key(d), words(&d.now), words(&d.then)]),
    );
    let rest = (found.cases - found.same).saturating_sub(found.first.len() as u64);
    let _ = write!(
        body,
        "<p>{rest} further cases differ and are not listed; the groups count them.</p>\n<h2>What this page does not say</h2>\n\
         <p>It compares what is planned. Gates (approval, budgets, adoption of a new module) are not compared: a new module's removals \
         wait for its adoption. Reasons of what is kept, and order, are not compared.</p>\n<h2>Reviewed</h2>\n\
         <table class=\"sign\"><tr><th>Name</th><th>Decision</th><th>Date</th></tr><tr><td></td><td></td><td></td></tr>\
         <tr><td></td><td></td><td></td></tr></table>\n"
    );
    page(&format!("{} beside {}", found.then, found.now), &body)
}

/// Which reasons, effects and places of the source the cases of a rule reach.
#[must_use]
pub fn coverage_page(report: &Report, source: Result<&[Uncovered], &str>) -> String {
    let mut body = String::new();
    let all = report.hits.len() + report.unhit.len();
    let _ = writeln!(
        body,
        "<p>{} cases in {} files; {} of {all} reasons are shown.</p>",
        report.answers.len(),
        report.files,
        report.hits.len()
    );
    let given = |effects: &BTreeMap<String, u64>| {
        let each: Vec<String> = effects.iter().map(|(effect, cases)| format!("{} {cases}", safe(effect))).collect();
        each.join(", ")
    };
    let hit = report.hits.iter().map(|(reason, effects)| vec![format!("<code>{}</code>", safe(reason)), given(effects)]);
    let unhit = report
        .unhit
        .iter()
        .map(|reason| vec![format!("<code class=\"less\">{}</code>", safe(reason)), "<b class=\"less\">no case</b>".to_owned()]);
    body.push_str("<h2>Reasons and effects</h2>\n");
    table(&mut body, &["Reason", "Cases by effect"], hit.chain(unhit));
    body.push_str("<h2>Places of the source that no case reaches</h2>\n");
    match source {
        Err(why) => {
            let _ = writeln!(body, "<p>Not measured: {}</p>", safe(why));
        }
        Ok([]) => body.push_str("<p>None.</p>\n"),
        Ok(places) => {
            let row = |place: &Uncovered| {
                vec![
                    format!("<code>{}:{}:{}</code>", safe(&place.file), place.line, place.column),
                    format!("<code>{}</code>", safe(&place.text)),
                ]
            };
            table(&mut body, &["Place", "Line"], places.iter().map(row));
        }
    }
    page(&format!("What the cases of {} cover", report.rule), &body)
}

#[cfg(test)]
mod tests {
    use super::{coverage_page, safe};
    use crate::author::Uncovered;

    #[test]
    fn what_comes_from_outside_is_escaped() {
        assert_eq!(safe("<a href='x'>&\u{202e}"), "&lt;a href=&#39;x&#39;&gt;&amp;\\u{202e}");
        assert_eq!(safe("a\u{200b}b\u{61c}\u{2028}"), "a\\u{200b}b\\u{61c}\\u{2028}");
        let report = trueup_cases::Report { rule: "<script>@1".to_owned(), unhit: vec!["<b>".to_owned()], ..Default::default() };
        let place = Uncovered { file: "src/lib.rs".to_owned(), line: 3, column: 9, text: "if a < b {".to_owned() };
        let page = coverage_page(&report, Ok(&[place]));
        assert!(!page.contains("<script>") && !page.contains("<b>") && page.contains("src/lib.rs:3:9"), "{page}");
        assert!(coverage_page(&report, Err("no tools")).contains("Not measured: no tools"));
    }
}
