//! The log of the simulated server and what is derived from it: dropped at every crash.

use std::collections::{BTreeMap, BTreeSet};

use shared::approve::Step;
use shared::holding::{Holding, Kept, Known, Number, Waiting};
use shared::id::{ChangeHash, DeviceId, DocumentId, HouseholdId};
use shared::standing::{Logged, Way};

use super::Edit;

/// One thing that is durable.
#[derive(Debug, Clone)]
pub(super) enum Record {
    /// A device was enrolled.
    Enrolled { device: DeviceId, person: String, key: [u8; 32] },
    /// A device was revoked.
    Revoked { device: DeviceId },
    /// A hamlet went to somebody, or away from them.
    Assigned { hamlet: String, person: String, now: bool },
    /// A household belongs somewhere.
    Household { document: DocumentId, household: HouseholdId, hamlet: String },
    /// A change came.
    Change(Box<Stored>),
    /// A change that was set aside went into the log.
    Released { edit: Edit, position: i64, side: bool },
    /// A change that was set aside is so for another reason now.
    SetAside { edit: Edit, kept: Kept, reason: String },
    /// A list took a step.
    Stepped { unit: String, step: Step },
}

/// A change as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    /// Document and hash.
    pub(super) edit: Edit,
    /// Its bytes.
    pub(super) chunk: Vec<u8>,
    /// What the log says of it.
    pub(super) known: Known,
    /// Where it is in the log of its unit.
    pub(super) position: Option<i64>,
    /// Actor and number.
    pub(super) number: Number,
    /// What it builds on.
    pub(super) dependencies: Vec<ChangeHash>,
    /// Device that signed it; none for the desk.
    pub(super) device: Option<DeviceId>,
    /// Unit whose log it belongs to.
    pub(super) unit: String,
}

/// A device as the server knows it.
#[derive(Debug, Clone)]
pub(super) struct Device {
    /// Whose it is.
    pub(super) person: String,
    /// Its public key.
    pub(super) key: [u8; 32],
    /// It was revoked.
    pub(super) revoked: bool,
}

/// A household as the server knows it.
#[derive(Debug, Clone)]
pub(super) struct House {
    /// Household id.
    pub(super) household: HouseholdId,
    /// Hamlet code.
    pub(super) hamlet: String,
    /// What the log holds of it.
    pub(super) holding: Holding,
}

/// Everything derived from the log.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// Devices by id.
    pub(super) devices: BTreeMap<DeviceId, Device>,
    /// People by hamlet, now.
    pub(super) assigned: BTreeSet<(String, String)>,
    /// People by hamlet, ever.
    pub(super) ever_assigned: BTreeSet<(String, String)>,
    /// Households by document.
    pub(super) houses: BTreeMap<DocumentId, House>,
    /// Every change stored, in order of arrival.
    pub(super) changes: Vec<Stored>,
    /// Where a change is in `changes`.
    pub(super) at: BTreeMap<Edit, usize>,
    /// Each unit's accepted changes by position, from 1.
    pub(super) units: BTreeMap<String, Vec<usize>>,
    /// Where each unit's list stands.
    pub(super) steps: BTreeMap<String, Step>,
}

/// Returns the unit a hamlet of the simulation is in.
pub(super) fn unit_of(hamlet: &str) -> &str {
    hamlet.split('-').next().unwrap_or(hamlet)
}

impl State {
    /// Derives everything from a log.
    pub(super) fn of(log: &[Record]) -> Self {
        let mut state = Self::default();
        log.iter().for_each(|record| state.apply(record));
        state
    }

    /// Takes one record in.
    pub(super) fn apply(&mut self, record: &Record) {
        match record {
            Record::Enrolled { device, person, key } => {
                let new = Device { person: person.clone(), key: *key, revoked: false };
                self.devices.insert(*device, new);
            }
            Record::Revoked { device } => {
                if let Some(device) = self.devices.get_mut(device) {
                    device.revoked = true;
                }
            }
            Record::Assigned { hamlet, person, now } => {
                let pair = (hamlet.clone(), person.clone());
                if *now {
                    self.ever_assigned.insert(pair.clone());
                    self.assigned.insert(pair);
                } else {
                    self.assigned.remove(&pair);
                }
            }
            Record::Household { document, household, hamlet } => {
                self.register(*document, *household, hamlet);
            }
            Record::Change(stored) => self.store(stored),
            Record::Released { edit, position, side } => {
                let (kept, reason) = (Kept::Accepted, String::new());
                let at = self.at[edit];
                let stored = &mut self.changes[at];
                stored.known = Known { kept, reason, side: *side };
                stored.position = Some(*position);
                self.units.entry(stored.unit.clone()).or_default().push(at);
                self.renote(edit.0);
            }
            Record::SetAside { edit, kept, reason } => {
                let stored = &mut self.changes[self.at[edit]];
                stored.known = Known { kept: *kept, reason: reason.clone(), side: false };
                self.renote(edit.0);
            }
            Record::Stepped { unit, step } => {
                self.steps.insert(unit.clone(), step.clone());
            }
        }
    }

    fn register(&mut self, document: DocumentId, household: HouseholdId, hamlet: &str) {
        if self.houses.contains_key(&document) {
            return;
        }
        let hamlet = hamlet.to_owned();
        // What came before anybody registered the household is shown where it is now.
        for stored in self.changes.iter_mut().filter(|stored| stored.edit.0 == document) {
            unit_of(&hamlet).clone_into(&mut stored.unit);
        }
        self.houses.insert(document, House { household, hamlet, holding: Holding::default() });
        self.renote(document);
    }

    fn store(&mut self, stored: &Stored) {
        let at = self.changes.len();
        self.at.insert(stored.edit, at);
        if stored.position.is_some() {
            self.units.entry(stored.unit.clone()).or_default().push(at);
        }
        if let Some(house) = self.houses.get_mut(&stored.edit.0) {
            let (known, bytes) = (stored.known.clone(), stored.chunk.len());
            house.holding.note(stored.edit.1, known, (stored.number, bytes), &stored.dependencies);
        }
        self.changes.push(stored.clone());
    }

    /// Reads anew what is held of a household, as a transaction does.
    fn renote(&mut self, document: DocumentId) {
        let mut holding = Holding::default();
        for stored in self.changes.iter().filter(|stored| stored.edit.0 == document) {
            let (known, bytes) = (stored.known.clone(), stored.chunk.len());
            holding.note(stored.edit.1, known, (stored.number, bytes), &stored.dependencies);
        }
        if let Some(house) = self.houses.get_mut(&document) {
            house.holding = holding;
        }
    }

    /// Lists a household's changes that are set aside and chosen.
    pub(super) fn aside(
        &self,
        document: DocumentId,
        chosen: impl Fn(&Known) -> bool,
    ) -> Vec<Waiting> {
        self.changes
            .iter()
            .filter(|stored| stored.edit.0 == document && chosen(&stored.known))
            .map(|stored| Waiting {
                hash: stored.edit.1,
                held: stored.known.kept == Kept::Held,
                number: stored.number,
                bytes: stored.chunk.len(),
                dependencies: stored.dependencies.clone(),
                // No simulated phone numbers its operations ahead.
                ahead: false,
            })
            .collect()
    }

    /// Lists a household's accepted changes: its own and those of side branches.
    pub(super) fn logged(&self, document: DocumentId) -> (Vec<Logged>, Vec<Logged>) {
        let accepted = self
            .changes
            .iter()
            .filter(|stored| stored.edit.0 == document && stored.known.kept == Kept::Accepted);
        let (side, main): (Vec<_>, Vec<_>) = accepted.partition(|stored| stored.known.side);
        let logged = |stored: &Stored| Logged {
            hash: stored.edit.1,
            chunk: stored.chunk.clone(),
            by: if stored.device.is_some() { Way::Device } else { Way::Desk },
        };
        (main.into_iter().map(logged).collect(), side.into_iter().map(logged).collect())
    }

    /// Tells whether a unit's list is frozen.
    pub(super) fn is_frozen(&self, unit: &str) -> bool {
        self.steps.get(unit).is_some_and(Step::is_frozen)
    }

    /// Returns a unit's newest position.
    pub(super) fn newest(&self, unit: &str) -> i64 {
        let count = self.units.get(unit).map_or(0, Vec::len);
        i64::try_from(count).expect("a count")
    }
}
