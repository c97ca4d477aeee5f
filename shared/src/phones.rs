//! A household's log held against what its phones answered: which disputes were settled, what was
//! overwritten by somebody who had seen several values, what an office changed afterwards, and
//! what the household would be without the offices.
//!
//! Nothing here is part of a list: it is what a district looks at before it gives its opinion.

use std::collections::BTreeMap;

use mobile_schema::household::Value;
use serde::{Deserialize, Serialize};

use crate::classify::{Basis, Class};
use crate::guard::guard;
use crate::id::ChangeHash;
use crate::list::Outcome;
use crate::merge::merge_at;
use crate::resolve::{Path, Resolved, resolve};
use crate::standing::{Logged, Place, Way, stand};

/// How an answer came to be another than a phone's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An office decided between several values.
    Settled,
    /// A phone wrote over several values that it had seen, without a decision.
    Overwritten,
    /// An office changed an answer that nobody disputed.
    Corrected,
}

/// One answer that was changed over what phones had answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// How.
    pub kind: Kind,
    /// The change that did it; author and reason hang on it.
    pub by: ChangeHash,
    /// Which answer.
    pub path: Path,
    /// What was there, every value of a dispute; `None` where it cannot be read or was empty.
    pub before: Vec<Option<Value>>,
    /// What is there since; `None` where it was emptied.
    pub after: Option<Value>,
}

/// A household as its phones alone would have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Against {
    /// Every answer changed over a phone's, in the order of the log.
    pub touched: Vec<Touched>,
    /// What the visit came to without the offices.
    pub outcome: Outcome,
    /// The class without the offices, where there is one.
    pub class: Option<Class>,
    /// Disputes that would be open without them.
    pub disputes: u32,
}

/// Holds a household's log, in its order, against what its phones answered.
///
/// What an office wrote before the first phone is the opening list and counts as known to it.
/// Where no phone ever wrote, as where everything is typed in from paper, nothing is held against.
pub fn against(place: &Place, changes: &[Logged], basis: &Basis<'_>) -> Option<Against> {
    let first = changes.iter().position(|change| change.by != Way::Desk)?;
    let at = |heads: &[ChangeHash]| merge_at(changes, heads).map(|doc| resolve(&doc));
    let mut touched = Vec::new();
    for change in &changes[first..] {
        let Ok(guarded) = guard(&change.chunk) else { continue };
        let (before, after) = (at(guarded.dependencies()), at(&[change.hash]));
        if let Some((before, after)) = before.zip(after) {
            touched.extend(touched_by(change, &before, &after));
        }
    }
    let phones = changes.iter().enumerate();
    let phones = phones.filter(|(index, change)| *index < first || change.by != Way::Desk);
    let phones: Vec<Logged> = phones.map(|(_, change)| change.clone()).collect();
    let standing = stand(place, &phones, &[], basis);
    let (outcome, class) = (standing.row.outcome, standing.row.class);
    let disputes = u32::try_from(standing.disputes.len()).unwrap_or(u32::MAX);
    Some(Against { touched, outcome, class, disputes })
}

fn touched_by(change: &Logged, before: &Resolved, after: &Resolved) -> Vec<Touched> {
    let (known, now) = (values(before), values(after));
    let is_open = |path: &Path| after.disputes.iter().any(|dispute| dispute.path == *path);
    let decided = before.disputes.iter().filter(|dispute| !is_open(&dispute.path));
    let mut touched: Vec<Touched> = decided
        .map(|dispute| Touched {
            kind: if change.by == Way::Desk { Kind::Settled } else { Kind::Overwritten },
            by: change.hash,
            path: dispute.path.clone(),
            before: dispute.values.iter().map(|side| side.value.clone()).collect(),
            after: now.get(&dispute.path).cloned(),
        })
        .collect();
    if change.by == Way::Desk {
        let disputed = |path: &Path| before.disputes.iter().any(|dispute| dispute.path == *path);
        let written = difference(&known, now).into_iter();
        touched.extend(written.filter(|(path, _)| !disputed(path)).map(|(path, value)| Touched {
            kind: Kind::Corrected,
            by: change.hash,
            before: vec![known.get(&path).cloned()],
            path,
            after: Some(value),
        }));
    }
    touched
}

/// Agreed values of a household by their paths.
pub(crate) type Values = BTreeMap<Path, Value>;

/// Returns what is otherwise in `after`.
pub(crate) fn difference(before: &Values, mut after: Values) -> Values {
    after.retain(|path, value| before.get(path) != Some(value));
    after
}

/// Lists every agreed value of a household by its path.
pub(crate) fn values(resolved: &Resolved) -> Values {
    let household = &resolved.household;
    let answers = household.answers.iter().map(|(k, v)| (Path::Answer(k.clone()), v.clone()));
    let items = household.b1_items.iter().map(|(k, v)| (Path::B1Item(k.clone()), Value::Int(*v)));
    let members = household.members.iter().flat_map(|(id, answers)| {
        answers.iter().map(|(k, v)| (Path::Member(id.clone(), k.clone()), v.clone()))
    });
    answers.chain(items).chain(members).collect()
}
