//! Tests of correlation.
