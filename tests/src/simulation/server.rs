//! The simulated server: a log in memory, and the rules of `shared` over it.
//!
//! It decides nothing of its own. Everything but the log is gone after a crash.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::frame::{
    Batch, BatchResult, FRAME_VERSION, Fate, HouseholdRow, Receipt, SyncRequest, SyncResponse,
    Verdict,
};
use mobile_schema::household::SCHEMA_VERSION;
use serde_bytes::{ByteArray, ByteBuf};
use shared::admit::{Ancestors, Circumstances};
use shared::cursor::{Cursor, Hamlets, Reading, Scope, Segment, joined, reading};
use shared::holding::{Kept, Known, Placing, number_of, place};
use shared::id::{Actor, CampaignId, ChangeHash, DeviceId, DocumentId, HouseholdId, document_id};
use shared::limits;
use shared::standing::Standing;
use shared::verify::{Verified, VerifiedBatch, manifest_device, verify};

use super::log::{Record, State, Stored, unit_of};
use super::{Caller, Edit, HAMLETS, Place, Server};
use crate::rng::Rng;

/// About how many bytes of changes one answer carries: little, so that most take several.
const ANSWER_BYTES: usize = 2_000;

/// The server in memory.
pub struct Memory {
    /// The campaign.
    pub campaign: CampaignId,
    log: Vec<Record>,
    pub(super) state: State,
    epoch: [u8; 16],
    pub(super) rng: Rng,
    pub(super) decided: Vec<super::Decided>,
    pub(super) frozen: BTreeMap<String, shared::id::Digest>,
}

impl Memory {
    /// An empty installation.
    pub fn new(rng: &mut Rng) -> Self {
        Self {
            campaign: CampaignId(rng.bytes()),
            log: Vec::new(),
            state: State::default(),
            epoch: rng.bytes(),
            rng: Rng::new(rng.draw()),
            decided: Vec::new(),
            frozen: BTreeMap::new(),
        }
    }

    /// Makes something durable.
    pub(super) fn write(&mut self, record: Record) {
        self.state.apply(&record);
        self.log.push(record);
    }

    fn scope(&self, caller: Caller) -> Scope {
        let Caller::Device(device) = caller else {
            let units: BTreeSet<&str> = HAMLETS.iter().map(|hamlet| unit_of(hamlet)).collect();
            return units.into_iter().map(|unit| (unit.to_owned(), Hamlets::All)).collect();
        };
        let device = &self.state.devices[&device];
        let mut scope = Scope::new();
        if device.revoked {
            return scope;
        }
        let assigned = self.state.assigned.iter().filter(|(_, person)| *person == device.person);
        for (hamlet, _) in assigned {
            let hamlets = scope
                .entry(unit_of(hamlet).to_owned())
                .or_insert_with(|| Hamlets::Only(BTreeSet::new()));
            if let Hamlets::Only(codes) = hamlets {
                codes.insert(hamlet.clone());
            }
        }
        scope
    }

    fn positions(&self) -> BTreeMap<String, i64> {
        let units = self.state.units.keys();
        units.map(|unit| (unit.clone(), self.state.newest(unit))).collect()
    }

    fn take(&mut self, batch: &Batch) -> BatchResult {
        let verified = manifest_device(batch).and_then(|device| {
            let known = self.state.devices.get(&device);
            let key = known.map_or([0; 32], |known| known.key);
            verify(batch, &key).map(|verified| (device, verified))
        });
        let (device, batch) = match verified {
            Ok(verified) => verified,
            Err(error) => return BatchResult::Refused(error.problem().name.to_owned()),
        };
        self.register(&batch);
        let verdicts = batch.changes.iter().map(|change| match change {
            Ok(verified) => self.append(device, &batch, verified),
            Err(aside) => Verdict {
                fate: Fate::Quarantined,
                reason: Some(aside.reason.problem().name.to_owned()),
            },
        });
        let verdicts = verdicts.collect();
        self.release_waiting(&batch);
        let receipt = Receipt {
            manifest: ByteArray::new(batch.manifest_digest.0),
            epoch: ByteArray::new(self.epoch),
            received_at_ms: 0,
            verdicts,
        };
        let mut bytes = Vec::new();
        ciborium::into_writer(&receipt, &mut bytes).expect("memory takes every byte");
        BatchResult::Receipt { receipt: ByteBuf::from(bytes), signature: ByteBuf::new() }
    }

    fn register(&mut self, batch: &VerifiedBatch) {
        for new in &batch.manifest.households {
            let household = HouseholdId(*new.household);
            let document = document_id(self.campaign, household);
            let known = self.state.houses.contains_key(&document);
            if !known && HAMLETS.contains(&new.hamlet.as_str()) {
                let hamlet = new.hamlet.clone();
                self.write(Record::Household { document, household, hamlet });
            }
        }
    }

    fn append(&mut self, device: DeviceId, batch: &VerifiedBatch, verified: &Verified) -> Verdict {
        let (document, change) = (verified.document(), verified.change());
        let edit = (document, change.hash());
        let of = self.circumstances(device, batch, verified);
        let house = self.state.houses.get(&document);
        let placed = match place(house.map(|house| &house.holding), change, &of) {
            Placing::Again(verdict) => return verdict,
            Placing::Store(placed) => placed,
        };
        let unit = house.map_or("", |house| unit_of(&house.hamlet)).to_owned();
        let position = (placed.kept == Kept::Accepted).then(|| self.state.newest(&unit) + 1);
        let (reason, known) = (placed.kept_reason().to_owned(), placed.known());
        match (self.state.at.contains_key(&edit), position) {
            (false, _) => {
                self.write(Record::Change(Box::new(Stored {
                    edit,
                    chunk: change.chunk().to_vec(),
                    known,
                    position,
                    number: number_of(change),
                    dependencies: change.dependencies().to_vec(),
                    device: Some(device),
                    unit,
                })));
            }
            (true, Some(position)) if placed.anew => {
                let side = placed.side;
                self.write(Record::Released { edit, position, side });
            }
            (true, _) if placed.anew => {
                self.write(Record::SetAside { edit, kept: placed.kept, reason });
            }
            // Foreign, and sent again: it stays as it is.
            (true, _) => {}
        }
        placed.verdict()
    }

    fn circumstances(
        &self,
        device: DeviceId,
        batch: &VerifiedBatch,
        verified: &Verified,
    ) -> Circumstances {
        let device = &self.state.devices[&device];
        let house = self.state.houses.get(&verified.document());
        let change = verified.change();
        let ancestors = house
            .map_or(Ancestors::Missing, |house| house.holding.ancestors(change.dependencies()));
        let person = |house: &super::log::House| (house.hamlet.clone(), device.person.clone());
        Circumstances {
            device_revoked: device.revoked,
            typist_unknown: false,
            actor_foreign: false,
            typist_disabled: false,
            schema_newer: batch.manifest.schema > SCHEMA_VERSION,
            document_foreign: house.is_none(),
            document_full: house
                .is_some_and(|house| house.holding.is_full(change.chunk().len(), ancestors)),
            branches_full: house.is_some_and(|house| {
                house.holding.is_split(change.dependencies(), limits::BRANCHES_MAX)
            }),
            campaign_closed: false,
            ever_assigned: house
                .is_some_and(|house| self.state.ever_assigned.contains(&person(house))),
            list_frozen: house.is_some_and(|house| self.state.is_frozen(unit_of(&house.hamlet))),
            ancestors,
            waiting_full: false,
            numbered_ahead: false,
        }
    }

    /// Lets go what waited for changes of a batch.
    fn release_waiting(&mut self, batch: &VerifiedBatch) {
        let documents: BTreeSet<DocumentId> =
            batch.changes.iter().flatten().map(Verified::document).collect();
        for document in documents {
            let Some(house) = self.state.houses.get(&document) else { continue };
            if !house.holding.has_waiting() {
                continue;
            }
            let mut holding = house.holding.clone();
            let unit = unit_of(&house.hamlet).to_owned();
            let mut waiting = self.state.aside(document, |known| known.kept == Kept::Waiting);
            for released in holding.release_waiting(&mut waiting) {
                let edit = (document, released.hash);
                if released.kept != Kept::Accepted {
                    let (kept, reason) = (released.kept, released.reason.to_owned());
                    self.write(Record::SetAside { edit, kept, reason });
                    continue;
                }
                let position = self.state.newest(&unit) + 1;
                self.write(Record::Released { edit, position, side: released.side });
            }
        }
    }

    fn fill(&self, reading: Reading, named: &BTreeSet<Edit>) -> SyncResponse {
        let mut answer = SyncResponse {
            v: FRAME_VERSION,
            entered: reading.entered,
            left: reading.left,
            ..SyncResponse::default()
        };
        let mut households = BTreeMap::new();
        let mut room = ANSWER_BYTES;
        let mut segments = Vec::new();
        for mut segment in reading.segments {
            self.read_on(&mut segment, named, &mut room, &mut answer, &mut households);
            answer.more |= segment.position < self.state.newest(&segment.unit);
            segments.push(segment);
        }
        answer.households = households.into_values().collect();
        let cursor = Cursor { epoch: self.epoch, segments: joined(segments) };
        answer.cursor = ByteBuf::from(cursor.encode());
        answer
    }

    fn read_on(
        &self,
        segment: &mut Segment,
        named: &BTreeSet<Edit>,
        room: &mut usize,
        answer: &mut SyncResponse,
        households: &mut BTreeMap<DocumentId, HouseholdRow>,
    ) {
        let log = self.state.units.get(&segment.unit).map_or(&[][..], Vec::as_slice);
        for (position, at) in (1_i64..).zip(log) {
            if position <= segment.position {
                continue;
            }
            let stored = &self.state.changes[*at];
            let (document, house) = (stored.edit.0, &self.state.houses[&stored.edit.0]);
            let in_scope = match &segment.hamlets {
                Hamlets::All => true,
                Hamlets::Only(codes) => codes.contains(&house.hamlet),
            };
            if in_scope && !stored.known.side {
                if *room == 0 {
                    return;
                }
                if !named.contains(&stored.edit) || position <= segment.whole_until {
                    *room = room.saturating_sub(stored.chunk.len() + 16);
                    households.entry(document).or_insert_with(|| HouseholdRow {
                        document: ByteArray::new(document.0),
                        household: ByteArray::new(house.household.0),
                        unit: segment.unit.clone(),
                        hamlet: house.hamlet.clone(),
                        code: String::new(),
                    });
                    let chunk = ByteBuf::from(stored.chunk.clone());
                    answer.changes.push((ByteArray::new(document.0), chunk));
                }
            }
            segment.position = position;
        }
    }

    /// Writes an opening change, or a decision of the desk, into the log.
    pub(super) fn append_desk(&mut self, document: DocumentId, hash: ChangeHash, chunk: &[u8]) {
        let guarded = shared::guard::guard(chunk).expect("our own change");
        let unit = unit_of(&self.state.houses[&document].hamlet).to_owned();
        let position = Some(self.state.newest(&unit) + 1);
        self.write(Record::Change(Box::new(Stored {
            edit: (document, hash),
            chunk: guarded.chunk().to_vec(),
            known: Known { kept: Kept::Accepted, reason: String::new(), side: false },
            position,
            number: number_of(&guarded),
            dependencies: guarded.dependencies().to_vec(),
            device: None,
            unit,
        })));
    }

    /// Draws an actor nobody has.
    pub(super) fn fresh_actor(&mut self) -> Actor {
        Actor(self.rng.bytes())
    }
}

impl Server for Memory {
    fn campaign(&self) -> CampaignId {
        self.campaign
    }

    fn enrol(&mut self, person: &str, key: [u8; 32]) -> DeviceId {
        let device = DeviceId(self.rng.bytes());
        self.write(Record::Enrolled { device, person: person.to_owned(), key });
        device
    }

    fn sync(&mut self, caller: Caller, request: &SyncRequest) -> SyncResponse {
        let cursor = Cursor::decode(&request.cursor).ok();
        let cursor = cursor.filter(|cursor| cursor.epoch == self.epoch);
        let reading = reading(cursor.as_ref(), &self.scope(caller), &self.positions());
        let results = request.batches.iter().map(|batch| self.take(batch)).collect();
        let named = super::named(request);
        SyncResponse { results, ..self.fill(reading, &named) }
    }

    fn restart(&mut self) {
        self.state = State::of(&self.log);
    }

    fn assign(&mut self, hamlet: &str, person: &str, now: bool) {
        let (hamlet, person) = (hamlet.to_owned(), person.to_owned());
        self.write(Record::Assigned { hamlet, person, now });
    }

    fn revoke(&mut self, device: DeviceId) {
        self.write(Record::Revoked { device });
    }

    fn submit(&mut self, unit: &str) -> bool {
        self.submit_list(unit)
    }

    fn reopen(&mut self, unit: &str) {
        self.reopen_list(unit);
    }

    fn decided(&self) -> &[super::Decided] {
        &self.decided
    }

    fn standing(&self, document: DocumentId) -> Option<Standing> {
        Some(self.stand(document))
    }

    fn frozen_moved(&self) -> Option<String> {
        self.frozen_that_moved()
    }

    fn scopes(&self) -> BTreeMap<DeviceId, BTreeSet<String>> {
        let devices = self.state.devices.iter();
        let scopes = devices.map(|(id, device)| {
            let assigned = self.state.assigned.iter();
            let own = assigned.filter(|(_, person)| *person == device.person && !device.revoked);
            (*id, own.map(|(hamlet, _)| hamlet.clone()).collect())
        });
        scopes.collect()
    }

    fn places(&self) -> Vec<Place> {
        let place = |stored: &Stored| Place {
            edit: stored.edit,
            chunk: stored.chunk.clone(),
            kept: stored.known.kept,
            side: stored.known.side,
            unit: stored.unit.clone(),
            hamlet: self.state.houses.get(&stored.edit.0).map(|house| house.hamlet.clone()),
            position: stored.position,
            dependencies: stored.dependencies.clone(),
        };
        self.state.changes.iter().map(place).collect()
    }
}

const _: () = assert!(ANSWER_BYTES < limits::ANSWER_BYTES);
