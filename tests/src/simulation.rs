//! The simulator: seeded phones, offices and a bad network around the rules of `shared`.
//!
//! Everything that happens follows from one seed: who writes what, which message is lost, doubled or
//! late, when a phone or the server dies, whose phone is copied, restored or revoked, which hamlet
//! changes hands and when a list is frozen. At the end the network heals, every queue drains, and
//! all phones and the server must hold the same.

mod bad;
mod check;
mod log;
mod model;
mod network;
mod office;
pub mod phone;
mod server;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::frame::{Manifest, SyncRequest, SyncResponse};
use mobile_schema::household::Value;
use shared::holding::Kept;
use shared::id::{CampaignId, ChangeHash, DeviceId, DocumentId};
use shared::resolve::Path;
use shared::standing::Standing;

pub use self::server::Memory;
pub use self::world::World;

/// A change of a document; equal edits in two households have equal hashes.
pub type Edit = (DocumentId, ChangeHash);

/// Changes by hash.
pub type Known = BTreeMap<ChangeHash, Vec<u8>>;

/// Hamlets by code, in two communes.
pub const HAMLETS: [&str; 3] = ["19558-01", "19558-02", "19561-01"];

/// The people, and the hamlets they are assigned at first.
pub const PEOPLE: [(&str, &[&str]); 4] = [
    ("hoa", &["19558-01", "19558-02"]),
    ("minh", &["19558-01"]),
    ("lan", &["19561-01"]),
    ("stranger", &[]),
];

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub enum Caller {
    /// An enrolled device.
    Device(DeviceId),
    /// Somebody in an office, who reads everything.
    Office,
}

/// A decision of the desk, or an opening: what it wrote.
#[derive(Debug, Clone)]
pub struct Decided {
    /// Document and hash.
    pub edit: Edit,
    /// Its bytes.
    pub chunk: Vec<u8>,
    /// What it says.
    pub wrote: Vec<(Path, Value)>,
}

/// A change as the server's log has it.
#[derive(Debug, Clone)]
pub struct Place {
    /// Document and hash.
    pub edit: Edit,
    /// Its bytes.
    pub chunk: Vec<u8>,
    /// What became of it.
    pub kept: Kept,
    /// On the side branch of a copied phone.
    pub side: bool,
    /// Unit whose log it is in.
    pub unit: String,
    /// Hamlet of its household; none where there is no such household.
    pub hamlet: Option<String>,
    /// Position in that log.
    pub position: Option<i64>,
    /// What it builds on.
    pub dependencies: Vec<ChangeHash>,
}

/// What the plan needs of a server: the one in memory, or the real one.
pub trait Server {
    /// The campaign that everything is about.
    fn campaign(&self) -> CampaignId;
    /// Enrols a device of somebody.
    fn enrol(&mut self, person: &str, key: [u8; 32]) -> DeviceId;
    /// Takes a request, makes it durable and answers it.
    fn sync(&mut self, caller: Caller, request: &SyncRequest) -> SyncResponse;
    /// Dies and comes back with nothing but its log.
    fn restart(&mut self);
    /// Gives somebody a hamlet, or takes it away.
    fn assign(&mut self, hamlet: &str, person: &str, now: bool);
    /// Revokes a device.
    fn revoke(&mut self, device: DeviceId);
    /// An officer settles, sorts and submits a unit's list; false where something is still open.
    fn submit(&mut self, unit: &str) -> bool;
    /// The district sends a frozen list back.
    fn reopen(&mut self, unit: &str);
    /// What the desk wrote so far; empty where the server does not tell.
    fn decided(&self) -> &[Decided];
    /// What a household comes to; none where the server does not tell.
    fn standing(&self, document: DocumentId) -> Option<Standing>;
    /// Names a frozen list that is no longer what was frozen.
    fn frozen_moved(&self) -> Option<String>;
    /// The hamlets each device may see now; a revoked one none.
    fn scopes(&self) -> BTreeMap<DeviceId, BTreeSet<String>>;
    /// Every change stored under its own hash.
    fn places(&self) -> Vec<Place>;
}

/// How a run is played.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Things that happen before the network heals.
    pub steps: usize,
    /// Phones get copied, restored and robbed of their names.
    pub copies: bool,
    /// Half of all clocks are up to five years off.
    pub skew: bool,
    /// Every event is told on standard error.
    pub told: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { steps: 400, copies: true, skew: true, told: false }
    }
}

/// How often what a run is about did happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Changes that phones wrote.
    pub written: usize,
    /// Messages lost or doubled.
    pub spoilt: usize,
    /// Crashes of the server and of phones.
    pub crashes: usize,
    /// Phones copied or restored.
    pub copies: usize,
    /// Changes on side branches.
    pub forked: usize,
    /// Changes that waited, were held or set aside, at the end.
    pub aside: usize,
    /// Lists frozen.
    pub frozen: usize,
    /// Hamlets that changed hands.
    pub moved: usize,
    /// Devices revoked.
    pub revoked: usize,
    /// Disputes at the end.
    pub disputes: usize,
}

impl std::ops::AddAssign for Counted {
    fn add_assign(&mut self, other: Self) {
        self.written += other.written;
        self.spoilt += other.spoilt;
        self.crashes += other.crashes;
        self.copies += other.copies;
        self.forked += other.forked;
        self.aside += other.aside;
        self.frozen += other.frozen;
        self.moved += other.moved;
        self.revoked += other.revoked;
        self.disputes += other.disputes;
    }
}

/// What a run came to: how often things happened, and what nobody's clock may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How often things happened.
    pub counted: Counted,
    /// Every household as far as it is agreed, as text, by document.
    pub households: BTreeMap<DocumentId, String>,
}

/// Plays one seed on the server in memory.
///
/// Panics where something does not hold; the seed alone brings it back.
pub fn play(seed: u64, settings: Settings) -> Outcome {
    let mut rng = crate::rng::Rng::new(seed);
    let mut server = Memory::new(&mut rng);
    server.open();
    World::new(server, rng, settings).run()
}

/// Names the changes that a request brings.
pub fn named(request: &SyncRequest) -> BTreeSet<Edit> {
    let manifests = request
        .batches
        .iter()
        .filter_map(|batch| ciborium::from_reader::<Manifest, _>(&batch.manifest[..]).ok());
    let edits = manifests.flat_map(|manifest| manifest.changes);
    edits.map(|(document, hash)| (DocumentId(*document), ChangeHash(*hash))).collect()
}
