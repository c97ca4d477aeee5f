//! Stories: what people do with the server, each on both databases.

// A story whose people cannot go on has failed there.
#![allow(clippy::unwrap_used)]

mod ask;
mod chain;
mod codes;
mod compressed;
mod copied;
mod courier;
mod desk;
mod district;
mod district_pages;
mod duplicates;
mod equal_edits;
mod fakes;
mod fates;
mod first_download;
mod forms;
mod handover;
mod javascript;
mod laws;
mod line;
mod lists;
mod loading;
mod moves;
mod node_client;
mod offices;
mod offices_aside;
mod offices_paper;
mod offices_prints;
mod offices_province;
mod operator;
mod paper_forms;
mod people;
mod people_on_devices;
mod planted;
mod processes;
mod rebuilt;
mod refused;
mod register;
mod renewals;
mod restored;
mod review;
mod schema;
mod scope;
mod simulation;
mod slow_line;
mod standard_door;
#[cfg(debug_assertions)]
mod storage_faults;
mod sync_health;
mod tables;
mod tidy;
mod tokens;
mod too_many;
mod units;
#[cfg(debug_assertions)]
mod workers;
