//! Stories: what people do with the server, each on both databases.

mod javascript;
mod line;
mod processes;
