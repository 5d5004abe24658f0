//! stub
use super::Terminal;
use super::args::*;
use super::exit::{Exit, Outcome};
pub(super) fn demo(_: &mut Terminal<'_>, _: &DemoArgs) -> Outcome {
    Ok(Exit::Done)
}
