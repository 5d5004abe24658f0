//! Canonical JSON (RFC 8785) of the values that the log holds. Owns bytes and their order; knows no leaf.
//!
//! Floats, and integers that a reader with double precision would round, are refused instead of rounded: a 64-bit number
//! is written as decimal text by whoever builds the value.

use serde_json::Value;

/// Largest integer that every JSON reader keeps exact.
const EXACT: u64 = (1 << 53) - 1;

/// A number that canonical JSON cannot hold exactly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{number}` is no exact integer; write 64-bit numbers as decimal text")]
pub struct NotCanonical {
    /// The number.
    pub number: String,
}

/// Canonical JSON of a value.
///
/// # Errors
/// When it holds a float or an integer beyond 2^53.
pub fn canonical(value: &Value) -> Result<String, NotCanonical> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => {
            let exact = number.as_i64().is_some_and(|n| n.unsigned_abs() <= EXACT);
            let text = number.to_string();
            if !exact {
                return Err(NotCanonical { number: text });
            }
            out.push_str(&text);
        }
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                separate(i, out);
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            // Names of the log are ASCII, where bytes and UTF-16 units sort alike.
            match members.iter().all(|(name, _)| name.is_ascii()) {
                true => members.sort_by_key(|(name, _)| name.as_bytes()),
                false => members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16())),
            }
            out.push('{');
            for (i, (name, member)) in members.into_iter().enumerate() {
                separate(i, out);
                write_text(name, out);
                out.push(':');
                write(member, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn separate(i: usize, out: &mut String) {
    if i > 0 {
        out.push(',');
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    if !text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        out.push_str(text);
        out.push('"');
        return;
    }
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn follows_rfc_8785_and_refuses_what_would_be_rounded() {
        let check = |json: &str, expected: Option<&str>| {
            let value = serde_json::from_str(json).expect(json);
            assert_eq!(canonical(&value).ok().as_deref(), expected, "{json}");
        };
        check(r#"{ "b": [1, true, null], "a": {} }"#, Some(r#"{"a":{},"b":[1,true,null]}"#));
        // The sample of RFC 8785, section 3.2.3: names sort by UTF-16 units, so an emoji stands before U+FB33.
        check(
            r#"{"\u20ac":0,"\r":1,"\ufb33":2,"1":3,"\ud83d\ude00":4,"\u0080":5,"\u00f6":6}"#,
            Some("{\"\\r\":1,\"1\":3,\"\u{80}\":5,\"ö\":6,\"€\":0,\"😀\":4,\"\u{fb33}\":2}"),
        );
        check(r#""\u0001\u001f\u007f\/\"\\\b""#, Some("\"\\u0001\\u001f\u{7f}/\\\"\\\\\\b\""));
        check("9007199254740991", Some("9007199254740991"));
        check("-9007199254740991", Some("-9007199254740991"));
        for refused in ["9007199254740992", "-9007199254740992", "18446744073709551615", "1.5", "-0", "1e3"] {
            check(refused, None);
        }
    }
}
