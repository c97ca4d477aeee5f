//! What a phone remembers beside its households: who types, what it may see, and what of its work
//! went onto a side branch because it was copied.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::Signer;
use hyper::Method;
use mobile_schema::frame::{About, REFRESH_CONTEXT, Receipt, SyncResponse};
use mobile_schema::problem;
use serde_bytes::ByteArray;
use shared::cursor::single;
use shared::id::{AccountId, Actor, ChangeHash, DocumentId, actor_of, to_hex};
use shared::refork::refork;

use super::{ClientError, Phone, PhoneError, Unsent};
use crate::keys::random;

/// What the simulated app calls itself.
const APP: &str = "demo-1";

/// Beside the households. The PIN by which people prove themselves would be here as well, salted
/// and hashed: it never leaves a phone.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    /// Who types now; nobody named is the person the phone was enrolled for.
    typist: Option<AccountId>,
    /// Who typed what is unsent, where it was somebody named.
    typed: BTreeMap<(DocumentId, ChangeHash), AccountId>,
    /// Hamlets and single households in scope.
    places: BTreeSet<String>,
    /// Work that the server has on a side branch.
    forked: BTreeMap<DocumentId, BTreeSet<ChangeHash>>,
    /// The server says that somebody else writes under this phone's actor.
    copied: bool,
    /// The phone wrote under its actor.
    wrote: bool,
}

impl Memory {
    /// Notes that a change was written, and who typed it.
    pub(super) fn note_written(&mut self, document: DocumentId, hash: ChangeHash) {
        self.wrote = true;
        if let Some(typist) = self.typist {
            self.typed.insert((document, hash), typist);
        }
    }

    /// Returns who typed a change that is unsent.
    pub(super) fn typist_of(&self, unsent: &Unsent) -> Option<AccountId> {
        self.typed.get(&(unsent.document, unsent.hash)).copied()
    }

    /// Notes which changes a receipt says are on a side branch.
    pub(super) fn note_receipt(&mut self, sent: &[Unsent], receipt: &Receipt) {
        for (change, verdict) in sent.iter().zip(&receipt.verdicts) {
            self.typed.remove(&(change.document, change.hash));
            if verdict.reason.as_deref() == Some(problem::ACTOR_FORKED.name) {
                self.forked.entry(change.document).or_default().insert(change.hash);
            }
        }
    }

    /// Moves the scope on, and notes which of the phone's actors are known to be somebody else's too.
    pub(super) fn note_answer(&mut self, answer: &SyncResponse, actor: Actor) {
        for name in &answer.left {
            self.places.remove(name);
        }
        self.places.extend(answer.entered.iter().cloned());
        self.copied |= answer.forked.iter().any(|forked| **forked == actor.0);
    }

    /// Tells whether a household is to be deleted: its hamlet, or itself, left the scope, and
    /// nothing that is still there holds it.
    pub(super) fn leaves(&self, answer: &SyncResponse, document: DocumentId, hamlet: &str) -> bool {
        let single = single(document);
        answer.left.iter().any(|name| name == hamlet || *name == single)
            && !self.places.contains(hamlet)
            && !self.places.contains(&single)
    }
}

impl Phone {
    /// Says what the phone says about itself: with work, and when it starts to read.
    pub(super) fn about(&self) -> Option<About> {
        (!self.outbox.is_empty() || self.cursor.is_empty()).then(|| About {
            actor: ByteArray::new(self.actor.0),
            device_now_ms: self.clock_s.saturating_mul(1000),
            app: APP.to_owned(),
            schema: self.schema,
        })
    }

    /// Makes the body that renews the tokens, signed with the phone's key.
    pub fn renewal(&self) -> serde_json::Value {
        let signature = self.key.sign(&[REFRESH_CONTEXT, self.refresh.as_bytes()].concat());
        serde_json::json!({
            "refresh": self.refresh,
            "signature": to_hex(&signature.to_bytes()),
        })
    }

    /// Lets a further person type on this phone, with the one-time code made for that person.
    pub async fn bind(&self, code: &str) -> Result<Vec<(String, AccountId)>, PhoneError> {
        let form = serde_json::json!({ "code": code });
        let path = "/v1/devices/me/people";
        let people: Vec<serde_json::Value> =
            self.client.json(Method::POST, path, Some(&self.access), &form).await?;
        let person = |person: &serde_json::Value| {
            let account = person["account"].as_str()?.parse().ok()?;
            Some((person["name"].as_str()?.to_owned(), account))
        };
        let people = people.iter().map(person).collect::<Option<Vec<_>>>();
        Ok(people.ok_or(ClientError::Unreadable)?)
    }

    /// Says who types from now on, after the PIN was right.
    pub fn hand_to(&mut self, account: AccountId) {
        self.memory.typist = Some(account);
    }

    fn draw_actor(&mut self) {
        self.actor = actor_of(self.device, random());
        (self.memory.copied, self.memory.wrote) = (false, false);
    }

    /// Re-forks a phone that was copied, once everything it had is handed in: a new actor at once,
    /// then everything read anew, then what went onto a side branch written again. Returns true
    /// where there is more to sync.
    pub(super) fn refork(&mut self) -> Result<bool, PhoneError> {
        if self.memory.copied {
            self.draw_actor();
            self.cursor.clear();
            return Ok(true);
        }
        let forked = std::mem::take(&mut self.memory.forked);
        if forked.is_empty() {
            return Ok(false);
        }
        if self.memory.wrote {
            self.draw_actor();
        }
        for (document, branch) in forked {
            let Some(kept) = self.households.get_mut(&document) else { continue };
            let again = refork(&kept.chunks, &branch, self.actor)?;
            kept.chunks.retain(|chunk| {
                !shared::guard::guard(chunk).is_ok_and(|change| branch.contains(&change.hash()))
            });
            for written in again {
                kept.chunks.push(written.chunk.clone());
                self.memory.note_written(document, written.hash);
                let (hash, chunk) = (written.hash, written.chunk);
                self.outbox.push(Unsent { document, hash, chunk });
            }
        }
        Ok(true)
    }
}
