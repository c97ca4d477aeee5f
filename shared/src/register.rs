//! The register (danh sách đang quản lý): which households are poor or near-poor on a day, by the
//! decisions that were taken until then.
//!
//! It is a function of recorded decisions and of nothing else. One unit's decisions make its flows; who
//! stands where is read from those of every unit together. What a decision does not mention stays as it was: nothing leaves silently.

mod bytes;
mod moves;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::classify::Class;
use crate::date::Date;
use crate::forms::Side;
use crate::id::{CampaignId, HouseholdId};
use crate::life::Life;
use crate::list::{List, Outcome, Row};
use crate::unit::Area;

pub use self::bytes::{decode, encode};
pub use self::moves::{LOOK_BACK_YEARS, Moved, Period, Through, moves};

/// How a household came to stand where a decision put it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It stood on the first opening list.
    Opening,
    /// It was reviewed, or the committee kept it.
    Reviewed,
    /// It moved in.
    MovedIn,
    /// It split from another household.
    Split,
    /// It rose above both lines.
    Rose,
    /// It moved out.
    MovedOut,
    /// It joined another household.
    Joined,
    /// Nobody of it is left.
    DiedOut,
    /// The steering committee took it off.
    StruckOff,
    /// It left; lists of before kept no more than that.
    Left,
}

/// What one decision says of one household.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Which household.
    pub household: HouseholdId,
    /// Its hamlet, as a place in [`Decided::hamlets`].
    pub hamlet: u32,
    /// The paper it rests on, as a place in [`Decided::papers`].
    pub paper: u32,
    /// The list it is on from now; none where it is on none.
    pub class: Option<Side>,
    /// How it came to that.
    pub cause: Cause,
    /// Its members.
    pub persons: u32,
    /// Ethnic-minority household.
    pub dtts: bool,
    /// The household it split from or joined.
    pub kin: Option<HouseholdId>,
}

impl Entry {
    /// Tells whether its members were counted: opening lists from before the register do not say.
    ///
    /// Nobody is on a list without a member, so that none means not known.
    pub fn knows_persons(&self) -> bool {
        self.class.is_none() || self.persons > 0
    }
}

/// A hamlet as a decision names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hamlet {
    /// Code.
    pub code: String,
    /// Area type.
    pub area: Area,
}

/// What a decision is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The opening list that a register begins with.
    Opening,
    /// A recognised list.
    List,
}

/// One decision about one unit's households, as it stands in the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Day from which it holds: that of the decision.
    pub date: Date,
    /// When it was recorded, to tell decisions of one day apart.
    pub recorded_ms: i64,
    /// What it is.
    pub kind: Kind,
    /// Campaign it was taken in.
    pub campaign: CampaignId,
    /// Hamlets that its entries name.
    pub hamlets: Vec<Hamlet>,
    /// Papers that its entries rest on.
    pub papers: Vec<String>,
    /// What it says, by household.
    pub entries: Vec<Entry>,
    /// True where it mentions every household that was on a list before it: nothing older counts.
    pub whole: bool,
}

impl Decided {
    /// Begins a decision that says nothing yet.
    pub fn new(kind: Kind, campaign: CampaignId, date: Date, recorded_ms: i64) -> Self {
        let (hamlets, papers, entries) = (Vec::new(), Vec::new(), Vec::new());
        Self { date, recorded_ms, kind, campaign, hamlets, papers, entries, whole: false }
    }

    /// Says when it was taken, to tell which of two is newer.
    fn moment(&self) -> (Date, Kind, i64, CampaignId) {
        (self.date, self.kind, self.recorded_ms, self.campaign)
    }

    /// Reads a recognised list as a decision.
    pub fn of_list(list: &List, paper: &str, date: Date, recorded_ms: i64) -> Self {
        let mut decided = Self::new(Kind::List, list.campaign, date, recorded_ms);
        for row in &list.rows {
            let Some((class, cause)) = standing(row) else { continue };
            let hamlet = decided.hamlet(&row.hamlet, row.area);
            let paper = decided.paper(paper);
            decided.entries.push(Entry {
                household: row.household,
                hamlet,
                paper,
                class,
                cause,
                persons: row.members,
                dtts: row.dtts,
                kin: row.kin,
            });
        }
        decided
    }

    /// Names a hamlet.
    pub fn hamlet(&mut self, code: &str, area: Area) -> u32 {
        let known = self.hamlets.iter().position(|hamlet| hamlet.code == code);
        place(known, &mut self.hamlets, || Hamlet { code: code.to_owned(), area })
    }

    /// Names a paper. The one named last is looked for first: papers come in runs.
    pub fn paper(&mut self, number: &str) -> u32 {
        let known = self.papers.iter().rposition(|paper| paper == number);
        place(known, &mut self.papers, || number.to_owned())
    }

    /// Returns the hamlet of one of its entries.
    pub fn hamlet_of(&self, entry: &Entry) -> Option<&Hamlet> {
        self.hamlets.get(usize::try_from(entry.hamlet).ok()?)
    }

    /// Returns the paper of one of its entries.
    pub fn paper_of(&self, entry: &Entry) -> &str {
        let place = usize::try_from(entry.paper).ok();
        place.and_then(|place| self.papers.get(place)).map_or("", String::as_str)
    }
}

fn place<T>(known: Option<usize>, all: &mut Vec<T>, new: impl FnOnce() -> T) -> u32 {
    let place = known.unwrap_or_else(|| {
        all.push(new());
        all.len() - 1
    });
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Says where a recognised row puts its household; nothing where it says nothing.
fn standing(row: &Row) -> Option<(Option<Side>, Cause)> {
    match (row.outcome, row.class) {
        (Outcome::Surveyed | Outcome::Kept, Some(Class::Above)) => Some((None, Cause::Rose)),
        (Outcome::Surveyed | Outcome::Kept, class) => {
            let side = Side::of(class)?;
            let cause = match row.life {
                Life::MovedIn => Cause::MovedIn,
                Life::Split => Cause::Split,
                _ => Cause::Reviewed,
            };
            Some((Some(side), cause))
        }
        (Outcome::Left, _) => {
            let cause = match row.life {
                Life::MovedOut => Cause::MovedOut,
                Life::Joined => Cause::Joined,
                Life::DiedOut => Cause::DiedOut,
                Life::StruckOff => Cause::StruckOff,
                Life::Same | Life::MovedIn | Life::Split | Life::Kept => Cause::Left,
            };
            Some((None, cause))
        }
        (Outcome::Pending, _) => None,
    }
}

/// Puts a unit's decisions into their order and says which are whole.
pub fn in_order(mut decided: Vec<Decided>) -> Vec<Decided> {
    decided.sort_by_key(Decided::moment);
    let mut held: BTreeSet<HouseholdId> = BTreeSet::new();
    for one in &mut decided {
        let named: BTreeSet<HouseholdId> =
            one.entries.iter().map(|entry| entry.household).collect();
        one.whole = held.is_subset(&named);
        for entry in &one.entries {
            if entry.class.is_some() {
                held.insert(entry.household);
            } else {
                held.remove(&entry.household);
            }
        }
    }
    decided
}

/// A household on the register.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// What the newest decision said of it.
    pub entry: &'a Entry,
    /// That decision.
    pub by: &'a Decided,
}

impl Held<'_> {
    /// Tells whether it says only that the household is not in this unit any more, and nothing of
    /// whether it is poor.
    fn only_left(&self) -> bool {
        let has_left = matches!(self.entry.cause, Cause::MovedOut | Cause::Left);
        self.entry.class.is_none() && has_left
    }
}

/// Reads a unit's register as of a day, by household. The decisions are [`in_order`].
///
/// ```
/// use shared::date::Date;
/// use shared::register::{as_of, in_order};
///
/// let none = in_order(Vec::new());
/// assert!(as_of(&none, Date::parse("2022-12-31").unwrap()).is_empty());
/// ```
pub fn as_of(decided: &[Decided], day: Date) -> Vec<Held<'_>> {
    let mut newest = newest(decided, day);
    newest.retain(|held| held.entry.class.is_some());
    newest
}

/// Finds the newest decision about each household of a unit, by household.
fn newest(decided: &[Decided], day: Date) -> Vec<Held<'_>> {
    let mut newest: Vec<Held<'_>> = Vec::new();
    for by in decided.iter().rev().filter(|one| one.date <= day) {
        newest.extend(by.entries.iter().map(|entry| Held { entry, by }));
        if by.whole {
            break;
        }
    }
    // Newest first, and it stays so among entries of one household.
    newest.sort_by_key(|held| held.entry.household);
    newest.dedup_by_key(|held| held.entry.household);
    newest
}

/// Reads the registers of units together as of a day: each household stands where the newest decision
/// put it, and in one unit only.
///
/// Two communes recognise on two days. Between them a household that moved stands on the list of the
/// one that took it and still in the register of the one that it left: the newer of the two counts. That
/// a list says of it that it moved out ends its place on that list alone.
pub fn as_of_all(
    units: &BTreeMap<String, Vec<Decided>>,
    day: Date,
) -> BTreeMap<&str, Vec<Held<'_>>> {
    let mut all: BTreeMap<&str, Vec<Held<'_>>> =
        units.iter().map(|(unit, decided)| (unit.as_str(), newest(decided, day))).collect();
    let twice = in_two_units(all.values());
    let mut counts: BTreeMap<HouseholdId, (Held<'_>, &str)> = BTreeMap::new();
    for (unit, newest) in &all {
        let counted = newest.iter().filter(|held| twice.contains(&held.entry.household));
        for held in counted.filter(|held| !held.only_left()) {
            let best = counts.entry(held.entry.household).or_insert((*held, *unit));
            if held.by.moment() > best.0.by.moment() {
                *best = (*held, *unit);
            }
        }
    }
    for (unit, newest) in &mut all {
        let is_here = |held: &Held<'_>| {
            counts.get(&held.entry.household).is_none_or(|(_, newest)| newest == unit)
        };
        newest.retain(|held| held.entry.class.is_some() && is_here(held));
    }
    all
}

/// Finds the households that decisions of more than one unit speak of: few, where hardly any moves.
fn in_two_units<'a>(units: impl Iterator<Item = &'a Vec<Held<'a>>>) -> BTreeSet<HouseholdId> {
    let mut named: Vec<HouseholdId> = units.flatten().map(|held| held.entry.household).collect();
    named.sort_unstable();
    named.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0]).collect()
}

/// Counts the households whose persons are not known at either end of a period: its sums of persons
/// leave them out. The decisions are [`in_order`].
pub fn persons_unknown(decided: &[Decided], period: &Period) -> usize {
    let ends = [period.from, period.to].into_iter().flat_map(|on| as_of(decided, on));
    let unknown = ends.filter(|held| !held.entry.knows_persons());
    unknown.map(|held| held.entry.household).collect::<BTreeSet<HouseholdId>>().len()
}

#[cfg(test)]
mod tests;
