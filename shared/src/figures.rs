//! Everything of a household that a list, a form, a rate or an annex reports, as its answers give it.
//!
//! One pure function from answers to figures: the row of the list is made from it, and triage asks
//! it again for every combination of competing values. Nothing reported may be worked out elsewhere.

use std::collections::BTreeSet;

use mobile_schema::household::{Household, Value};

use crate::classify::{B1Method, Basis, Class, classify};
use crate::layout::no_labour;
use crate::list::Outcome;
use crate::resolve::Path;
use crate::standard::{is_dtts, known_ethnicity};
use crate::unit::Area;

/// What is reported about a household and hangs on its answers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Figures {
    /// What the visit came to.
    pub outcome: Outcome,
    /// The same as answered, empty where it is not agreed.
    pub visit: String,
    /// Class, for a surveyed household.
    pub class: Option<Class>,
    /// B1 points.
    pub b1: Option<i64>,
    /// How B1 was come by.
    pub b1_method: Option<B1Method>,
    /// Score table that B1 was computed with.
    pub table: Option<String>,
    /// B2 points.
    pub b2: Option<i64>,
    /// Indicators the household is deprived in, in the standard's order.
    pub deprived: Vec<String>,
    /// Members who count.
    pub members: u32,
    /// Ethnic-minority household (hộ DTTS).
    pub dtts: bool,
    /// Ethnicity of the head; empty where not known.
    pub ethnicity: String,
    /// Causes ticked, 1 to 8.
    pub causes: Vec<u8>,
    /// Name of the head, empty where it is not agreed who that is.
    pub head: String,
    /// Person with merit in the household, for the list that goes to others.
    pub merit: Option<bool>,
    /// Nobody is able to work, for the same list.
    pub no_labour: Option<bool>,
    /// What the classification lacks.
    pub missing: Vec<String>,
}

impl Figures {
    /// Works out what is reported about a household with these answers.
    pub fn of(household: &Household, area: Area, basis: &Basis<'_>) -> Self {
        let visit = household.answers.get("outcome").and_then(Value::as_text);
        let outcome = Outcome::of_code(visit);
        let classified = classify(household, area, basis);
        let dtts = is_dtts(household, &basis.standard.dtts);
        let mut missing = classified.missing;
        let mut class = (outcome == Outcome::Surveyed).then_some(classified.class);
        // A figure of its own hangs on the household being DTTS or not: nobody guesses that either.
        if class.is_some() && dtts.is_none() {
            class = Some(Class::Insufficient);
            missing.push("dtts".to_owned());
        }
        Self {
            outcome,
            visit: visit.unwrap_or("").to_owned(),
            class,
            b1: classified.b1.as_ref().map(|b1| b1.points),
            b1_method: classified.b1.as_ref().map(|b1| b1.method),
            table: classified.b1.and_then(|b1| b1.table),
            b2: classified.b2,
            deprived: classified.deprived,
            members: u32::try_from(household.present().count()).unwrap_or(u32::MAX),
            dtts: dtts.unwrap_or(false),
            ethnicity: household.head().and_then(known_ethnicity).unwrap_or("").to_owned(),
            causes: causes(household),
            head: household.head_name().to_owned(),
            merit: household.answers.get("has_merit").and_then(Value::as_bool),
            no_labour: no_labour(household),
            missing,
        }
    }
}

fn causes(household: &Household) -> Vec<u8> {
    (1..=8)
        .filter(|cause| {
            household.answers.get(&format!("causes.{cause}")) == Some(&Value::Bool(true))
        })
        .collect()
}

/// Answers of a member by which people are told apart on lists: no rule chooses between them.
pub const IDENTITY: [&str; 6] = ["name", "relation", "birth", "sex", "id_number", "ethnicity"];

/// The answers that [`Figures`] may hang on under a basis; any other changes nothing reported.
#[derive(Debug)]
pub struct Read<'a> {
    keys: BTreeSet<&'a str>,
}

impl<'a> Read<'a> {
    /// Collects what the standard, the score table and the row itself read.
    pub fn by(basis: &Basis<'a>) -> Self {
        let mut keys: BTreeSet<&str> = BTreeSet::from(IDENTITY);
        keys.extend(["outcome", "has_merit", "work_status", "removed", "b1_method", "b1_entered"]);
        keys.extend(basis.standard.indicators.iter().flat_map(|one| one.deprived.keys()));
        let items = basis.table.into_iter().flat_map(|table| &table.items);
        keys.extend(items.flat_map(|item| &item.choices).flat_map(|choice| choice.when.keys()));
        Self { keys }
    }

    /// Tells whether an answer may change what is reported. Any answer of somebody who is not in
    /// the household without it does: it makes a member.
    pub fn may_change(&self, path: &Path, household: &Household) -> bool {
        match path {
            Path::B1Item(_) => true,
            Path::Answer(key) => key.starts_with("causes.") || self.keys.contains(key.as_str()),
            Path::Member(id, key) => {
                self.keys.contains(key.as_str()) || !household.members.contains_key(id)
            }
        }
    }
}
