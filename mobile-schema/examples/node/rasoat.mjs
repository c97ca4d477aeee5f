// A phone of Rà Soát in plain JavaScript: what a client does, in the order in which it does it.
// Needs node 20 and the npm automerge. WIRE.md says why; this file shows how.
//
//   const phone = await Phone.enrol("http://127.0.0.1:8080", campaign, code, "máy thôn Một");
//   await phone.sync();                                  // downloads the households in its scope
//   phone.edit(document, (doc) => { doc.answers.roof = scalar("leaf"); });
//   await phone.sync();                                  // hands the work in, fetches what is new
//   writeFileSync("hoa.rasoat", await exportWork(phone)); // no line at all: see courier.mjs
//
// This one keeps everything in memory. A real one keeps `documents`, `outbox` and `cursor` in one
// database, and writes them in one transaction where the comments say "keep".

import {
  createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, verify,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync, inflateRawSync } from "node:zlib";
import * as Automerge from "@automerge/automerge";
import { decode, encode } from "./cbor.mjs";

const GENESIS = new Uint8Array(readFileSync(new URL("../../genesis/v1.bin", import.meta.url)));
const SCHEMA = 1; // layout and form version that the changes are written with
const FRAME = 1; // version of the frames

// How much goes up at once, in bytes before compression. Small after a cut, larger while it holds.
const PART = { min: 4 * 1024, start: 16 * 1024, max: 64 * 1024 };
// How much is asked for at once, as sent.
const ANSWER = { min: 8 * 1024, start: 64 * 1024, max: 1024 * 1024 };
const CHANGES_MAX = 256; // in one batch
const CUTS_MAX = 8; // in a row, with nothing coming through; then the phone tries again later

const bytes = (hex) => Buffer.from(hex, "hex");
const hex = (data) => Buffer.from(data).toString("hex");
const hash = (name, ...parts) => createHash(name).update(Buffer.concat(parts)).digest();

/** A scalar string. Plain JavaScript strings become collaborative texts, which forms never use. */
export const scalar = (text) => new Automerge.ImmutableString(text);

/** What was refused, by its stable name (schema/problems.json). */
export class Refused extends Error {
  constructor(name, status, retryAfter) {
    super(`refused: ${name} (${status})`);
    Object.assign(this, { problem: name, status, retryAfter });
  }
}

/** The line broke: no answer, or half of one. Whatever was sent may or may not have arrived. */
class Broken extends Error {}

export class Phone {
  // ── Enrolment ───────────────────────────────────────────────────────────────────────────────

  /** Enrols with an officer's one-time code. The private key is made here and never leaves. */
  static async enrol(base, campaign, code, label) {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const raw = Buffer.from(publicKey.export({ format: "jwk" }).x, "base64url");
    const phone = new Phone();
    Object.assign(phone, { base, campaign: bytes(campaign), privateKey });
    const form = { code, label, public_key: hex(raw) };
    let enrolled;
    for (let cuts = 0; enrolled === undefined; ) {
      try {
        enrolled = await phone.json("/v1/devices", form);
      } catch (error) {
        // The same code with the same key is the same device: it was the answer that got lost.
        if (!(error instanceof Broken) || ++cuts > CUTS_MAX) throw error;
      }
    }
    Object.assign(phone, {
      device: bytes(enrolled.device),
      serverKey: publicKeyOf(bytes(enrolled.server_key)), // checks receipts and pages
      courierKey: bytes(enrolled.courier.public_key), // for the day without a line
      tokens: enrolled.tokens,
      cursor: new Uint8Array(), // opaque, the last answer's, byte for byte
      epoch: undefined, // of the server's store; another one means that it was restored
      documents: new Map(), // document id in hex → { doc, hamlet, code }
      actors: new Set(), // every name this phone ever wrote under
      outbox: [], // changes that no receipt names yet: { document, hash, chunk }
      leaving: new Set(), // documents out of scope: deleted once nothing of theirs is unsent
      exported: new Map(), // batches that went into files, by the SHA-256 of their manifest
      registered: new Map(), // households this phone made: document id → { household, hamlet }
      part: PART.start,
      answer: ANSWER.start,
      through: { part: 0, answer: 0 },
    });
    const key = signed("rasoat courier key 1\0", phone.courierKey);
    if (!verify(null, key, phone.serverKey, bytes(enrolled.courier.signature))) {
      throw new Error("the key for courier files does not hold");
    }
    phone.fork();
    return phone;
  }

  /** Draws a new actor: at installation, after a restore, after an import. Never use one twice. */
  fork() {
    const parts = [Buffer.from("rasoat actor 1"), this.device, randomBytes(16)];
    this.actor = hex(hash("sha256", ...parts).subarray(0, 16));
    this.actors.add(this.actor);
    for (const kept of this.documents.values()) kept.doc = Automerge.clone(kept.doc, this.actor);
  }

  // ── Work, offline ───────────────────────────────────────────────────────────────────────────

  /** Saves one form page as one change. Returns the document as it is now. */
  edit(document, change) {
    const kept = this.documents.get(document);
    const before = kept.doc;
    // Device time is data, whole seconds; no rule depends on it.
    kept.doc = Automerge.change(before, { time: Math.floor(Date.now() / 1000) }, change);
    if (kept.doc === before) return before; // equal values make no change
    const chunk = inflated(Automerge.getLastLocalChange(kept.doc));
    // Keep the document and the outbox together.
    this.outbox.push({ document, hash: hash("sha256", chunk.subarray(8)), chunk });
    return kept.doc;
  }

  /** Registers a family that is on no list. Every document starts from the genesis bytes, loaded. */
  register(hamlet, change) {
    const household = randomBytes(16);
    const document = hex(uuid5(this.campaign, household));
    const doc = Automerge.load(GENESIS, { actor: this.actor });
    this.documents.set(document, { doc, hamlet, code: "" });
    this.registered.set(document, { household, hamlet });
    this.edit(document, (opened) => {
      opened.schema = SCHEMA;
      opened.campaign = scalar(hex(this.campaign));
      opened.household = scalar(hex(household));
      change(opened);
    });
    return document;
  }

  // ── On the line ─────────────────────────────────────────────────────────────────────────────

  /** Hands everything in and fetches what is new, part by part. Says what became of it. */
  async sync() {
    const report = { trips: 0, cuts: 0, verdicts: [], refused: [] };
    for (let cuts = 0; ; ) {
      const batch = this.nextBatch();
      let answer;
      try {
        answer = await this.call(this.request(batch));
      } catch (error) {
        if (error instanceof Refused && error.retryAfter !== undefined) {
          await sleep(1000 * error.retryAfter); // 429 and 503: the server says when
          continue;
        }
        if (!(error instanceof Broken) || ++cuts > CUTS_MAX) throw error;
        // Begin again at the part that was not answered: repeating harms nothing.
        report.cuts += 1;
        Object.assign(this, { part: PART.min, answer: ANSWER.min, through: { part: 0, answer: 0 } });
        continue;
      }
      cuts = 0;
      report.trips += 1;
      const [result] = answer.results ?? [];
      if (result?.refused !== undefined) report.refused.push(result.refused);
      if (result?.receipt !== undefined) report.verdicts.push(...this.takeReceipt(batch, result.receipt));
      this.takeAnswer(answer);
      if (report.refused.length > 0 || (!answer.more && this.outbox.length === 0)) return report;
    }
  }

  /** The frame of one round trip. */
  request(batch) {
    const last = (batch?.chunks.length ?? 0) === this.outbox.length;
    return {
      v: FRAME,
      campaign: this.campaign,
      cursor: this.cursor,
      batches: batch && [batch],
      // «Đã nộp hết»: a commune waits for it before it closes its list.
      all_in: last && this.cursor.length > 0 ? true : undefined,
      pages: true, // newly assigned hamlets come as whole documents
      answer_bytes: this.answer === ANSWER.start ? undefined : this.answer,
    };
  }

  /** Signs the first of what is unsent, as much as one part holds. */
  nextBatch(outbox = this.outbox) {
    const changes = [];
    let size = 0;
    for (const change of outbox.slice(0, CHANGES_MAX)) {
      size += change.chunk.length + 64;
      if (changes.length > 0 && size > this.part) break;
      changes.push(change);
    }
    if (changes.length === 0) return undefined;
    const declared = [...new Set(changes.map((change) => change.document))]
      .filter((document) => this.registered.has(document))
      .map((document) => this.registered.get(document));
    const manifest = encode({
      v: FRAME,
      device: this.device,
      campaign: this.campaign,
      schema: SCHEMA,
      changes: changes.map((change) => [bytes(change.document), change.hash]),
      households: declared,
    });
    const signature = sign(null, signed("rasoat manifest 1\0", manifest), this.privateKey);
    return { manifest, signature, chunks: changes.map((change) => change.chunk) };
  }

  /** Counts a receipt only if it is the server's and about this very batch. */
  takeReceipt(batch, { receipt, signature }) {
    if (!verify(null, signed("rasoat receipt 1\0", receipt), this.serverKey, signature)) {
      throw new Error("a receipt does not hold");
    }
    const { manifest, verdicts, epoch } = decode(receipt);
    if (!manifest.equals(hash("sha256", batch.manifest)) || verdicts.length !== batch.chunks.length) {
      throw new Error("a receipt for something else");
    }
    // Accepted, known, waiting, held, quarantined: all are durable, so the outbox lets go of them.
    // Keep.
    const sent = new Set(batch.chunks);
    this.outbox = this.outbox.filter(({ chunk }) => !sent.has(chunk));
    const restored = this.epoch !== undefined && !epoch.equals(this.epoch);
    if (restored) this.offerAgain();
    this.epoch = epoch;
    return verdicts;
  }

  /** Puts all own work back into the outbox: the server was restored from an older copy. */
  offerAgain() {
    this.outbox = [...this.documents].flatMap(([document, { doc }]) =>
      Automerge.getAllChanges(doc)
        .filter((chunk) => this.actors.has(Automerge.decodeChange(chunk).actor))
        .map(inflated)
        .map((chunk) => ({ document, hash: hash("sha256", chunk.subarray(8)), chunk })));
  }

  /** Takes in documents, changes and what left the scope. Keep all of it with the new cursor. */
  takeAnswer(answer) {
    for (const { page, signature } of answer.pages ?? []) {
      if (!verify(null, signed("rasoat page 1\0", page), this.serverKey, signature)) {
        throw new Error("a page does not hold");
      }
      const { campaign, hamlet, households } = decode(page);
      if (!campaign.equals(this.campaign)) throw new Error("a page of another campaign");
      for (const { document, code, bytes: saved } of households) {
        const whole = Automerge.load(new Uint8Array(saved), { actor: this.actor });
        const kept = this.documents.get(hex(document));
        // What this phone wrote meanwhile stays: the two meet as any two phones do.
        const doc = kept === undefined ? whole : Automerge.merge(kept.doc, whole);
        this.documents.set(hex(document), { doc, hamlet, code });
        this.leaving.delete(hex(document));
      }
    }
    for (const row of answer.households ?? []) {
      const document = hex(row.document);
      const doc = this.documents.get(document)?.doc ?? Automerge.load(GENESIS, { actor: this.actor });
      this.documents.set(document, { doc, hamlet: row.hamlet, code: row.code });
      this.leaving.delete(document);
    }
    for (const [document, chunk] of answer.changes ?? []) {
      const kept = this.documents.get(hex(document));
      [kept.doc] = Automerge.applyChanges(kept.doc, [new Uint8Array(chunk)]);
    }
    // Said once: what cannot be deleted yet is remembered.
    for (const [document, { hamlet }] of this.documents) {
      const gone = answer.gone?.some((moved) => hex(moved) === document);
      if (answer.left?.includes(hamlet) || gone) this.leaving.add(document);
    }
    for (const document of this.leaving) {
      const unsent = this.outbox.some((change) => change.document === document);
      if (!unsent && this.leaving.delete(document)) this.documents.delete(document);
    }
    this.cursor = answer.cursor;
  }

  /** One POST /v1/sync, with one renewal of the access token where it has run out. */
  async call(request) {
    const frame = encode(request);
    const send = () => {
      const headers = { "content-type": "application/cbor" };
      // The chunks go up inflated: one gzip over all of them saves most.
      const body = frame.length < 300 ? frame : gzipSync(frame);
      if (body !== frame) headers["content-encoding"] = "gzip";
      return this.post("/v1/sync", headers, body);
    };
    let received;
    try {
      received = await send();
    } catch (error) {
      if (error.problem !== "unauthenticated") throw error;
      // A lost answer locks nobody out: the old refresh token is good until the new one is used.
      this.tokens = await this.json("/v1/sessions/refresh", { refresh: this.tokens.refresh });
      received = await send();
    }
    this.grow("part", PART, frame.length);
    this.grow("answer", ANSWER, received.length);
    return decode(received);
  }

  /** Doubles a size once sixteen times as much has gone through without a cut. */
  grow(what, { max }, size) {
    this.through[what] += size;
    if (this.through[what] < 16 * this[what]) return;
    this[what] = Math.min(2 * this[what], max);
    this.through[what] = 0;
  }

  async json(path, body) {
    const headers = { "content-type": "application/json" };
    return JSON.parse((await this.post(path, headers, JSON.stringify(body))).toString("utf8"));
  }

  /** Posts and reads the whole answer. `fetch` says that it reads gzip, and unpacks it. */
  async post(path, headers, body) {
    if (this.tokens !== undefined) headers.authorization = `Bearer ${this.tokens.access}`;
    let response, received;
    try {
      response = await fetch(this.base + path, { method: "POST", headers, body });
      received = Buffer.from(await response.arrayBuffer());
    } catch (error) {
      throw new Broken("the line broke", { cause: error });
    }
    if (response.ok) return received;
    const { type } = JSON.parse(received.toString("utf8"));
    const after = response.headers.get("retry-after");
    throw new Refused(type.replace("/problems/", ""), response.status, after === null ? undefined : Number(after));
  }
}

/** What is signed: a context that names its kind, then the bytes exactly as sent. */
const signed = (context, data) => Buffer.concat([Buffer.from(context, "latin1"), data]);

function publicKeyOf(raw) {
  const x = Buffer.from(raw).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

/** Document id: UUIDv5 of the campaign's bytes and the household's bytes. */
function uuid5(namespace, name) {
  const id = hash("sha1", namespace, name).subarray(0, 16);
  id[6] = (id[6] & 0x0f) | 0x50;
  id[8] = (id[8] & 0x3f) | 0x80;
  return id;
}

/**
 * The inflated form of a change chunk: magic, checksum, type, length, body. Automerge deflates the
 * body of a large one (type 2); log, hash and signature are of the inflated one (type 1), whose
 * checksum the deflated one already carries.
 */
function inflated(chunk) {
  const bytes = Buffer.from(chunk);
  if (bytes[8] !== 2) return bytes;
  let at = 9;
  while (bytes[at] & 0x80) at += 1; // the length, LEB128
  const body = inflateRawSync(bytes.subarray(at + 1));
  const length = [];
  for (let rest = body.length; ; rest >>>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([bytes.subarray(0, 8), Buffer.from([1, ...length]), body]);
}
