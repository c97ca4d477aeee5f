//! What is refused: with a status, a stable name, what to change in both languages, and no trace.

mod frames;
mod imports;
mod lists;
mod oddities;
