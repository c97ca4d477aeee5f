//! The published JSON Schema says what our own clients write.

use mobile_schema::household::{Asked, Household};
use serde_json::{Value, json};
use server::demo::population::{Targets, plan, truth};
use shared::classify::Basis;
use shared::score::ScoreTable;
use shared::standard::Standard;
use shared::unit::Units;

fn document(household: &Household) -> Value {
    let mut document = serde_json::to_value(household).unwrap();
    document["schema"] = json!(1);
    document["campaign"] = json!("0".repeat(32));
    document["household"] = json!("0".repeat(32));
    document
}

/// Every family of a small province, as the demo's phones write it, is a document of the schema;
/// one with an answer no form knows is none.
#[test]
fn what_phones_write_fits_the_published_schema() {
    let text = include_str!("../../mobile-schema/schema/household-document.schema.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let targets = Targets::quang_tri_2022();
    let tree = Units::quang_tri_2022().at(targets.review_date);
    let made = plan(&targets, 10_000, 3, &tree).unwrap();
    let (standard, table) = (Standard::nd_07_2021(), ScoreTable::synthetic_demo());
    let mut checked = 0;
    for commune in &made.communes {
        let basis = Basis {
            standard: &standard,
            table: Some(&table),
            review_date: made.review_date,
            region: &commune.region,
        };
        for spec in &commune.households {
            let truth = truth(spec, &basis);
            let mut household = truth.household;
            let ids = (0_u32..).map(|number| format!("{number:032x}"));
            household.members =
                household.members.into_values().zip(ids).map(|(m, id)| (id, m)).collect();
            household.answers.extend(truth.form_a);
            let asked = Asked { by: Some("rsv".to_owned()), ..Asked::default() };
            household.asked.insert("house".to_owned(), asked);
            let errors: Vec<String> = validator
                .iter_errors(&document(&household))
                .map(|error| error.to_string())
                .collect();
            assert!(errors.is_empty(), "{}: {errors:?}", spec.code);
            household.answers.insert("roof".to_owned(), "gold".into());
            assert!(!validator.is_valid(&document(&household)), "{}", spec.code);
            checked += 1;
        }
    }
    assert!(checked > 200, "{checked}");
}
