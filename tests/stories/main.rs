//! Stories: what people do with the server, each on both databases.

mod desk;
mod fakes;
mod line;
mod lists;
mod tidy;
