//! Stories: what people do with the server, each on both databases.

mod laws;
mod line;
