//! Tests of file sources.
