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
    /// Code of the unit; which unit that is, the tree of a day says.
    pub unit: String,
}

impl Post {
    /// Tells whether the unit that the code of this post means in `own` is also there in `there`.
    ///
    /// A unit is its code and its period. Whoever was given a code on one day covers nothing on
    /// another day under the same code where it has passed to another unit.
    ///
    /// ```
    /// use shared::{date::Date, scope::{Post, Role}, unit::Units};
    /// let units = Units::parse_csv(
    ///     "code,parent_code,level,type,name,name_en_or_ascii,area,valid_from,valid_to\n\
    ///      44,,province,tỉnh,Quảng Bình,Quang Binh,,,2025-06-30\n\
    ///      44,,province,tỉnh,Quảng Trị,Quang Tri,,2025-07-01,\n",
    /// )
    /// .unwrap();
    /// let [in_2021, in_2022, in_2025] = ["2021-12-31", "2022-12-14", "2025-12-14"]
    ///     .map(|day| units.at(Date::parse(day).unwrap()));
    /// let post = Post { role: Role::Province, unit: "44".to_owned() };
    /// assert!(post.is_same_unit(&in_2021, &in_2022));
    /// assert!(!post.is_same_unit(&in_2022, &in_2025));
    /// ```
    pub fn is_same_unit(&self, own: &UnitTree, there: &UnitTree) -> bool {
        let key = |tree: &UnitTree| tree.get(&self.unit).map(|unit| unit.key.clone());
        key(own).is_some_and(|unit| key(there) == Some(unit))
    }

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::date::Date;
    use crate::unit::Units;

    #[test]
    fn a_code_is_the_same_unit_only_within_its_period() {
        let built_in = Units::quang_tri_2022();
        let tree = |day| built_in.at(Date::parse(day).unwrap());
        let post = |unit: &str| Post { role: Role::Officer, unit: unit.to_owned() };
        let (then, late, after) = (tree("2021-12-31"), tree("2025-06-30"), tree("2025-07-01"));
        for unit in ["45", "467", "19558"] {
            assert!(post(unit).is_same_unit(&then, &late));
            assert!(!post(unit).is_same_unit(&then, &after), "there is none any more");
            assert!(!post(unit).is_same_unit(&after, &then));
        }
        assert!(!post("no-such-code").is_same_unit(&then, &then));
    }
}
