// Loads the genesis bytes with the npm automerge, checks that they are the same document there, and
// writes changes as a JavaScript client does. The chunks and what they must read as go to the
// folder named on the command line, where the story `javascript` reads them.
//
//   npm ci && node genesis.mjs FOLDER

import assert from "node:assert/strict";
import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import * as Automerge from "@automerge/automerge";

const read = (path) => readFileSync(new URL(`../../mobile-schema/${path}`, import.meta.url));
const genesis = new Uint8Array(read("genesis/v1.bin"));
const hash = read("genesis/v1.hash").toString().trim();
const BLOCKS = [
  "form_a", "members", "schooling", "health", "work", "house", "utilities", "assets", "closing",
];

// The same bytes come to the same heads, whichever way they are taken in.
const loaded = Automerge.load(genesis);
const [applied] = Automerge.applyChanges(Automerge.init(), [genesis]);
for (const doc of [loaded, applied]) {
  assert.deepEqual(Automerge.getHeads(doc), [hash]);
  assert.deepEqual(Object.keys(doc).sort(), ["answers", "asked", "b1_items", "members"]);
  assert.deepEqual(Object.keys(doc.asked).sort(), [...BLOCKS].sort());
  for (const map of [doc.answers, doc.b1_items, doc.members, ...Object.values(doc.asked)]) {
    assert.deepEqual(map, {});
  }
}

/** A client: an actor of 16 bytes, and its changes as chunks. */
function client(actor) {
  let doc = Automerge.load(genesis, { actor });
  const chunks = [];
  return {
    chunks,
    change(edit) {
      doc = Automerge.change(doc, edit);
      chunks.push(Automerge.getLastLocalChange(doc));
      return doc;
    },
    take(changes) {
      [doc] = Automerge.applyChanges(doc, changes);
      return doc;
    },
  };
}

const scalar = (text) => new Automerge.ImmutableString(text);
const member = "0123456789abcdef0123456789abcdef";

// What one client writes: scalars where it is careful, plain strings (text objects) where not,
// numbers as JavaScript has them, a member that is new, a mark.
const first = client("11".repeat(16));
first.change((doc) => {
  doc.schema = 1;
  doc.answers.roof = scalar("metal_sheet");
  doc.answers.wall = "plank";
  doc.answers.area_dm2 = 4500;
  doc.answers.has_merit = true;
  doc.answers["media.tv"] = false;
  doc.answers.electricity_kwh_month = new Automerge.Float64(30);
  doc.answers["goods.motorbike"] = new Automerge.Uint(2);
  doc.b1_items["item.1"] = 15;
});
first.change((doc) => {
  doc.members[member] = {
    name: "Hồ Văn Thử", relation: scalar("head"), birth: "1980-05", height_mm: 1650,
  };
  doc.asked.house.by = "người hỏi";
  doc.asked.house.medium = scalar("phone");
});
// A second client, out of contact: an equal answer of another kind, and one real disagreement.
const second = client("22".repeat(16));
second.change((doc) => {
  doc.answers.wall = scalar("plank");
  doc.answers.roof = "leaf";
  doc.answers.notes = "ghi chú dài, ".repeat(60);
});
// Text that is typed on, and a value taken back, after both have met.
first.take(second.chunks);
const last = first.change((doc) => {
  Automerge.splice(doc, ["answers", "notes"], 0, 3, "Ghi");
  doc.answers["media.tv"] = null;
});
assert.equal(last.answers.notes.slice(0, 7), "Ghi chú");

const expected = {
  household: {
    answers: {
      area_dm2: 4500,
      electricity_kwh_month: 30,
      "goods.motorbike": 2,
      has_merit: true,
      notes: "Ghi" + "ghi chú dài, ".repeat(60).slice(3),
      wall: "plank",
    },
    b1_items: { "item.1": 15 },
    members: {
      [member]: { birth: "1980-05", height_mm: 1650, name: "Hồ Văn Thử", relation: "head" },
    },
    asked: { house: { by: "người hỏi", medium: "phone" } },
  },
  disputes: { "answers/roof": ["leaf", "metal_sheet"] },
  heads: Automerge.getHeads(last),
};

const folder = process.argv[2];
const chunks = [...first.chunks, ...second.chunks];
if (folder !== undefined) {
  mkdirSync(folder, { recursive: true });
  chunks.forEach((chunk, index) => writeFileSync(join(folder, `${index}.change`), chunk));
  writeFileSync(join(folder, "expected.json"), JSON.stringify(expected, null, 2));
}
console.log(`genesis ${hash.slice(0, 8)}: same heads in npm automerge; ${chunks.length} changes written`);
