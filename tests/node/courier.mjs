// The npm library and the server's understand each other: opens the file of courier.json, and writes
// courier-js.json anew with --write. `node tests/node/courier.mjs`, after `npm ci` in the example.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { decode } from "../../mobile-schema/examples/node/cbor.mjs";
import { courierFile, INFO, suite } from "../../mobile-schema/examples/node/courier.mjs";

const vectors = new URL("../../mobile-schema/vectors/", import.meta.url);
const { key, campaign, device, first, file } = JSON.parse(readFileSync(new URL("courier.json", vectors)));
const bytes = (hex) => Buffer.from(hex, "hex");
const exact = (part) => new Uint8Array(part).buffer;

const pair = await suite.kem.deriveKeyPair(exact(bytes(key.secret)));
const shown = Buffer.from(await suite.kem.serializePublicKey(pair.publicKey)).toString("hex");
assert.equal(shown, key.published.bytes);

async function open(head, enc, sealed) {
  const recipient = await suite.createRecipientContext({
    recipientKey: pair.privateKey, enc: exact(enc), info: exact(INFO),
  });
  return gunzipSync(Buffer.from(await recipient.open(exact(sealed), exact(head))));
}

const whole = bytes(file);
for (let at = 0, number = 1; at < whole.length; number += 1) {
  const end = at + 74 + whole.readUInt32BE(at + 14);
  const [head, enc, sealed] = [[at, at + 74], [at + 74, at + 106], [at + 106, end]]
    .map(([from, until]) => whole.subarray(from, until));
  const frame = await open(head, enc, sealed);
  if (number === 1) assert.equal(frame.toString("hex"), first);
  const flipped = Buffer.from(head);
  flipped[30] ^= 1;
  await assert.rejects(open(flipped, enc, sealed), "the clear part is under the seal");
  at = end;
}

if (process.argv.includes("--write")) {
  const { batches } = decode(bytes(first));
  const about = { campaign: bytes(campaign), device: bytes(device) };
  const made = await courierFile(bytes(key.published.bytes), about, [batches, batches]);
  const text = JSON.stringify({ file: made.toString("hex") }, null, 2);
  writeFileSync(new URL("courier-js.json", vectors), `${text}\n`);
}
console.log("the courier file: both libraries agree");
