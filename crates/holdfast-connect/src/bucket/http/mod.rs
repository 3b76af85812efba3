//! HTTP as all services use it: requests, attempts, refusals, bodies, documents.

pub mod action;
pub mod address;
pub mod client;
pub mod connector;
pub mod encode;
pub mod failure;
pub mod optional;
pub mod outage;
pub mod payload;
pub mod request;
pub mod xml;
