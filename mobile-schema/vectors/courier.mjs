// Checks courier.json and courier-js.json with node alone: HPKE's base mode (RFC 9180) written out for
// the one suite that courier files use, so that nothing is taken on a library's word.

import {
  createDecipheriv, createHash, createHmac, createPrivateKey, createPublicKey, diffieHellman,
  verify,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { decode } from "./wire.mjs";

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url)));
const bytes = (hex) => Buffer.from(hex, "hex");
const concat = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const u16 = (number) => Buffer.from([number >> 8, number & 255]);

const KEM = concat("KEM", u16(0x0020)); // DHKEM(X25519, HKDF-SHA256)
const SUITE = concat("HPKE", u16(0x0020), u16(0x0001), u16(0x0001)); // with HKDF-SHA256, AES-128-GCM

const extract = (suite, salt, label, ikm) =>
  createHmac("sha256", salt).update(concat("HPKE-v1", suite, label, ikm)).digest();
// Expand is one HMAC as long as it is one block.
const expand = (suite, key, label, info, length) =>
  createHmac("sha256", key)
    .update(concat(u16(length), "HPKE-v1", suite, label, info, [1])).digest().subarray(0, length);

const okp = (x, d) => ({ kty: "OKP", crv: "X25519", x: x.toString("base64url"), d: d?.toString("base64url") });
const publicKey = (x) => createPublicKey({ key: okp(x), format: "jwk" });

/** DeriveKeyPair; the public key is computed by node. */
function derive(secret) {
  const d = expand(KEM, extract(KEM, "", "dkp_prk", secret), "sk", "", 32);
  // PKCS #8 of an X25519 key: a fixed head and the 32 bytes.
  const der = concat(bytes("302e020100300506032b656e04220420"), d);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const x = Buffer.from(createPublicKey(key).export({ format: "jwk" }).x, "base64url");
  return { key, x };
}

/** Opens one piece: head, encapsulated key, ciphertext with its tag. */
function open({ key, x }, head, encapsulated, sealed, info) {
  const shared = diffieHellman({ privateKey: key, publicKey: publicKey(encapsulated) });
  const prk = extract(KEM, "", "eae_prk", shared);
  const secret = expand(KEM, prk, "shared_secret", concat(encapsulated, x), 32);
  const context = concat(
    [0], extract(SUITE, "", "psk_id_hash", ""), extract(SUITE, "", "info_hash", info),
  );
  const base = extract(SUITE, secret, "secret", "");
  const cipher = createDecipheriv(
    "aes-128-gcm", expand(SUITE, base, "key", context, 16), expand(SUITE, base, "base_nonce", context, 12),
  );
  cipher.setAAD(head);
  cipher.setAuthTag(sealed.subarray(-16));
  return concat(cipher.update(sealed.subarray(0, -16)), cipher.final());
}

/** Reads the pieces of a sound file. */
function pieces(file) {
  const found = [];
  for (let at = 0; at < file.length; ) {
    const head = file.subarray(at, at + 74);
    const end = at + 74 + head.readUInt32BE(14);
    found.push({ head, encapsulated: file.subarray(at + 74, at + 106), sealed: file.subarray(at + 106, end) });
    at = end;
  }
  return found;
}

/** Lists everything in the courier vectors that does not come out as it says. */
export function courierDifferences() {
  const { key, info, campaign, device, first, file, receipts } = read("courier.json");
  const found = [];
  const expect = (holds, what) => holds || found.push(what);
  const pair = derive(bytes(key.secret));
  const { context, bytes: published, public_key: server, signature } = key.published;
  expect(pair.x.toString("hex") === published, "the secret gives another public key");
  const id = createHash("sha256").update(pair.x).digest().subarray(0, 8).toString("hex");
  expect(id === key.id, "the key's id");
  expect(bytes(context).toString("latin1") === "rasoat courier key 1\0", "context of the key");
  const jwk = { kty: "OKP", crv: "Ed25519", x: bytes(server).toString("base64url") };
  const signer = createPublicKey({ key: jwk, format: "jwk" });
  expect(verify(null, concat(bytes(context), pair.x), signer, bytes(signature)), "the key's signature");
  expect(bytes(info).toString("latin1") === "rasoat courier 1", "info");

  const { batches: [batch] } = decode(bytes(first));
  for (const [name, whole] of [["rust", file], ["javascript", read("courier-js.json").file]]) {
    const all = pieces(bytes(whole));
    expect(all.length === 2, `${name}: pieces`);
    all.forEach(({ head, encapsulated, sealed }, at) => {
      const mark = head.subarray(0, 10).toString("hex");
      expect(mark === "89525341540d0a1a0101", `${name}: mark, version and suite`);
      expect(head.readUInt16BE(10) === at + 1 && head.readUInt16BE(12) === 2, `${name}: number`);
      const names = head.subarray(18, 58).toString("hex");
      expect(names === key.id + campaign + device, `${name}: key, campaign and device`);
      const frame = gunzipSync(open(pair, head, encapsulated, sealed, bytes(info)));
      if (at === 0) expect(frame.toString("hex") === first, `${name}: the first piece holds something else`);
      else expect(decode(frame).v === 1, `${name}: the second piece`);
    });
  }
  const digest = createHash("sha256").update(bytes(batch.manifest)).digest("hex");
  expect(receipts.rasoat_receipt === 1 && receipts.receipts[0].manifest === digest, "the receipt's manifest");
  return found;
}
