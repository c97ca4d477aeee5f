//! The standard door beside the sync servers that others use: one client, the same bytes, one run.
//!
//! A server is given new documents, the same again, one more change of each, and a client that has
//! nothing. Its processor time is that of all its processes until they rest. Ours has looked every
//! change through, written it to the disk and merged it by then; the others keep what they are given.

mod line;
mod many;
mod node;
mod ours;
mod play;
pub mod rows;

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::merge::merge;

pub use self::line::Traffic;
pub use self::many::Many;
use self::node::Kind;
use self::ours::Ours;
use self::play::Doc;
pub use self::play::{Phase, What};
use super::Size;
use crate::process::Home;

/// Documents of a run, one run after the other.
const SIZES: [usize; 3] = [300, 1_000, 5_000];
const QUICK: [usize; 1] = [30];

/// A province's households on its opening list, which ours takes alone: the others need hours.
const PROVINCE: usize = 33_000;

/// Connections at the least, and documents of each at the most: those of one enumerator.
const LINES: usize = 10;
const DOCUMENTS_OF_LINE: usize = 500;

/// Connections that are held open together after the run of so many documents, or of a quick one.
const MANY: (usize, usize) = (5_000, 1_250);
const MANY_QUICK: (usize, usize) = (30, 50);

/// Everything that was compared.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Peer {
    /// Our server at every size.
    pub ours: Vec<Run>,
    /// The others.
    pub peers: Vec<Run>,
    /// Why there are none.
    pub no_peers: Option<String>,
    /// Our server with many connections.
    pub many: Option<Many>,
    #[serde(skip)]
    kinds: Vec<Kind>,
}

/// One server with so many documents.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    /// Which server.
    pub server: String,
    /// Documents.
    pub documents: usize,
    /// Bytes of a new one, in the middle: genesis and the change that creates it.
    pub document_bytes: usize,
    /// The same as the library saves it, of one of them.
    pub saved_bytes: usize,
    /// Connections.
    pub lines: usize,
    /// What was done, in its order.
    pub phases: Vec<Phase>,
    /// Processor time of issuing the ids before, where the server does that, milliseconds.
    pub issued_cpu_ms: Option<u64>,
    /// Most memory of the server process over all phases, KiB.
    pub peak_rss_kib: u64,
}

impl Run {
    fn of(server: String, documents: &[Arc<Vec<Doc>>]) -> Self {
        let count: usize = documents.iter().map(|of| of.len()).sum();
        let new =
            |doc: &Doc| doc.changes.iter().take(2).map(|(_, chunk)| chunk.len()).sum::<usize>();
        let bytes: usize = documents.iter().flat_map(|of| of.iter()).map(new).sum();
        let one = documents.iter().flat_map(|of| of.first()).next();
        let chunks = one.iter().flat_map(|doc| &doc.changes).skip(1).take(1);
        let chunks: Vec<&[u8]> = chunks.map(|(_, chunk)| chunk.as_slice()).collect();
        Self {
            server,
            documents: count,
            document_bytes: bytes / count.max(1),
            saved_bytes: merge(&chunks).doc.save().len(),
            lines: documents.len(),
            phases: Vec::new(),
            issued_cpu_ms: None,
            peak_rss_kib: 0,
        }
    }
}

/// Lists how many documents are played.
pub fn sizes(size: Size) -> Vec<usize> {
    match size {
        Size::Quick => QUICK.to_vec(),
        Size::Full => SIZES.to_vec(),
        Size::Long => SIZES.into_iter().chain([PROVINCE]).collect(),
    }
}

impl Peer {
    /// Fetches the others.
    pub fn begin() -> Self {
        match node::install() {
            Ok(kinds) => Self { kinds, ..Self::default() },
            Err(why) => Self { no_peers: Some(why), ..Self::default() },
        }
    }

    /// Plays one size on ours, and on the others with the documents that ours issued; hands over what
    /// there is after each.
    pub async fn add(
        &mut self,
        home: Home,
        folder: &Path,
        documents: usize,
        mut keep: impl FnMut(&Self),
    ) {
        let lines = LINES.max(documents.div_ceil(DOCUMENTS_OF_LINE));
        let mut ours = Ours::start(home, lines).await;
        let (typed, issued_cpu_ms) = ours.prepare(documents).await;
        self.ours.push(ours.run(&typed, issued_cpu_ms).await);
        keep(self);
        for (at, connections) in [MANY, MANY_QUICK] {
            if at == documents {
                self.many = Some(many::hold(&mut ours, &typed, connections).await);
            }
        }
        drop(ours);
        keep(self);
        if documents == PROVINCE {
            return;
        }
        for kind in self.kinds.clone() {
            self.peers.push(node::run(&kind, folder, &typed).await);
            keep(self);
        }
    }
}
