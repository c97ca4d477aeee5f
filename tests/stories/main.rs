//! Stories: what people do with the server, each on both databases.

mod ask;
mod fates;
mod line;
mod refused;
mod scope;
mod tokens;
