// Checks wire.json with node:crypto and the few lines of CBOR that a manifest needs.

import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

const file = (path) => readFileSync(new URL(path, import.meta.url));
const bytes = (hex) => Buffer.from(hex, "hex");
const hash = (algorithm, ...parts) => createHash(algorithm).update(Buffer.concat(parts)).digest();

/** The 16 bytes of UUIDv5: the name is bytes, not the text of a UUID. */
function uuid5(namespace, name) {
  const id = hash("sha1", namespace, name).subarray(0, 16);
  id[6] = (id[6] & 0x0f) | 0x50;
  id[8] = (id[8] & 0x3f) | 0x80;
  return id;
}

/** A document's name as automerge-repo writes it: base58 of the id and of four bytes of a hash of it. */
function address(id) {
  const digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  const checksum = hash("sha256", hash("sha256", id)).subarray(0, 4);
  const whole = Buffer.concat([id, checksum]);
  let [text, rest] = ["", BigInt(`0x${whole.toString("hex")}`)];
  for (; rest > 0n; rest /= 58n) text = digits[Number(rest % 58n)] + text;
  return "1".repeat(whole.findIndex((byte) => byte !== 0)) + text;
}

/** Reads one CBOR item of definite length; byte strings become hexadecimal digits. */
export function decode(cbor) {
  let at = 0;
  const take = (count) => {
    if (at + count > cbor.length) throw new Error("cut short");
    return cbor.subarray(at, (at += count));
  };
  const item = () => {
    const [head] = take(1);
    const [major, info] = [head >> 5, head & 31];
    if (major === 7) {
      if (info > 22 || info < 20) throw new Error(`simple value ${info}`);
      return [false, true, null][info - 20];
    }
    if (info > 27) throw new Error("indefinite length");
    const length = info < 24 ? 0 : 1 << (info - 24);
    const argument = info < 24 ? info : Number(`0x${take(length).toString("hex")}`);
    const list = (one) => Array.from({ length: argument }, one);
    switch (major) {
      case 0: return argument;
      case 1: return -1 - argument;
      case 2: return take(argument).toString("hex");
      case 3: return take(argument).toString("utf8");
      case 4: return list(item);
      case 5: return Object.fromEntries(list(() => [item(), item()]));
      default: throw new Error(`major type ${major}`);
    }
  };
  const value = item();
  if (at !== cbor.length) throw new Error("bytes left over");
  return value;
}

/** Reads an unsigned LEB128 number; gives it and the place behind it. */
function leb128(chunk, start) {
  let [value, shift, at] = [0, 0, start];
  for (;;) {
    value += (chunk[at] & 0x7f) * 2 ** shift;
    shift += 7;
    at += 1;
    if ((chunk[at - 1] & 0x80) === 0) return [value, at];
  }
}

/** Reads frame and header of an inflated change chunk. */
function readChange(chunk) {
  const [length, body] = leb128(chunk, 9);
  if (chunk.subarray(0, 4).toString("hex") !== "856f4a83" || chunk[8] !== 1) throw new Error("frame");
  if (body + length !== chunk.length) throw new Error("length");
  const digest = hash("sha256", chunk.subarray(8));
  if (!digest.subarray(0, 4).equals(chunk.subarray(4, 8))) throw new Error("checksum");
  let [count, at] = leb128(chunk, body);
  const dependencies = [];
  for (; count > 0; count -= 1, at += 32) {
    dependencies.push(chunk.subarray(at, at + 32).toString("hex"));
  }
  const [size, start] = leb128(chunk, at);
  const actor = chunk.subarray(start, start + size).toString("hex");
  return { hash: digest.toString("hex"), actor, dependencies };
}

const base64 = (hex) => bytes(hex).toString("base64url");

const text = (utf8) => utf8.toString("utf8");

/** Says what is wrong with signed bytes; `read` turns them into what they say. */
function signedProblems(signed, read) {
  const { bytes: hex, context, seed, public_key: shown, signature, sha256, decoded } = signed;
  const jwk = { kty: "OKP", crv: "Ed25519", x: base64(shown) };
  const publicKey = createPublicKey({ key: jwk, format: "jwk" });
  const privateKey = createPrivateKey({ key: { ...jwk, d: base64(seed) }, format: "jwk" });
  const [message, made] = [Buffer.concat([bytes(context), bytes(hex)]), bytes(signature)];
  const damaged = Buffer.from(message);
  damaged[damaged.length - 1] ^= 1;
  return [
    [verify(null, message, publicKey, made), "the signature does not hold"],
    [sign(null, message, privateKey).equals(made), "the seed signs otherwise"],
    [!verify(null, damaged, publicKey, made), "the signature holds for other bytes"],
    [!verify(null, bytes(hex), publicKey, made), "the signature holds without its context"],
    [hash("sha256", bytes(hex)).toString("hex") === sha256, "the digest differs"],
    [isDeepStrictEqual(read(bytes(hex)), decoded), "the bytes decode to something else"],
  ].filter(([holds]) => !holds).map(([, problem]) => problem);
}

/** Lists everything in wire.json that does not come out as it says. */
export function wireDifferences() {
  const { document, actor, change, manifest, receipt, page, refresh } = JSON.parse(file("wire.json"));
  const found = [];
  const expect = (holds, what) => holds || found.push(what);

  const derived = uuid5(bytes(document.campaign), bytes(document.household));
  expect(derived.toString("hex") === document.document, "document id");
  expect(address(derived) === document.address, "address of the document");
  const parts = [Buffer.from("rasoat actor 1"), bytes(actor.device), bytes(actor.fresh)];
  const drawn = hash("sha256", ...parts).subarray(0, 16);
  expect(drawn.toString("hex") === actor.actor, "actor id");

  const genesis = readChange(file("../genesis/v1.bin"));
  const genesisHash = file("../genesis/v1.hash").toString().trim();
  expect(genesis.hash === genesisHash && genesis.dependencies.length === 0, "genesis");
  const { hash: changeHash, actor: by, dependencies } = readChange(bytes(change.chunk));
  expect(changeHash === change.hash && by === change.actor && by === actor.actor, "change");
  expect(isDeepStrictEqual(dependencies, change.dependencies), "dependencies of the change");
  expect(dependencies.length === 1 && dependencies[0] === genesisHash, "the change is not on genesis");

  for (const [name, signed] of Object.entries({ manifest, receipt, page, refresh })) {
    const read = name === "refresh" ? text : decode;
    signedProblems(signed, read).forEach((problem) => found.push(`${name}: ${problem}`));
  }
  const context = (signed) => bytes(signed.context).toString("latin1");
  expect(context(manifest) === "rasoat manifest 1\0", "context of the manifest");
  expect(context(receipt) === "rasoat receipt 1\0", "context of the receipt");
  expect(context(page) === "rasoat page 1\0", "context of the page");
  const [whole] = page.decoded.households;
  expect(whole.document === document.document, "the page holds another document");
  const genesisHex = file("../genesis/v1.bin").toString("hex");
  expect(whole.bytes === genesisHex + change.chunk, "the page's document is not genesis and the change");
  expect(context(refresh) === "rasoat refresh 1\0", "context of the renewal");
  const named = [[document.document, change.hash]];
  expect(isDeepStrictEqual(manifest.decoded.changes, named), "the manifest names another change");
  expect(receipt.decoded.manifest === manifest.sha256, "the receipt names another manifest");
  expect(receipt.decoded.verdicts.length === named.length, "one verdict for each change");
  return found;
}
