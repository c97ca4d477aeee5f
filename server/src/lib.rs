//! The shell around the rules: HTTP in, SQL out. It decides nothing.
//!
//! A request is three hops: route, handler, then store and `shared`. A handler reads load, decide,
//! save, answer; what it may decide stands in `shared`.

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod demo;
pub mod gate;
pub mod http;
pub mod imports;
pub mod ingest;
mod kept;
pub mod keys;
pub mod listen;
pub mod match_key;
pub mod materialise;
mod pairs;
pub mod problem;
pub mod snapshot;
mod sockets;
pub mod standing;
pub mod store;
mod table;
pub mod worker;
