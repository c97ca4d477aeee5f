//! Which disputes a person must decide, and what hangs on each.
//!
//! Every combination of the competing values is put to [`Figures::of`]. A dispute that changes no
//! figure in any of them is settled by [`RULE`], visibly and reversibly; one that changes something
//! goes to the review desk with what it changes. The result is a function of the values and the
//! basis: no order of arrival, no clock, no pick of Automerge's.

mod combinations;
mod words;

use std::collections::BTreeMap;

use mobile_schema::form::{Form, Scope};
use mobile_schema::household::{Household, Value};
use serde::{Deserialize, Serialize};

use crate::classify::Basis;
use crate::figures::{Figures, IDENTITY, Read};
use crate::resolve::{Dispute, Path};
use crate::unit::Area;

use self::combinations::{Combinations, Outcome};
pub use self::words::Words;

/// Name and version of the rule by which a dispute that changes nothing is settled.
///
/// Of the competing values the first holds, in this order: those that fit the form before those
/// that do not, any value before none, then by the values themselves (no before yes, the smaller
/// number, the text that comes first by its characters' code points). So it depends on nothing but
/// the set of values.
///
/// Source: our own, DESIGN §7 ("settles itself by a fixed, recorded rule"); no legal text is known.
pub const RULE: &str = "fit-then-first@1";

/// What becomes of a household's disputes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triage {
    /// One for each dispute, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disputes: Vec<Triaged>,
    /// There are more combinations than [`crate::limits::TRIAGE_COMBINATIONS_MAX`], or than so many
    /// members allow: what hangs on what was not worked out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub beyond: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What becomes of one dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triaged {
    /// Which answer.
    pub path: Path,
    /// Who settles it.
    pub verdict: Verdict,
}

/// Who settles a dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing reported hangs on it: [`RULE`] chose this value.
    Rule(Option<Value>),
    /// A person decides; what changes with it, nothing where that was not worked out.
    Person(Vec<Hang>),
}

/// A figure that is another one depending on a dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hang {
    /// Which figure.
    pub figure: Figure,
    /// What it may be, as codes and numbers; empty text where there is none.
    pub values: Vec<String>,
}

/// The figures that may hang on a dispute, the weightiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// The class.
    Class,
    /// The outcome of the visit.
    Visit,
    /// B1 points.
    B1,
    /// B2 points.
    B2,
    /// One indicator.
    Deprived,
    /// Members who count.
    Members,
    /// Ethnic-minority household.
    Dtts,
    /// Ethnicity of the head.
    Ethnicity,
    /// Causes of poverty.
    Causes,
    /// Name of the head.
    Head,
    /// By what a member is told apart on lists.
    Identity,
    /// How B1 was come by.
    B1Method,
    /// Person with merit.
    Merit,
    /// Nobody able to work.
    NoLabour,
    /// What the classification lacks.
    Missing,
}

impl Triage {
    /// Puts what the rule chose into a household's agreed answers.
    pub fn apply(&self, household: &mut Household) {
        for one in &self.disputes {
            if let Verdict::Rule(Some(value)) = &one.verdict {
                set(household, &one.path, Some(value));
            }
        }
    }

    /// Lists what the rule settled.
    pub fn by_rule(&self) -> impl Iterator<Item = (&Path, Option<&Value>)> {
        self.disputes.iter().filter_map(|one| match &one.verdict {
            Verdict::Rule(value) => Some((&one.path, value.as_ref())),
            Verdict::Person(_) => None,
        })
    }

    /// Counts the disputes that a person must decide.
    pub fn for_person(&self) -> usize {
        self.disputes.len() - self.by_rule().count()
    }

    /// Finds what becomes of a dispute.
    pub fn of(&self, path: &Path) -> Option<&Verdict> {
        self.disputes.iter().find(|one| one.path == *path).map(|one| &one.verdict)
    }
}

/// Decides who settles each dispute of a household.
///
/// `agreed` holds the undisputed answers; a value of a dispute that is `None` stands for an answer
/// not given.
pub fn triage(agreed: &Household, disputes: &[Dispute], area: Area, basis: &Basis<'_>) -> Triage {
    if disputes.is_empty() {
        return Triage::default();
    }
    let read = Read::by(basis);
    let weighty: Vec<&Dispute> =
        disputes.iter().filter(|dispute| read.may_change(&dispute.path, agreed)).collect();
    let watched: Vec<&Path> =
        weighty.iter().map(|dispute| &dispute.path).filter(|path| is_identity(path)).collect();
    let outcome = |household: &Household| Outcome {
        figures: Figures::of(household, area, basis),
        people: watched.iter().map(|path| present_value(household, path)).collect(),
    };
    let worked_out = Combinations::of(&weighty, agreed.members.len())
        .map(|combinations| combinations.hangs(agreed, &outcome, &watched));
    let beyond = worked_out.is_none();
    let mut hangs: BTreeMap<&Path, Vec<Hang>> = match worked_out {
        Some(hangs) => weighty.iter().map(|dispute| &dispute.path).zip(hangs).collect(),
        None => BTreeMap::new(),
    };
    let one = |dispute: &Dispute| {
        let is_weighty = weighty.iter().any(|one| one.path == dispute.path);
        let hangs = hangs.remove(&dispute.path).unwrap_or_default();
        let verdict = if hangs.is_empty() && !(is_weighty && beyond) {
            Verdict::Rule(chosen(dispute))
        } else {
            Verdict::Person(hangs)
        };
        Triaged { path: dispute.path.clone(), verdict }
    };
    Triage { disputes: disputes.iter().map(one).collect(), beyond }
}

/// Lists every outcome that the competing values can come to; `None` beyond the bound.
pub fn outcomes(
    agreed: &Household,
    disputes: &[Dispute],
    area: Area,
    basis: &Basis<'_>,
) -> Option<Vec<Figures>> {
    let all: Vec<&Dispute> = disputes.iter().collect();
    let mut found = Combinations::of(&all, agreed.members.len())?
        .each(agreed, |household| Figures::of(household, area, basis))
        .collect::<Vec<_>>();
    found.sort();
    found.dedup();
    Some(found)
}

/// Applies [`RULE`] to one dispute.
fn chosen(dispute: &Dispute) -> Option<Value> {
    let values = dispute.values.iter().filter_map(|side| side.value.as_ref());
    values.min_by_key(|value| (!fits(&dispute.path, value), *value)).cloned()
}

/// Tells whether the form takes a value; where it has no such question, anything fits.
fn fits(path: &Path, value: &Value) -> bool {
    let forms = [Form::phieu_b(), Form::phieu_a()];
    let (key, scope) = match path {
        Path::Answer(key) => (key, Scope::Household),
        Path::Member(_, key) => (key, Scope::Member),
        Path::B1Item(_) => return value.as_int().is_some_and(|points| points >= 0),
    };
    let known = forms.into_iter().find_map(|form| form.find(key, scope));
    known.is_none_or(|known| known.question.kind.check(value).is_ok())
}

fn is_identity(path: &Path) -> bool {
    matches!(path, Path::Member(_, key) if IDENTITY.contains(&key.as_str()))
}

/// Reads an answer of somebody who is in the household.
fn present_value(household: &Household, path: &Path) -> Option<Value> {
    let Path::Member(id, key) = path else { return None };
    let member = household.members.get(id).filter(|member| !member.contains_key("removed"))?;
    member.get(key).cloned()
}

/// Gives an answer a value, or takes it away. A member is there as long as an answer is.
fn set(household: &mut Household, path: &Path, value: Option<&Value>) {
    match (path, value) {
        (Path::Answer(key), Some(value)) => {
            household.answers.insert(key.clone(), value.clone());
        }
        (Path::Answer(key), None) => drop(household.answers.remove(key)),
        (Path::B1Item(item), Some(Value::Int(points))) => {
            household.b1_items.insert(item.clone(), *points);
        }
        (Path::B1Item(item), _) => drop(household.b1_items.remove(item)),
        (Path::Member(id, key), Some(value)) => {
            let member = household.members.entry(id.clone()).or_default();
            member.insert(key.clone(), value.clone());
        }
        (Path::Member(id, key), None) => {
            household.members.get_mut(id).and_then(|member| member.remove(key));
        }
    }
}

#[cfg(test)]
mod tests;
