//! Bad changes thrown in: what broken phones send, and what thieves do under another's name.

use automerge::Automerge;
use mobile_schema::frame::{Batch, Manifest};
use mobile_schema::household::Value;
use serde_bytes::ByteBuf;
use shared::id::{Actor, ChangeHash, DocumentId};
use shared::merge::actor_id;
use shared::page::{Page, Written, write};

use super::phone::{Phone, Unsent};
use crate::rng::Rng;

/// A bad change, sound or not, and how it is sent.
pub(super) struct Bad {
    /// What goes out.
    pub(super) changes: Vec<Unsent>,
    /// Of these, the sound ones with their pages: they may be merged one day.
    pub(super) sound: Vec<(DocumentId, Vec<u8>, Page)>,
    /// The signature is spoilt.
    pub(super) unsigned: bool,
    /// The manifest says that a newer app wrote this.
    pub(super) newer: bool,
}

fn page(rng: &mut Rng) -> Page {
    let area = i64::try_from(rng.below(1000)).expect("small");
    let answers = [("area_dm2".to_owned(), Value::Int(area))];
    Page { answers: answers.into(), ..Page::default() }
}

fn write_as(doc: &mut Automerge, actor: Actor, page: &Page) -> Option<Written> {
    doc.set_actor(actor_id(actor));
    write(doc, page, 0).expect("a document takes a page")
}

/// Makes something bad about a household that the phone holds; `elsewhere` is none of its business.
pub(super) fn make(
    phone: &Phone,
    document: DocumentId,
    elsewhere: Option<(DocumentId, Automerge)>,
    copies: bool,
    rng: &mut Rng,
) -> Option<Bad> {
    let mut doc = phone.households[&document].read();
    let said = page(rng);
    let mut bad = Bad { changes: Vec::new(), sound: Vec::new(), unsigned: false, newer: false };
    let unsent = |document, written: &Written| Unsent {
        edit: (document, written.hash),
        chunk: written.chunk.clone(),
    };
    match rng.below(if copies { 9 } else { 8 }) {
        0 => {
            let mut change = unsent(document, &write_as(&mut doc, Actor(rng.bytes()), &said)?);
            let at = rng.below(change.chunk.len());
            change.chunk[at] ^= 1 << rng.below(8);
            bad.changes.push(change);
        }
        1 => {
            let mut change = unsent(document, &write_as(&mut doc, Actor(rng.bytes()), &said)?);
            change.chunk.truncate(rng.below(change.chunk.len()));
            bad.changes.push(change);
        }
        2 => {
            let mut change = unsent(document, &write_as(&mut doc, Actor(rng.bytes()), &said)?);
            change.edit.1 = ChangeHash(rng.bytes());
            bad.changes.push(change);
        }
        3 => {
            let written = write_as(&mut doc, Actor(rng.bytes()), &said)?;
            bad.changes.push(unsent(document, &written));
            bad.unsigned = true;
        }
        4 => {
            let written = write_as(&mut doc, Actor(rng.bytes()), &said)?;
            bad.changes.push(unsent(DocumentId(rng.bytes()), &written));
        }
        5 => {
            let actor = Actor(rng.bytes());
            let first = write_as(&mut doc, actor, &said)?;
            let then = page(rng);
            let orphan = write_as(&mut doc, actor, &then)?;
            bad.sound.push((document, first.chunk, said));
            bad.sound.push((document, orphan.chunk.clone(), then));
            bad.changes.push(unsent(document, &orphan));
        }
        6 => {
            let written = write_as(&mut doc, Actor(rng.bytes()), &said)?;
            bad.sound.push((document, written.chunk.clone(), said));
            bad.changes.push(unsent(document, &written));
            bad.newer = true;
        }
        7 => {
            let (document, mut doc) = elsewhere?;
            let written = write_as(&mut doc, Actor(rng.bytes()), &said)?;
            bad.sound.push((document, written.chunk.clone(), said));
            bad.changes.push(unsent(document, &written));
        }
        _ => {
            // Somebody else's name and next number.
            let victims: Vec<Actor> = doc
                .get_changes(&[])
                .iter()
                .filter_map(|change| Actor::from_slice(change.actor_id().to_bytes()).ok())
                .filter(|actor| *actor != Actor([0; 16]))
                .collect();
            if victims.is_empty() {
                return None;
            }
            let victim = *rng.pick(&victims);
            let written = write_as(&mut doc, victim, &said)?;
            bad.sound.push((document, written.chunk.clone(), said));
            bad.changes.push(unsent(document, &written));
        }
    }
    Some(bad)
}

impl Bad {
    /// Puts it among good changes and signs that, well or badly.
    pub(super) fn sign(&self, phone: &Phone, rng: &mut Rng) -> Batch {
        let good = if self.newer { 0 } else { phone.outbox.len().min(rng.below(5)) };
        let mut changes = phone.outbox[..good].to_vec();
        let at = rng.below(changes.len() + 1);
        changes.splice(at..at, self.changes.iter().cloned());
        let mut batch = phone.sign(&changes);
        if self.newer {
            let mut manifest: Manifest =
                ciborium::from_reader(&batch.manifest[..]).expect("our own");
            manifest.schema += 1;
            batch = phone.sign_manifest(&manifest, batch.chunks);
        }
        if self.unsigned {
            batch.signature = ByteBuf::from(rng.bytes::<64>().to_vec());
        }
        batch
    }
}
