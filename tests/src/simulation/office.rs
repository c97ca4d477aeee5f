//! What offices do on the simulated server: open the campaign, settle, freeze, send back.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use mobile_schema::household::Value;
use mobile_schema::problem;
use shared::admit::Ancestors;
use shared::approve::{Act, Step, decide};
use shared::classify::Basis;
use shared::date::Date;
use shared::holding::Kept;
use shared::id::{AccountId, DocumentId, HouseholdId, document_id};
use shared::list::{Aside, Hamlet, List, Outcome, Registered, blockers, freeze};
use shared::merge::{actor_id, genesis};
use shared::page::{Decision, Page, settle, write};
use shared::resolve::Path;
use shared::scope::Role;
use shared::score::ScoreTable;
use shared::standard::Standard;
use shared::standing::{Place, Standing, stand};
use shared::unit::Area;

use super::log::{Record, unit_of};
use super::server::Memory;
use super::{Decided, HAMLETS, PEOPLE, Server};

/// Households of each hamlet on the opening list.
const LISTED: [usize; 3] = [3, 2, 2];

/// The officer and the district.
const OFFICER: AccountId = AccountId([1; 16]);
const DISTRICT: AccountId = AccountId([2; 16]);

fn basis() -> Basis<'static> {
    static STANDARD: LazyLock<Standard> = LazyLock::new(Standard::nd_07_2021);
    static TABLE: LazyLock<ScoreTable> = LazyLock::new(ScoreTable::synthetic_demo);
    Basis {
        standard: &STANDARD,
        table: Some(&TABLE),
        review_date: Date::parse("2022-12-14").expect("a date"),
        region: "rural_north_central_coast",
    }
}

impl Memory {
    /// Loads the opening list and sends everybody out.
    pub(super) fn open(&mut self) {
        for (hamlet, count) in HAMLETS.iter().zip(LISTED) {
            for _ in 0..count {
                let household = HouseholdId(self.rng.bytes());
                let document = document_id(self.campaign, household);
                let hamlet = (*hamlet).to_owned();
                self.write(Record::Household { document, household, hamlet });
                let answers = [("water".to_owned(), Value::from("piped"))];
                let opening = Some((self.campaign, household));
                let page = Page { opening, answers: answers.into(), ..Page::default() };
                let mut doc = genesis();
                doc.set_actor(actor_id(self.fresh_actor()));
                let written = write(&mut doc, &page, 0).expect("it is written").expect("news");
                self.append_desk(document, written.hash, &written.chunk);
                let wrote = vec![(Path::Answer("water".to_owned()), Value::from("piped"))];
                let (edit, chunk) = ((document, written.hash), written.chunk);
                self.decided.push(Decided { edit, chunk, wrote });
            }
        }
        for (person, hamlets) in PEOPLE {
            hamlets.iter().for_each(|hamlet| self.assign(hamlet, person, true));
        }
    }

    fn documents(&self, unit: &str) -> Vec<DocumentId> {
        let houses = self.state.houses.iter();
        let in_unit = houses.filter(|(_, house)| unit_of(&house.hamlet) == unit);
        let mut documents: Vec<DocumentId> = in_unit.map(|(document, _)| *document).collect();
        documents.retain(|document| !self.state.logged(*document).0.is_empty());
        documents
    }

    /// Runs the line for one household.
    pub(super) fn stand(&self, document: DocumentId) -> Standing {
        let house = &self.state.houses[&document];
        let place = Place {
            household: house.household,
            document,
            hamlet: house.hamlet.clone(),
            area: Area::Rural,
            opening: None,
            opening_dtts: false,
        };
        let (main, side) = self.state.logged(document);
        stand(&place, &main, &side, &basis())
    }

    fn draft(&self, unit: &str) -> (List, Vec<Standing>) {
        let standings: Vec<Standing> =
            self.documents(unit).into_iter().map(|document| self.stand(document)).collect();
        let counts =
            Registered { households: 900, persons: 4000, dtts_households: 900, dtts_persons: 4000 };
        let hamlets = HAMLETS.iter().filter(|hamlet| unit_of(hamlet) == unit);
        let hamlets = hamlets.map(|hamlet| Hamlet {
            code: (*hamlet).to_owned(),
            type_word: "thôn".to_owned(),
            name: (*hamlet).to_owned(),
            area: Area::Rural,
            closing: counts,
            opening: counts,
            source: "thử".to_owned(),
        });
        let list = List {
            campaign: self.campaign,
            unit: unit.to_owned(),
            review_date: "2022-12-14".to_owned(),
            standard: "nd-07-2021".to_owned(),
            hamlets: hamlets.collect(),
            rows: standings.iter().map(|standing| standing.row.clone()).collect(),
        };
        (list, standings)
    }

    /// Settles every dispute of a household and writes the outcome where it is missing.
    fn settle_all(&mut self, document: DocumentId) {
        // Every act may leave another answer open.
        for _ in 0..40 {
            let standing = self.stand(document);
            let outcome = (Path::Answer("outcome".to_owned()), Value::from("moved_out"));
            let chosen = standing.disputes.iter().find_map(|dispute| {
                let value = dispute.values.iter().find_map(|side| side.value.clone())?;
                Some((dispute.path.clone(), value))
            });
            let pending = standing.row.outcome == Outcome::Pending;
            let Some((path, value)) = chosen.or(pending.then_some(outcome)) else { return };
            let closes = &standing.forked[..standing.forked.len().min(7)];
            let (heads, holds) = (&standing.heads, Some(&value));
            let decision = Decision { heads, path: &path, value: holds, closes };
            let actor = self.fresh_actor();
            let main = self.state.logged(document).0;
            let Ok(written) = settle(&main, actor, &decision) else { return };
            self.append_desk(document, written.hash, &written.chunk);
            let (edit, chunk) = ((document, written.hash), written.chunk);
            self.decided.push(Decided { edit, chunk, wrote: vec![(path, value)] });
        }
    }

    /// Leaves out what was set aside in a unit: it stays in the log and is never merged.
    fn leave_out(&mut self, unit: &str) {
        let open = self.state.changes.iter().filter(|stored| {
            stored.unit == unit && matches!(stored.known.kept, Kept::Held | Kept::Waiting)
        });
        let edits: Vec<_> = open.map(|stored| stored.edit).collect();
        for edit in edits {
            let reason = problem::CHANGE_LEFT_OUT.name.to_owned();
            self.write(Record::SetAside { edit, kept: Kept::Held, reason });
        }
    }

    pub(super) fn submit_list(&mut self, unit: &str) -> bool {
        if self.state.is_frozen(unit) {
            return false;
        }
        self.documents(unit).into_iter().for_each(|document| self.settle_all(document));
        self.leave_out(unit);
        let (list, standings) = self.draft(unit);
        let open: Vec<_> = standings.iter().map(|standing| standing.open.clone()).collect();
        if !blockers(&list, &open, &[], Aside::default()).is_empty() {
            return false;
        }
        let root = freeze(&list).1;
        let act = Act::Submit { root };
        let step = decide(&Step::Collecting, &act, OFFICER, Role::Officer, Some(root));
        let (unit, step) = (unit.to_owned(), step.expect("it may be submitted"));
        self.frozen.insert(unit.clone(), root);
        self.write(Record::Stepped { unit, step });
        true
    }

    /// Sends a frozen list back, and merges what came meanwhile.
    pub(super) fn reopen_list(&mut self, unit: &str) {
        let Some(step) = self.state.steps.get(unit).filter(|step| step.is_frozen()) else { return };
        assert_eq!(self.frozen_that_moved(), None);
        let act = Act::Return {
            opinion: None,
            root: step.root().expect("it is frozen"),
            comment: "xem lại".to_owned(),
            households: BTreeMap::new(),
        };
        let step = decide(step, &act, DISTRICT, Role::District, None).expect("it may be returned");
        self.frozen.remove(unit);
        self.write(Record::Stepped { unit: unit.to_owned(), step });
        self.release_late(unit);
    }

    fn release_late(&mut self, unit: &str) {
        let late = [problem::LIST_FROZEN, problem::ANCESTOR_HELD];
        let late = late.map(|reason| reason.name);
        for document in self.state.houses.keys().copied().collect::<Vec<_>>() {
            let house = &self.state.houses[&document];
            if unit_of(&house.hamlet) != unit {
                continue;
            }
            let mut holding = house.holding.clone();
            let mut aside = self.state.aside(document, |known| {
                known.kept == Kept::Waiting
                    || (known.kept == Kept::Held && late.contains(&known.reason.as_str()))
            });
            for released in holding.release(&mut aside) {
                let position = self.state.newest(unit) + 1;
                let edit = (document, released.hash);
                self.write(Record::Released { edit, position, side: released.side });
            }
            let (held, mut waiting): (Vec<_>, Vec<_>) =
                aside.into_iter().partition(|change| change.held);
            for change in held {
                let (kept, reason) = match holding.ancestors(&change.dependencies) {
                    Ancestors::Missing => (Kept::Waiting, ""),
                    Ancestors::Aside => (Kept::Held, problem::ANCESTOR_HELD.name),
                    Ancestors::Accepted => (Kept::Held, holding.no_place(change.bytes).name),
                };
                let (edit, reason) = ((document, change.hash), reason.to_owned());
                self.write(Record::SetAside { edit, kept, reason });
            }
            for stuck in holding.hold_stuck(&mut waiting) {
                let (edit, reason) = ((document, stuck.hash), stuck.reason.to_owned());
                self.write(Record::SetAside { edit, kept: stuck.kept, reason });
            }
        }
    }

    pub(super) fn frozen_that_moved(&self) -> Option<String> {
        self.frozen.iter().find_map(|(unit, root)| {
            let now = freeze(&self.draft(unit).0).1;
            (now != *root).then(|| format!("the frozen list of {unit} moved"))
        })
    }
}
