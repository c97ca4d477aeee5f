//! Stories: what people do with the server, each on both databases.

mod ask;
mod desk;
mod fakes;
mod fates;
mod laws;
mod line;
mod lists;
mod refused;
mod tidy;
mod tokens;
