//! Tests of forget and amend.
