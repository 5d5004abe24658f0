//! stub
use super::Terminal;
use super::args::*;
use super::exit::{Exit, Outcome};
pub(super) fn generate(_: &mut Terminal<'_>, _: &GenerateArgs) -> Outcome {
    Ok(Exit::Done)
}
