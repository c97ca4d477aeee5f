// The courier file of a phone without any line: sealed to the server's key with the npm library
// @hpke/core, a piece for each lot of signed batches. WIRE.md says what stands where.

import { createHash, randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { Aes128Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { encode } from "./cbor.mjs";

export const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes128Gcm(),
});
export const INFO = Buffer.from("rasoat courier 1");
const HEAD = 74; // bytes of a piece's clear part
const TAG = 16;

/** Writes a file. `publicKey`, `campaign` and `device` are bytes; a lot is a list of batches. */
export async function courierFile(publicKey, { campaign, device }, lots) {
  const recipientPublicKey = await suite.kem.deserializePublicKey(exact(publicKey));
  const key = createHash("sha256").update(publicKey).digest().subarray(0, 8);
  const file = randomBytes(16); // drawn anew for every file
  const pieces = [];
  for (const [at, batches] of lots.entries()) {
    const packed = gzipSync(encode({ v: 1, batches }));
    const sender = await suite.createSenderContext({ recipientPublicKey, info: exact(INFO) });
    const head = Buffer.alloc(HEAD - 56);
    head.write("\x89RSAT\r\n\x1a\x01\x01", "latin1"); // mark, version, suite
    head.writeUInt16BE(at + 1, 10);
    head.writeUInt16BE(lots.length, 12);
    head.writeUInt32BE(sender.enc.byteLength + packed.length + TAG, 14);
    const clear = Buffer.concat([head, key, campaign, device, file]);
    const sealed = await sender.seal(exact(packed), exact(clear));
    pieces.push(clear, Buffer.from(sender.enc), Buffer.from(sealed));
  }
  return Buffer.concat(pieces);
}

/** Writes a phone's unsent work into a file. It stays in the outbox until a receipt names it. */
export async function exportWork(phone) {
  const lots = [];
  for (let rest = phone.outbox; rest.length > 0; rest = rest.slice(lots.at(-1)[0].chunks.length)) {
    const batch = phone.nextBatch(rest);
    // Keep: receipts may come back weeks later.
    phone.exported.set(createHash("sha256").update(batch.manifest).digest("hex"), batch);
    lots.push([batch]);
  }
  return courierFile(phone.courierKey, phone, lots);
}

/** Takes the receipts of a file `.rasoat-receipt` that are this phone's own. Gives their verdicts. */
export function takeReceipts(phone, text) {
  const verdicts = [];
  for (const { manifest, receipt, signature } of JSON.parse(text).receipts) {
    const batch = phone.exported.get(manifest);
    if (batch === undefined) continue; // another phone's
    const [read, proof] = [receipt, signature].map((hex) => Buffer.from(hex, "hex"));
    verdicts.push(...phone.takeReceipt(batch, { receipt: read, signature: proof }));
    phone.exported.delete(manifest);
  }
  return verdicts;
}

/** The bytes alone, as Web Crypto wants them: a Buffer may be a window of something larger. */
const exact = (bytes) => new Uint8Array(bytes).buffer;
