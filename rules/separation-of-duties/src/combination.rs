//! A combination as the vendor writes it.

use trueup_guest::prelude::*;

/// What stands between two entitlements.
const AND: &str = " + ";

/// The entitlements of one combination, as target and object.
///
/// # Errors
/// When it does not name two entitlements at least, each with its target.
pub(crate) fn parse(text: &str) -> Result<Vec<(&str, &str)>, Fault> {
    let members: Option<Vec<_>> = text.split(AND).map(|member| member.trim().split_once('/')).collect();
    match members {
        Some(members) if members.len() > 1 => Ok(members),
        _ => Err(Fault::new("settings", format!("`{text}` is no combination; write it as `target/object + target/object`"))),
    }
}
