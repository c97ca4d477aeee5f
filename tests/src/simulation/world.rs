//! What happens, step by step, until the network heals.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use mobile_schema::frame::{SyncRequest, SyncResponse, Verdict};
use mobile_schema::household::Value;
use serde_bytes::ByteBuf;
use shared::guard::guard;
use shared::id::{DocumentId, to_hex};
use shared::page::Page;

use super::log::unit_of;
use super::model::Model;
use super::network::Letter;
use super::phone::Phone;
use super::{Counted, Edit, HAMLETS, PEOPLE, Server, Settings, bad};
use crate::rng::Rng;

/// Most devices, copies among them.
const PHONES_MAX: usize = 10;

/// A phone and the line it has.
pub(super) struct Holder {
    pub(super) phone: Phone,
    /// Out of reach.
    pub(super) cut: bool,
    /// The request it waits for an answer to.
    pub(super) awaits: Option<u64>,
    /// A backup, taken earlier.
    backup: Option<Phone>,
}

/// Everything of one run.
pub struct World<S> {
    pub(super) server: S,
    pub(super) rng: Rng,
    settings: Settings,
    pub(super) holders: Vec<Holder>,
    pub(super) up: Vec<Letter<()>>,
    pub(super) queue: Vec<Letter<()>>,
    pub(super) down: Vec<Letter<SyncResponse>>,
    pub(super) letters: u64,
    pub(super) model: Model,
    absorbed: usize,
    /// What receipts said last of each change.
    pub(super) told: BTreeMap<Edit, Verdict>,
    /// Everything the office was sent.
    pub(super) office_seen: BTreeSet<Edit>,
    pub(super) office_cursor: ByteBuf,
    pub(super) counted: Counted,
}

impl<S: Server> World<S> {
    /// Sends everybody out with a phone, some with two.
    pub fn new(server: S, rng: Rng, settings: Settings) -> Self {
        let mut world = Self {
            server,
            rng,
            settings,
            holders: Vec::new(),
            up: Vec::new(),
            queue: Vec::new(),
            down: Vec::new(),
            letters: 0,
            model: Model::default(),
            absorbed: 0,
            told: BTreeMap::new(),
            office_seen: BTreeSet::new(),
            office_cursor: ByteBuf::new(),
            counted: Counted::default(),
        };
        for (person, _) in PEOPLE {
            for _ in 0..=world.rng.below(2) {
                let key = SigningKey::from_bytes(&world.rng.bytes());
                let device = world.server.enrol(person, key.verifying_key().to_bytes());
                let campaign = world.server.campaign();
                let mut phone = Phone::new(campaign, person, device, key, &mut world.rng);
                let skewed = world.rng.chance(50);
                let years = i64::try_from(world.rng.below(315_000_000)).expect("ten years");
                if skewed && settings.skew {
                    phone.skew(years - 157_500_000);
                }
                world.add(phone);
            }
        }
        world
    }

    fn add(&mut self, phone: Phone) {
        self.holders.push(Holder { phone, cut: false, awaits: None, backup: None });
    }

    /// Plays to the end; panics where something does not hold.
    pub fn run(mut self) -> super::Outcome {
        // Everybody fetches their households before they leave.
        for number in 0..self.holders.len() {
            self.drain(number);
        }
        for _ in 0..self.settings.steps {
            self.step();
        }
        self.heal();
        self.check()
    }

    pub(super) fn say(&self, what: impl FnOnce() -> String) {
        if self.settings.told {
            eprintln!("{}", what());
        }
    }

    fn step(&mut self) {
        match self.rng.below(100) {
            0..26 => self.edit(),
            26..44 => self.send(),
            44..56 => self.carry_up(),
            56..66 => self.commit(),
            66..80 => self.carry_down(),
            80..82 => self.register(),
            82..84 => {
                let number = self.rng.below(self.holders.len());
                self.holders[number].awaits = None;
                self.counted.crashes += 1;
            }
            84..86 => self.crash(),
            86..89 => {
                let number = self.rng.below(self.holders.len());
                self.holders[number].cut ^= true;
            }
            89..91 => self.move_hamlet(),
            91..93 if self.settings.copies => self.copy(),
            93..96 => self.send_bad(),
            96 if self.rng.chance(25) => self.revoke(),
            97 if self.rng.chance(50) => self.freeze(),
            98 => self.office_reads(),
            _ => self.edit(),
        }
    }

    /// Somebody saves one to three pages of a household on their phone.
    fn edit(&mut self) {
        let number = self.rng.below(self.holders.len());
        let documents: Vec<DocumentId> =
            self.holders[number].phone.households.keys().copied().collect();
        if documents.is_empty() {
            return;
        }
        let document = *self.rng.pick(&documents);
        for _ in 0..=self.rng.below(3) {
            let page = self.draw_page(number, document);
            self.save(number, document, &page);
        }
    }

    fn save(&mut self, number: usize, document: DocumentId, page: &Page) {
        self.absorb();
        let phone = &mut self.holders[number].phone;
        if phone.save(document, page).is_some() {
            let chunk = phone.outbox.last().expect("just saved").chunk.clone();
            self.model.note_page(document, &chunk, page);
            self.counted.written += 1;
            let hash = guard(&chunk).expect("just saved").hash();
            self.say(|| format!("phone {number} writes {hash} in {document}"));
        }
    }

    /// Takes over what the desk wrote meanwhile.
    pub(super) fn absorb(&mut self) {
        let decided = &self.server.decided()[self.absorbed..];
        for one in decided {
            self.model.note(one.edit.0, &one.chunk, one.wrote.clone());
        }
        self.absorbed += decided.len();
    }

    fn draw_page(&mut self, number: usize, document: DocumentId) -> Page {
        let rng = &mut self.rng;
        let mut page = Page::default();
        for _ in 0..=rng.below(3) {
            let small = i64::try_from(rng.below(4)).expect("small");
            match rng.below(8) {
                0 | 1 => {
                    let water = *rng.pick(&["piped", "rain", "other"]);
                    page.answers.insert("water".to_owned(), water.into());
                }
                2 => drop(page.answers.insert("area_dm2".to_owned(), small.into())),
                3 => {
                    let ticked = rng.chance(50);
                    page.answers.insert("media.tv".to_owned(), Value::Bool(ticked));
                }
                4 | 5 => {
                    page.b1_items.insert((*rng.pick(&["1", "2"])).to_owned(), small);
                }
                _ => {
                    let kept = self.holders[number].phone.households.get_mut(&document);
                    let members = kept.expect("it is on the phone").members();
                    let id = if members.is_empty() || rng.chance(15) {
                        to_hex(&rng.bytes::<16>())
                    } else {
                        rng.pick(&members).clone()
                    };
                    let name = *rng.pick(&["A Páo", "Thị Lan", "Hồ Văn"]);
                    let answers = [("name".to_owned(), Value::from(name))];
                    page.members.insert(id, answers.into());
                }
            }
        }
        page
    }

    fn register(&mut self) {
        let number = self.rng.below(self.holders.len());
        let person = self.holders[number].phone.person;
        let hamlets: Vec<&str> =
            HAMLETS.iter().copied().filter(|hamlet| unit_of(hamlet) == home(person)).collect();
        let hamlet = *self.rng.pick(&hamlets);
        let (document, page) = self.holders[number].phone.register(hamlet, &mut self.rng);
        self.save(number, document, &page);
    }

    fn move_hamlet(&mut self) {
        let (person, _) = *self.rng.pick(&PEOPLE);
        let hamlets: Vec<&str> =
            HAMLETS.iter().copied().filter(|hamlet| unit_of(hamlet) == home(person)).collect();
        let (hamlet, now) = (*self.rng.pick(&hamlets), self.rng.chance(60));
        self.server.assign(hamlet, person, now);
        self.say(|| {
            format!("{hamlet} is {} {person}", if now { "given to" } else { "taken from" })
        });
        self.counted.moved += 1;
    }

    /// A phone is backed up, brought back from its backup, or copied onto a second one.
    fn copy(&mut self) {
        let number = self.rng.below(self.holders.len());
        match self.rng.below(4) {
            0 | 1 => {
                self.holders[number].backup = Some(self.holders[number].phone.clone());
                self.say(|| format!("phone {number} is backed up"));
            }
            2 => {
                let Some(mut phone) = self.holders[number].backup.clone() else { return };
                // The app notices that it was restored, or nobody does.
                if self.rng.chance(50) {
                    phone.refork(&mut self.rng);
                }
                self.holders[number].phone = phone;
                self.holders[number].awaits = None;
                self.counted.copies += 1;
                self.say(|| format!("phone {number} is restored"));
            }
            _ if self.holders.len() < PHONES_MAX => {
                let phone = self.holders[number].phone.clone();
                self.add(phone);
                self.counted.copies += 1;
                let copy = self.holders.len() - 1;
                self.say(|| format!("phone {number} is copied: {copy}"));
            }
            _ => {}
        }
    }

    /// A bad batch reaches the server; its sender hears nothing of it.
    fn send_bad(&mut self) {
        self.absorb();
        let number = self.rng.below(self.holders.len());
        let phone = &self.holders[number].phone;
        let documents: Vec<DocumentId> = phone.households.keys().copied().collect();
        if documents.is_empty() {
            return;
        }
        let document = *self.rng.pick(&documents);
        let others = self.holders.iter().flat_map(|holder| &holder.phone.households);
        let unknown: Vec<_> =
            others.filter(|(document, _)| !documents.contains(document)).collect();
        let elsewhere = if unknown.is_empty() {
            None
        } else {
            let (document, kept) = *self.rng.pick(&unknown);
            Some((*document, kept.read()))
        };
        let copies = self.settings.copies;
        let Some(bad) = bad::make(phone, document, elsewhere, copies, &mut self.rng) else {
            return;
        };
        for (document, chunk, page) in &bad.sound {
            let hash = guard(chunk).expect("sound").hash();
            self.say(|| format!("phone {number} sends {hash} in {document}, which is bad"));
            if !self.model.made.contains_key(&(*document, hash)) {
                self.model.note_page(*document, chunk, page);
            }
        }
        let batches = vec![bad.sign(&self.holders[number].phone, &mut self.rng)];
        let request = SyncRequest { batches, ..self.holders[number].phone.request(0) };
        self.letters += 1;
        self.up.push(Letter { number: self.letters, from: number, request, body: () });
    }

    fn revoke(&mut self) {
        let number = self.rng.below(self.holders.len());
        self.server.revoke(self.holders[number].phone.device);
        self.say(|| format!("phone {number} is revoked"));
        self.counted.revoked += 1;
    }

    fn freeze(&mut self) {
        let hamlet = *self.rng.pick(&HAMLETS);
        let unit = unit_of(hamlet).to_owned();
        if self.rng.chance(50) {
            self.server.reopen(&unit);
            self.say(|| format!("{unit} is sent back"));
        } else if self.server.submit(&unit) {
            self.counted.frozen += 1;
            self.say(|| format!("{unit} is submitted"));
        }
    }

    /// Everything works again: most lists go back, every queue drains, nobody has news at last.
    fn heal(&mut self) {
        self.up.clear();
        self.queue.clear();
        self.down.clear();
        for holder in &mut self.holders {
            (holder.cut, holder.awaits) = (false, None);
        }
        for unit in HAMLETS.map(unit_of) {
            if self.rng.chance(70) {
                self.server.reopen(unit);
            }
        }
        for _ in 0..12 {
            let numbers = 0..self.holders.len();
            let carried: usize = numbers.map(|number| self.drain(number)).sum();
            if carried == 0 {
                self.office_reads();
                return;
            }
        }
        panic!("the phones never come to rest");
    }
}

/// Commune somebody works in.
pub(super) fn home(person: &str) -> &'static str {
    if person == "lan" { "19561" } else { "19558" }
}
