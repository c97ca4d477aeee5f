//! What must hold once everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::frame::Fate;
use shared::holding::Kept;
use shared::id::{Digest, DocumentId, sha256};
use shared::merge::{genesis_hash, merge};
use shared::resolve::{Resolved, resolve};

use super::world::World;
use super::{Edit, Known, Outcome, Place, Server};

/// The hash two devices compare: of everything people see, never of saved bytes.
fn canonical(resolved: &Resolved) -> Digest {
    Digest(sha256(&serde_json::to_vec(resolved).expect("it is JSON")))
}

impl<S: Server> World<S> {
    /// Checks everything and tells what the run came to.
    pub(super) fn check(mut self) -> Outcome {
        self.absorb();
        assert_eq!(self.server.frozen_moved(), None);
        let before = self.server.places();
        self.server.restart();
        let places = self.server.places();
        check_rebuilt(&before, &places);
        check_positions(&places);
        let log: BTreeMap<Edit, &Place> = places.iter().map(|place| (place.edit, place)).collect();
        self.check_told(&log);
        check_waiting(&places, &log);

        let mut main: BTreeMap<DocumentId, Known> = BTreeMap::new();
        for place in places.iter().filter(|place| place.kept == Kept::Accepted) {
            let of = main.entry(place.edit.0).or_default();
            if !place.side {
                of.insert(place.edit.1, place.chunk.clone());
            }
        }
        let sent: BTreeSet<Edit> = main
            .iter()
            .flat_map(|(document, known)| known.keys().map(|hash| (*document, *hash)))
            .collect();
        assert!(sent == self.office_seen, "the office was sent what is in the log, all of it");

        let mut households = BTreeMap::new();
        let mut hashes = BTreeMap::new();
        for (document, known) in &main {
            let resolved = resolve(&merge(&known.values().collect::<Vec<_>>()).doc);
            hashes.insert(*document, canonical(&resolved));
            self.counted.disputes += resolved.disputes.len();
            households.insert(*document, format!("{:?}", resolved.household));
            if !self.server.decided().is_empty() {
                let checked = self.model.check(*document, known);
                checked.unwrap_or_else(|what| panic!("P8: {what}\n{}", describe(known)));
            }
            if let Some(standing) = self.server.standing(*document) {
                let open = self.model.check_side(*document, known, &standing);
                open.unwrap_or_else(|what| panic!("P8: {what}"));
            }
        }
        self.check_phones(&log, &main, &hashes);
        self.counted.forked = places.iter().filter(|place| place.side).count();
        self.counted.aside = places.iter().filter(|place| place.kept != Kept::Accepted).count();
        Outcome { counted: self.counted, households }
    }

    /// P1: whatever a receipt said is still so, or better.
    fn check_told(&self, log: &BTreeMap<Edit, &Place>) {
        for (edit, verdict) in &self.told {
            let Some(place) = log.get(edit) else { panic!("acknowledged and gone: {edit:?}") };
            let merged = matches!(verdict.fate, Fate::Accepted | Fate::Known);
            assert!(!merged || place.kept == Kept::Accepted, "{edit:?}: {verdict:?}");
        }
    }

    /// P13: every phone holds exactly what the server has merged of the households it may see, and
    /// of nothing else; what it wrote beyond that was set aside.
    fn check_phones(
        &self,
        log: &BTreeMap<Edit, &Place>,
        main: &BTreeMap<DocumentId, Known>,
        hashes: &BTreeMap<DocumentId, Digest>,
    ) {
        let mut compared = BTreeSet::new();
        let scopes = self.server.scopes();
        for (number, holder) in self.holders.iter().enumerate() {
            let phone = &holder.phone;
            assert!(phone.outbox.is_empty(), "phone {number} has work left");
            let scope = scopes.get(&phone.device).cloned().unwrap_or_default();
            for (document, kept) in &phone.households {
                // What it registered in a hamlet that is not its own stays with it alone.
                if !scope.contains(&kept.hamlet) {
                    assert!(phone.registered(*document), "phone {number} still has {document}");
                    continue;
                }
                let merged = |hash| {
                    let place = log.get(&(*document, hash));
                    place.is_some_and(|place| place.kept == Kept::Accepted && !place.side)
                };
                let read: Known = kept
                    .known
                    .iter()
                    .filter(|(hash, _)| merged(**hash))
                    .map(|(hash, chunk)| (*hash, chunk.clone()))
                    .collect();
                let nothing = Known::new();
                let there = main.get(document).unwrap_or(&nothing);
                let missing: Vec<_> =
                    there.keys().filter(|hash| !read.contains_key(*hash)).collect();
                assert!(
                    missing.is_empty(),
                    "phone {number} of {} misses {missing:?} of {document}",
                    phone.person
                );
                // Sets are compared on every phone, the documents made of them once for each.
                if !there.is_empty() && compared.insert((*document, kept.known.len())) {
                    let mut order: Vec<&Vec<u8>> = read.values().collect();
                    order.reverse();
                    let resolved = resolve(&merge(&order).doc);
                    assert_eq!(canonical(&resolved), hashes[document], "{document}");
                }
            }
        }
        for (number, holder) in self.holders.iter().enumerate() {
            let scope = scopes.get(&holder.phone.device).cloned().unwrap_or_default();
            for ((document, _), place) in log {
                let hamlet = place.hamlet.as_ref().filter(|hamlet| scope.contains(*hamlet));
                let merged = place.kept == Kept::Accepted && !place.side;
                if hamlet.is_some() && merged {
                    let there = holder.phone.households.contains_key(document);
                    assert!(there, "phone {number} was never sent {document}");
                }
            }
        }
    }
}

/// Lists what a household is made of, for whoever looks for a fault.
fn describe(known: &Known) -> String {
    let merged = merge(&known.values().collect::<Vec<_>>());
    let mut told = format!(
        "waiting {:?}\nforked {:?}\nbroken {:?}",
        merged.waiting, merged.forked, merged.broken
    );
    for (hash, chunk) in known {
        let change = shared::guard::guard(chunk).expect("sound");
        let (actor, seq, on) = (change.actor(), change.seq(), change.dependencies());
        told.push_str(&format!("\n{hash} {actor} {seq} on {on:?}"));
    }
    told
}

/// A server that lost everything but its log knows the same as before.
fn check_rebuilt(before: &[Place], after: &[Place]) {
    let facts = |places: &[Place]| -> BTreeMap<Edit, (Kept, bool, Option<i64>)> {
        places.iter().map(|place| (place.edit, (place.kept, place.side, place.position))).collect()
    };
    assert_eq!(facts(before), facts(after), "what is derived from the log is not what it was");
}

/// Positions of a unit run from 1 without a gap, and every change is there once.
fn check_positions(places: &[Place]) {
    let mut units: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    let mut edits = BTreeSet::new();
    for place in places {
        assert!(edits.insert(place.edit), "twice in the log: {:?}", place.edit);
        assert_eq!(place.position.is_some(), place.kept == Kept::Accepted, "{:?}", place.edit);
        if let Some(position) = place.position {
            assert!(units.entry(&place.unit).or_default().insert(position), "given out twice");
        }
    }
    for (unit, positions) in units {
        let count = i64::try_from(positions.len()).expect("a count");
        let ends = positions.first().copied().zip(positions.last().copied());
        assert_eq!(ends, Some((1, count)), "gap in the log of {unit}");
    }
}

/// P13: nothing waits whose ancestors are all there.
fn check_waiting(places: &[Place], log: &BTreeMap<Edit, &Place>) {
    for place in places.iter().filter(|place| place.kept == Kept::Waiting) {
        let there = |hash| {
            let ancestor = log.get(&(place.edit.0, hash));
            ancestor.is_some_and(|ancestor| ancestor.kept == Kept::Accepted)
        };
        let mut dependencies = place.dependencies.iter().filter(|hash| **hash != genesis_hash());
        let known = place.hamlet.is_some();
        assert!(
            !known || dependencies.any(|hash| !there(*hash)),
            "waits for nothing: {:?}",
            place.edit
        );
    }
}
