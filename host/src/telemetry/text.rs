//! Metrics as text, in the format that Prometheus reads, and back: a process that ends hands its counters to the next one in a file.
//! Owns escaping. What is read back is not trusted: a line that we would not write is passed over.

use std::fmt::Write as _;

use super::families::{FAMILIES, Family, Kind};
use super::metrics::{BOUNDS, Metrics, Value};

impl Metrics {
    /// All numbers in the text format of Prometheus (version 0.0.4).
    #[must_use]
    pub fn render(&self) -> String {
        let state = self.state();
        let mut text = String::new();
        for (place, family) in FAMILIES.iter().enumerate() {
            let mut series = state.series.iter().filter(|((of, _), _)| *of == place).peekable();
            if series.peek().is_none() {
                continue;
            }
            // Writing to a text cannot fail.
            let _ = writeln!(text, "# HELP {} {}\n# TYPE {} {}", family.name, family.help, family.name, family.kind.name());
            for ((_, labels), value) in series {
                write_series(&mut text, family, labels, value);
            }
        }
        text
    }

    /// Goes on from what a former process wrote: counters and histograms add up, and gauges that this one has not set stay as they were.
    /// A line that is none of ours is passed over.
    pub fn go_on_from(&self, text: &str) {
        let set = self.state().set.clone();
        for line in text.lines() {
            let Some((place, family, part, labels, number)) = read(line) else { continue };
            if family.kind == Kind::Gauge && set.contains(&place) {
                continue;
            }
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            self.state().change(family, &labels, |value| match (value, part) {
                (Value::Number(own), Part::Whole) if family.kind == Kind::Counter => *own += number,
                // One that this process put stands.
                (Value::Number(own), Part::Whole) if *own == 0.0 => *own = number,
                (Value::Histogram(buckets, _, _), Part::Bucket(at)) => {
                    buckets.get_mut(at).into_iter().for_each(|bucket| *bucket += number);
                }
                (Value::Histogram(_, count, _), Part::Count) => *count += number,
                (Value::Histogram(_, _, sum), Part::Sum) => *sum += number,
                _ => {}
            });
        }
    }
}

/// Which number of a series a line holds.
#[derive(Clone, Copy)]
enum Part {
    Whole,
    Bucket(usize),
    Count,
    Sum,
}

fn write_series(text: &mut String, family: &Family, labels: &[String], value: &Value) {
    let name = family.name;
    // Writing to a text cannot fail.
    let _ = match value {
        Value::Number(number) => writeln!(text, "{name}{} {number}", written(family, labels, None)),
        Value::Histogram(buckets, count, sum) => {
            for (bound, number) in BOUNDS.iter().zip(buckets) {
                let _ = writeln!(text, "{name}_bucket{} {number}", written(family, labels, Some(&bound.to_string())));
            }
            let all = written(family, labels, Some("+Inf"));
            let plain = written(family, labels, None);
            writeln!(text, "{name}_bucket{all} {count}\n{name}_sum{plain} {sum}\n{name}_count{plain} {count}")
        }
    };
}

fn written(family: &Family, labels: &[String], bound: Option<&str>) -> String {
    let own = family.labels.iter().copied().zip(labels.iter().map(String::as_str));
    let all: Vec<String> =
        own.chain(bound.map(|bound| ("le", bound))).map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A line that we would write.
fn read(line: &str) -> Option<(usize, &'static Family, Part, Vec<String>, f64)> {
    let (series, number) = line.rsplit_once(' ')?;
    let number: f64 = number.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)?;
    let (name, labels) = series.split_once('{').map_or((series, ""), |(name, labels)| (name, labels));
    let mut labels = if labels.is_empty() { Vec::new() } else { pairs(labels.strip_suffix('}')?)? };
    let known = |name: &str, histogram: bool| {
        FAMILIES.iter().enumerate().find(|(_, family)| family.name == name && (family.kind == Kind::Histogram) == histogram)
    };
    let (place, family, part) = match known(name, false) {
        Some((place, family)) => (place, family, Part::Whole),
        None => {
            let (base, suffix) = name.rsplit_once('_')?;
            let (place, family) = known(base, true)?;
            let part = match suffix {
                "count" => Part::Count,
                "sum" => Part::Sum,
                "bucket" => {
                    let (_, bound) = labels.pop().filter(|(name, _)| name == "le")?;
                    Part::Bucket(BOUNDS.iter().position(|known| known.to_string() == bound)?)
                }
                _ => return None,
            };
            (place, family, part)
        }
    };
    let named = labels.iter().map(|(name, _)| name.as_str()).eq(family.labels.iter().copied());
    named.then(|| (place, family, part, labels.into_iter().map(|(_, value)| value).collect(), number))
}

/// Labels as they are written.
fn pairs(mut text: &str) -> Option<Vec<(String, String)>> {
    let mut all = Vec::new();
    loop {
        let (name, rest) = text.split_once("=\"")?;
        let mut value = String::new();
        let mut letters = rest.char_indices();
        let end = loop {
            match letters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match letters.next()?.1 {
                    'n' => '\n',
                    letter @ ('\\' | '"') => letter,
                    _ => return None,
                }),
                (_, letter) => value.push(letter),
            }
        };
        all.push((name.to_owned(), value));
        match rest.get(end + 1..)? {
            "" => return Some(all),
            more => text = more.strip_prefix(',')?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::families::{CHANGES, DENIALS, LEAVES, PLAN_HELD, SINK_LAG, STAGE_SECONDS};
    use super::*;
    use crate::limits::METRIC_SERIES;

    #[test]
    fn numbers_are_written_as_the_format_asks() {
        let metrics = Metrics::default();
        metrics.add(&CHANGES, &["confirmed", "e3", "routine"], 2);
        metrics.add(&CHANGES, &["confirmed", "e3", "routine"], 3);
        metrics.set(&LEAVES, [(vec![], 7.0)]);
        metrics.observe(&STAGE_SECONDS, &["seal"], 0.07);
        metrics.observe(&STAGE_SECONDS, &["seal"], 10_000.0);
        let text = metrics.render();
        for line in [
            "# TYPE trueup_changes_total counter",
            "trueup_changes_total{outcome=\"confirmed\",grade=\"e3\",lane=\"routine\"} 5",
            "trueup_audit_leaves 7",
            "trueup_stage_duration_seconds_bucket{stage=\"seal\",le=\"0.05\"} 0",
            "trueup_stage_duration_seconds_bucket{stage=\"seal\",le=\"0.1\"} 1",
            "trueup_stage_duration_seconds_bucket{stage=\"seal\",le=\"+Inf\"} 2",
            "trueup_stage_duration_seconds_sum{stage=\"seal\"} 10000.07",
            "trueup_stage_duration_seconds_count{stage=\"seal\"} 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn hostile_labels_are_one_label_and_there_are_not_more_than_the_bound() {
        let metrics = Metrics::default();
        let hostile = "a\"} 9\ntrueup_denials 9\\\u{0}\r";
        metrics.set(&SINK_LAG, [(vec![hostile], 1.0)]);
        (0..METRIC_SERIES + 50).for_each(|number| metrics.add(&CHANGES, &[&number.to_string(), "", ""], 1));
        metrics.set(&PLAN_HELD, (0..METRIC_SERIES + 50).map(|_| (vec!["same"], 1.0)));
        let text = metrics.render();
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(!samples.iter().any(|line| line.starts_with("trueup_denials")), "{text}");
        let of = |name: &str| samples.iter().filter(|line| line.starts_with(name)).count();
        assert_eq!((of("trueup_sink_lag_leaves"), of("trueup_plan_held")), (1, 1));
        assert!(of("trueup_changes_total") <= METRIC_SERIES + 1);
        assert_eq!(metrics.total("trueup_changes_total"), (METRIC_SERIES + 50) as f64, "nothing is lost");
        assert!(samples.iter().all(|line| line.len() < 1_000));
        let again = Metrics::default();
        again.go_on_from(&text);
        assert_eq!(again.render(), text, "what is written reads back");
    }

    #[test]
    fn counters_go_on_where_a_former_process_ended_and_strange_lines_are_passed_over() {
        let (former, now) = (Metrics::default(), Metrics::default());
        former.add(&CHANGES, &["confirmed", "e3", "routine"], 5);
        former.observe(&STAGE_SECONDS, &["seal"], 0.2);
        former.set(&LEAVES, [(vec![], 7.0)]);
        former.set(&DENIALS, [(vec![], 1.0)]);
        now.add(&CHANGES, &["confirmed", "e3", "routine"], 2);
        now.observe(&STAGE_SECONDS, &["seal"], 0.3);
        now.set(&LEAVES, [(vec![], 9.0)]);
        let strange = "\u{0}\n# x\ntrueup_audit_leaves{a=\"b\"} 1\ntrueup_audit_leaves -1\ntrueup_changes_total NaN\n\
            trueup_changes_total{outcome=\"a\"} 1\ntrueup_changes_total{outcome=\"a\\q\",grade=\"\",lane=\"\"} 1\nother_total 5\n\
            trueup_stage_duration_seconds_bucket{stage=\"seal\",le=\"7\"} 1\ntrueup_changes_total{outcome=\"a\",grade=\"";
        now.go_on_from(&format!("{strange}\n{}", former.render()));
        assert_eq!(now.get("trueup_changes_total", &["confirmed", "e3", "routine"]), Some(7.0));
        assert_eq!((now.total("trueup_changes_total"), now.get("trueup_stage_duration_seconds", &["seal"])), (7.0, Some(2.0)));
        assert_eq!((now.get("trueup_audit_leaves", &[]), now.get("trueup_denials", &[])), (Some(9.0), Some(1.0)));
    }
}
