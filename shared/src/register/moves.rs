//! What moved on a unit's register between two days, household by household.
//!
//! Each step is a household's place before and after; whatever the steps are, what was there at the
//! start less what went out and with what came in is what is there at the end, in households and in
//! persons.

use serde::{Deserialize, Serialize};

use super::{Cause, Decided, Entry, Hamlet};
use crate::date::Date;
use crate::forms::{Flow, Side};
use crate::id::HouseholdId;

/// What becomes of a household that comes and goes between the two days.
///
/// Source: practice 1 (unverified): a setting, see `LEGAL.md`, "Report figures (forms 7.x)".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Through {
    /// Only the two ends are compared: it counts in no flow.
    #[default]
    None,
    /// Every decision counts: it counts in both.
    Both,
}

/// From which day to which flows are computed, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The start: decisions of this day stand at the start.
    pub from: Date,
    /// The end, itself included.
    pub to: Date,
    /// Households that come and go in between.
    pub through: Through,
    /// Years after leaving a list within which coming back is falling back (tái nghèo).
    pub look_back_years: u8,
}

/// Years of look-back where nobody has set another number. None was found in a text.
pub const LOOK_BACK_YEARS: u8 = 3;

/// One household's part in one figure of 7.2 or 7.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved<'a> {
    /// Which household.
    pub household: HouseholdId,
    /// Hamlet whose figure it is.
    pub hamlet: &'a Hamlet,
    /// Class whose form it is.
    pub side: Side,
    /// Column.
    pub flow: Flow,
    /// 1; 0 where only its number of members changed.
    pub households: u64,
    /// Persons.
    pub persons: u64,
    /// How it came or went.
    pub cause: Cause,
    /// The paper that it rests on.
    pub paper: &'a str,
    /// Day from which it holds.
    pub date: Date,
    /// Campaign of that decision.
    pub campaign: crate::id::CampaignId,
    /// The household it split from or joined.
    pub kin: Option<HouseholdId>,
    /// Persons of the closing list that are in no sum of the flows, because those at the start are not
    /// known: nobody has come or gone by being counted for the first time.
    pub left_out: u64,
}

/// One thing a decision said of a household.
#[derive(Clone, Copy)]
struct Said<'a> {
    by: &'a Decided,
    entry: &'a Entry,
}

impl<'a> Said<'a> {
    fn side(self) -> Option<Side> {
        self.entry.class
    }

    fn persons(self) -> u64 {
        u64::from(self.entry.persons)
    }

    fn hamlet(self) -> Option<&'a Hamlet> {
        self.by.hamlet_of(self.entry)
    }
}

/// Lists every part in every figure between two days. The decisions are one unit's,
/// [`super::in_order`].
pub fn moves<'a>(decided: &'a [Decided], period: &Period) -> Vec<Moved<'a>> {
    let mut said: Vec<Said<'a>> = decided
        .iter()
        .filter(|one| one.date <= period.to)
        .flat_map(|by| by.entries.iter().map(move |entry| Said { by, entry }))
        .collect();
    // Stable: what was said of one household stays in its order.
    said.sort_by_key(|one| one.entry.household);
    let mut out = Out { period, moved: Vec::new(), counts_persons: true };
    for household in said.chunk_by(|a, b| a.entry.household == b.entry.household) {
        out.household(household);
    }
    out.moved
}

struct Out<'a, 'p> {
    period: &'p Period,
    moved: Vec<Moved<'a>>,
    /// The persons of the household are known wherever they are counted.
    counts_persons: bool,
}

impl<'a> Out<'a, '_> {
    fn household(&mut self, said: &[Said<'a>]) {
        let start = said.partition_point(|one| one.by.date <= self.period.from);
        let first = start.checked_sub(1).and_then(|before| said.get(before)).copied();
        let from = match self.period.through {
            Through::Both => start,
            Through::None => said.len() - 1,
        };
        let mut counted = first.iter().chain(said.iter().skip(from));
        self.counts_persons = counted.all(|one| one.entry.knows_persons());
        if let Some(first) = first
            && let Some(side) = first.side()
        {
            self.put(first, first, side, Flow::Opening, 1, first.persons());
        }
        let Some(last) = said.last().copied() else { return };
        match self.period.through {
            Through::Both => {
                let mut before = first;
                for at in start..said.len() {
                    self.step(before, said[at], said, at);
                    before = Some(said[at]);
                }
            }
            Through::None if said.len() > start => {
                let at = turn(said, start);
                self.ends(first, said[at], last, said, at);
            }
            Through::None => {}
        }
        if let Some(side) = last.side() {
            self.put(last, last, side, Flow::Closing, 1, last.persons());
        }
    }

    /// Compares the two ends; `by` is what brought the household where it is at the end.
    fn ends(
        &mut self,
        first: Option<Said<'a>>,
        by: Said<'a>,
        last: Said<'a>,
        said: &[Said<'a>],
        at: usize,
    ) {
        let on = |said: Option<Said<'_>>| said.and_then(Said::side);
        if on(first).is_none() && on(Some(last)).is_some() {
            // It came by `by`; what it is now was said last.
            let side = last.side().unwrap_or(Side::Poor);
            let flow = self.way_in(by, said, at);
            self.put(last, by, side, flow, 1, last.persons());
        } else if on(Some(last)).is_none() {
            self.step(first, by, said, at);
        } else {
            self.step(first, last, said, at);
        }
    }

    /// Tells one step from one place to another.
    fn step(&mut self, before: Option<Said<'a>>, after: Said<'a>, said: &[Said<'a>], at: usize) {
        let from = before.filter(|before| before.side().is_some());
        match (from.and_then(|from| Some((from, from.side()?))), after.side()) {
            (None, None) => {}
            (None, Some(side)) => {
                let flow = self.way_in(after, said, at);
                self.put(after, after, side, flow, 1, after.persons());
            }
            (Some((from, side)), None) if after.entry.cause == Cause::Rose => {
                self.put(from, after, side, Flow::Above, 1, after.persons());
                self.grew(from, after, side);
            }
            (Some((from, side)), None) => {
                self.put(from, after, side, Flow::OtherOut, 1, from.persons());
            }
            (Some((from, side)), Some(to)) if from.hamlet() != after.hamlet() => {
                self.put(from, after, side, Flow::OtherOut, 1, from.persons());
                self.put(after, after, to, Flow::OtherIn, 1, after.persons());
            }
            (Some((from, side)), Some(to)) => {
                if side != to {
                    self.put(from, after, side, Flow::ToOther, 1, after.persons());
                    self.put(after, after, to, Flow::FromOther, 1, after.persons());
                }
                self.grew(from, after, side);
            }
        }
    }

    /// Counts members who came or went meanwhile.
    fn grew(&mut self, from: Said<'a>, after: Said<'a>, side: Side) {
        if !self.counts_persons {
            return;
        }
        let (before, now) = (from.persons(), after.persons());
        if now > before {
            self.put(from, after, side, Flow::OtherIn, 0, now - before);
        } else if before > now {
            self.put(from, after, side, Flow::OtherOut, 0, before - now);
        }
    }

    /// Tells by which column a household came.
    ///
    /// Source: `LEGAL.md`, "Report figures (forms 7.x)": newly arisen without an earlier exit, fell
    /// back after one. That only those who rose above the lines fall back is our reading.
    fn way_in(&self, by: Said<'_>, said: &[Said<'_>], at: usize) -> Flow {
        if matches!(by.entry.cause, Cause::MovedIn | Cause::Split) {
            return Flow::OtherIn;
        }
        let oldest = by.by.date.years_before(self.period.look_back_years);
        let exit = said[..at].windows(2).rev().find_map(|pair| {
            (pair[0].side().is_some() && pair[1].side().is_none()).then_some(pair[1])
        });
        let fell_back =
            exit.is_some_and(|exit| exit.entry.cause == Cause::Rose && exit.by.date >= oldest);
        if fell_back { Flow::FellBack } else { Flow::New }
    }

    fn put(
        &mut self,
        place: Said<'a>,
        by: Said<'a>,
        side: Side,
        flow: Flow,
        households: u64,
        persons: u64,
    ) {
        let Some(hamlet) = place.hamlet() else { return };
        self.moved.push(Moved {
            household: place.entry.household,
            hamlet,
            side,
            flow,
            households,
            persons: if self.counts_persons { persons } else { 0 },
            left_out: if self.counts_persons || flow != Flow::Closing { 0 } else { persons },
            cause: by.entry.cause,
            paper: by.by.paper_of(by.entry),
            date: by.by.date,
            campaign: by.by.campaign,
            kin: by.entry.kin,
        });
    }
}

/// Finds what brought a household onto its list or off it last: the newest from `start` on after
/// which nothing but its class or its members changed.
fn turn(said: &[Said<'_>], start: usize) -> usize {
    let on = |at: usize| said[at].side().is_some();
    let last = said.len() - 1;
    let mut at = last;
    while at > start && on(at - 1) == on(last) {
        at -= 1;
    }
    at
}
