//! Who may see and do what where: roles, and the units each of them covers.
//!
//! Scope comes from server rows alone; what a document says about its own place is evidence.

use serde::{Deserialize, Serialize};

use crate::unit::UnitTree;

/// What a person does in the review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Province office (phòng tỉnh): campaigns, accounts, totals.
    Province,
    /// District office (phòng huyện): approves or returns lists.
    District,
    /// Commune officer (công chức xã): settles, submits, recognises.
    Officer,
    /// Enumerator (rà soát viên) or hamlet head: fills forms in assigned hamlets.
    Enumerator,
}

impl Role {
    /// Returns the stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Province => "province",
            Self::District => "district",
            Self::Officer => "officer",
            Self::Enumerator => "enumerator",
        }
    }

    /// Reads the stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Province, Self::District, Self::Officer, Self::Enumerator]
            .into_iter()
            .find(|role| role.name() == name)
    }
}

/// A person as the rules see them: role and the unit it is exercised in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// The role.
    pub role: Role,
    /// Code of the unit, in force at the campaign's review date.
    pub unit: String,
}

impl Post {
    /// Tells whether the office covers a unit: its own and everything below it.
    ///
    /// An enumerator's scope is hamlets, never a whole unit, and is answered elsewhere.
    pub fn covers(&self, tree: &UnitTree, unit: &str) -> bool {
        self.role != Role::Enumerator && tree.contains(&self.unit, unit)
    }

    /// Returns the list units (communes, and districts without communes) the office covers.
    pub fn list_units(&self, tree: &UnitTree) -> Vec<String> {
        tree.list_units()
            .into_iter()
            .map(|unit| unit.key.code.clone())
            .filter(|code| self.covers(tree, code))
            .collect()
    }
}
