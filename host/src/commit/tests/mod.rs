//! Tests of the commit stage.

mod status;
