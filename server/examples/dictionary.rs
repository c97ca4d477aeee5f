//! Trains the dictionary of packed documents: `cargo run -p server --example dictionary`.
//!
//! The same sources, seed and library give the same bytes. They are part of the format: a new
//! dictionary is checked in under a new number, never over one that was released.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;

use automerge::Automerge;
use mobile_schema::household::{Answers, Household, Value};
use server::demo::fleet::visit::Visit;
use server::demo::population::{Spec, Targets, Truth, plan, truth};
use shared::classify::Basis;
use shared::id::{Actor, CampaignId, HouseholdId, sha256, to_hex};
use shared::merge::{actor_id, genesis};
use shared::page::{Page, write};
use shared::resolve::resolve;
use shared::score::ScoreTable;
use shared::standard::Standard;
use shared::unit::Units;

/// Share of the province that is made up for it, parts per million.
const SCALE_PPM: u64 = 20_000;

/// Seed of the made-up households.
const SEED: u64 = 1;

/// Size of the dictionary, bytes.
const DICTIONARY_BYTES: usize = 32 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let targets = Targets::quang_tri_2022();
    let tree = Units::quang_tri_2022().at(targets.review_date);
    let plan = plan(&targets, SCALE_PPM, SEED, &tree)?;
    let (standard, table) = (Standard::nd_07_2021(), ScoreTable::synthetic_demo());
    let mut samples = Vec::new();
    for commune in &plan.communes {
        let basis = Basis {
            standard: &standard,
            table: Some(&table),
            review_date: plan.review_date,
            region: &commune.region,
        };
        for spec in &commune.households {
            samples.extend(documents(spec, &truth(spec, &basis))?);
        }
    }
    let dictionary = zstd::dict::from_samples(&samples, DICTIONARY_BYTES)?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dictionaries");
    std::fs::write(folder.join("household-1.zdict"), &dictionary)?;
    let digest = to_hex(&sha256(&dictionary));
    std::fs::write(folder.join("household-1.sha256"), format!("{digest}\n"))?;
    let mut compressor = zstd::bulk::Compressor::with_dictionary(6, &dictionary)?;
    compressor.include_checksum(true)?;
    let packed = samples.iter().map(|sample| compressor.compress(sample));
    let packed = packed.collect::<Result<Vec<_>, _>>()?;
    std::fs::write(folder.join("household-1.packed"), packed.last().ok_or("no sample")?)?;
    let bytes = |all: &[Vec<u8>]| all.iter().map(Vec::len).sum::<usize>() / all.len();
    eprintln!("{} documents of {} bytes: {}", samples.len(), bytes(&samples), bytes(&packed));
    eprintln!("{digest}");
    Ok(())
}

/// A household as the opening list has it, and after each of the visits to it.
fn documents(spec: &Spec, truth: &Truth) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut doc = genesis();
    let household = HouseholdId(drawn(spec, "household"));
    let mut opening =
        Page { opening: Some((CampaignId(*b"a campaign, 2022"), household)), ..Page::default() };
    opening.answers.insert("hamlet".to_owned(), spec.hamlet.as_str().into());
    for (number, member) in truth.opening_members.iter().enumerate() {
        let id = to_hex(&drawn::<16>(spec, &format!("member {number}")));
        opening.members.insert(id, member.clone());
    }
    let mut saved = Vec::new();
    save(&mut doc, spec, "desk", &[opening], &mut saved)?;
    let visit = Visit { by: "rà soát viên", day: "2022-10-15" };
    let known = resolve(&doc).household;
    let pages = with_drawn_ids(spec, &known, visit.pages(truth, &known, spec.opening.is_none()));
    save(&mut doc, spec, "first phone", &pages, &mut saved)?;
    let second = Visit { by: "trưởng thôn", day: "2022-11-02" };
    save(
        &mut doc,
        spec,
        "second phone",
        &[second.second_look(truth, Some(spec.seed)).0],
        &mut saved,
    )?;
    Ok(saved)
}

fn save(
    doc: &mut Automerge,
    spec: &Spec,
    writer: &str,
    pages: &[Page],
    saved: &mut Vec<Vec<u8>>,
) -> Result<(), Box<dyn Error>> {
    doc.set_actor(actor_id(Actor(drawn(spec, writer))));
    for page in pages {
        write(doc, page, 1_665_800_000)?;
    }
    saved.push(doc.save_nocompress());
    Ok(())
}

/// Gives new members ids that are the same in every run: a phone draws random ones.
fn with_drawn_ids(spec: &Spec, known: &Household, mut pages: Vec<Page>) -> Vec<Page> {
    let mut new: BTreeMap<String, Answers> = BTreeMap::new();
    for (id, answers) in pages.iter().flat_map(|page| &page.members) {
        if !known.members.contains_key(id) {
            new.entry(id.clone()).or_default().extend(answers.clone());
        }
    }
    let in_order: BTreeSet<(Vec<(String, Value)>, String)> =
        new.into_iter().map(|(id, answers)| (answers.into_iter().collect(), id)).collect();
    let ids: BTreeMap<String, String> = in_order
        .into_iter()
        .enumerate()
        .map(|(number, (_, id))| (id, to_hex(&drawn::<16>(spec, &format!("new member {number}")))))
        .collect();
    for page in &mut pages {
        page.members = std::mem::take(&mut page.members)
            .into_iter()
            .map(|(id, answers)| (ids.get(&id).cloned().unwrap_or(id), answers))
            .collect();
    }
    pages
}

fn drawn<const N: usize>(spec: &Spec, what: &str) -> [u8; N] {
    let digest = sha256(format!("{} {what}", spec.code).as_bytes());
    digest[..N].try_into().expect("a digest is longer")
}
