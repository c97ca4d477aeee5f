//! The line between phones and server: slow, lossy, doubling, out of order, and cut at times.

use mobile_schema::frame::{FRAME_VERSION, Fate, SyncRequest, SyncResponse};
use serde_bytes::ByteArray;
use shared::guard::guard;
use shared::id::DocumentId;

use super::phone::Heard;
use super::world::World;
use super::{Caller, Server};

/// A message on its way; `from` is the number of the phone.
pub(super) struct Letter<T> {
    pub(super) number: u64,
    pub(super) from: usize,
    pub(super) request: SyncRequest,
    pub(super) body: T,
}

impl<S: Server> World<S> {
    /// A phone sends its work and its cursor, or gives up waiting for an answer.
    pub(super) fn send(&mut self) {
        let number = self.rng.below(self.holders.len());
        let changes_max = 1 + self.rng.below(12);
        let holder = &mut self.holders[number];
        if holder.cut {
            return;
        }
        if holder.awaits.is_some() {
            if self.rng.chance(25) {
                holder.awaits = None;
            }
            return;
        }
        self.letters += 1;
        holder.awaits = Some(self.letters);
        let request = holder.phone.request(changes_max);
        self.up.push(Letter { number: self.letters, from: number, request, body: () });
    }

    /// Carries a request to the server: any of those on the way, lost or doubled now and then.
    pub(super) fn carry_up(&mut self) {
        for _ in 0..=self.rng.below(3) {
            if self.up.is_empty() {
                return;
            }
            let at = self.rng.below(self.up.len());
            match self.rng.below(10) {
                0 => {
                    self.up.remove(at);
                    self.counted.spoilt += 1;
                }
                1 => {
                    let letter = &self.up[at];
                    let (number, from) = (letter.number, letter.from);
                    let request = letter.request.clone();
                    self.queue.push(Letter { number, from, request, body: () });
                    self.counted.spoilt += 1;
                }
                _ if self.holders[self.up[at].from].cut => {}
                _ => self.queue.push(self.up.remove(at)),
            }
        }
    }

    /// The server makes what it has received durable and answers.
    pub(super) fn commit(&mut self) {
        for letter in std::mem::take(&mut self.queue) {
            let device = self.holders[letter.from].phone.device;
            let body = self.server.sync(Caller::Device(device), &letter.request);
            let Letter { number, from, request, body: () } = letter;
            self.down.push(Letter { number, from, request, body });
        }
    }

    pub(super) fn carry_down(&mut self) {
        for _ in 0..=self.rng.below(3) {
            if self.down.is_empty() {
                return;
            }
            let at = self.rng.below(self.down.len());
            let letter = self.down.remove(at);
            let lost = self.rng.chance(15);
            let holder = &mut self.holders[letter.from];
            // An answer to a request given up on is heard by nobody.
            if holder.awaits != Some(letter.number) || holder.cut || lost {
                self.counted.spoilt += 1;
                continue;
            }
            holder.awaits = None;
            self.hear(letter.from, &letter.request, letter.body);
        }
    }

    pub(super) fn hear(
        &mut self,
        number: usize,
        request: &SyncRequest,
        answer: SyncResponse,
    ) -> Heard {
        let phone = &mut self.holders[number].phone;
        let (left, entered) = (answer.left.clone(), answer.entered.clone());
        let heard = phone.take(request, answer, &mut self.rng);
        let phone = &self.holders[number].phone;
        self.say(|| {
            let told: Vec<_> = heard
                .verdicts
                .iter()
                .map(|((_, hash), verdict)| (hash.to_string(), verdict.fate, &verdict.reason))
                .collect();
            let received = heard.received;
            let progress = phone.progress();
            format!("phone {number} hears {told:?}, {received} changes, {left:?} left, {entered:?} entered: {progress:?}")
        });
        assert_eq!(heard.refused, Vec::<String>::new(), "an honest batch is never refused");
        for (edit, verdict) in &heard.verdicts {
            assert_ne!(verdict.fate, Fate::Quarantined, "{edit:?} is sound: {verdict:?}");
            self.told.insert(*edit, verdict.clone());
        }
        heard
    }

    /// The server dies with what it has not committed and with the answers it has not sent.
    pub(super) fn crash(&mut self) {
        self.queue.clear();
        self.down.clear();
        self.server.restart();
        self.counted.crashes += 1;
        self.say(|| "the server crashes".to_owned());
    }

    /// Somebody in an office reads on from where they stood; nothing comes twice.
    pub(super) fn office_reads(&mut self) {
        loop {
            let request = SyncRequest {
                v: FRAME_VERSION,
                campaign: ByteArray::new(self.server.campaign().0),
                cursor: self.office_cursor.clone(),
                batches: Vec::new(),
                all_in: false,
                ..SyncRequest::default()
            };
            let answer = self.server.sync(Caller::Office, &request);
            for (document, chunk) in &answer.changes {
                let hash = guard(chunk).expect("what is sent is sound").hash();
                let edit = (DocumentId(**document), hash);
                assert!(self.office_seen.insert(edit), "{edit:?} was sent twice");
            }
            self.office_cursor = answer.cursor;
            if !answer.more {
                return;
            }
        }
    }

    /// A phone talks to the server until it has nothing to send and nothing to read; returns how
    /// many changes went either way.
    pub(super) fn drain(&mut self, number: usize) -> usize {
        let mut carried = 0;
        for _ in 0..1_000 {
            let request = self.holders[number].phone.request(64);
            let device = self.holders[number].phone.device;
            let answer = self.server.sync(Caller::Device(device), &request);
            let heard = self.hear(number, &request, answer);
            carried += heard.received + heard.verdicts.len();
            if !heard.more && self.holders[number].phone.outbox.is_empty() {
                return carried;
            }
        }
        panic!("phone {number} never comes to an end");
    }
}
