//! Stories: what people do with the server, each on both databases.

mod line;
mod processes;
