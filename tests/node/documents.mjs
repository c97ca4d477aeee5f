// Writes documents as stock JavaScript clients make them, for the guard: whatever they produce must
// be let through. Both published lines are used (3.5, and 2.2 with its older and newer interface).
// Each document is a file of its changes, each with its length of four bytes before it.
//
//   npm ci && node documents.mjs FOLDER [COUNT]

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as current from "@automerge/automerge";
import * as older from "automerge-2.2";

const [folder, count = "1000"] = process.argv.slice(2);
const genesis = new Uint8Array(
  readFileSync(new URL("../../mobile-schema/genesis/v1.bin", import.meta.url)),
);

/** A small seeded generator: the same documents every time. */
function dice(seed) {
  let state = seed >>> 0;
  const below = (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z = (z + Math.imul(z ^ (z >>> 7), z | 61)) ^ z;
    return ((z ^ (z >>> 14)) >>> 0) % bound;
  };
  return { below, pick: (from) => from[below(from.length)] };
}

const WORDS = ["nhà sàn", "mái tôn", "Hồ Văn Thử", "🏠🏠", "", "a", "rẫy ".repeat(40)];

/** Kinds of client: the library, and how it says that a string is no text. */
const CLIENTS = [
  { name: "3.5", lib: current, scalar: (text) => new current.ImmutableString(text), rich: true },
  { name: "2.2-next", lib: older.next, scalar: (text) => new older.next.RawString(text), rich: true },
  { name: "2.2", lib: older, scalar: (text) => text, rich: false },
];

/** A value of any kind a client can put. */
function value(client, roll) {
  const { lib, scalar } = client;
  switch (roll.below(14)) {
    case 0: return null;
    case 1: return roll.below(2) === 0;
    case 2: return roll.below(1_000_000) - 500_000;
    case 3: return roll.below(1_000) / 7;
    case 4: return new Date(1_664_600_000_000 + roll.below(1_000_000));
    case 5: return new Uint8Array(roll.below(50)).fill(7);
    case 6: return new lib.Counter(roll.below(9));
    case 7: return scalar(roll.pick(WORDS));
    case 8: return roll.pick(WORDS);
    case 9: return Array.from({ length: roll.below(6) }, (_, n) => (n % 2 ? n : scalar(`${n}`)));
    case 10: return { inner: scalar("x"), deeper: { list: [1, [2, null]] } };
    case 11: return Number.MAX_SAFE_INTEGER - roll.below(3);
    case 12: return new Array(roll.below(300)).fill(null);
    default: return -0.0;
  }
}

/** One edit inside a change. */
function edit(client, doc, roll) {
  const { lib, rich } = client;
  const key = `k${roll.below(8)}`;
  const text = rich ? doc.text : undefined;
  switch (roll.below(14)) {
    case 0: case 1: case 2: doc.map[key] = value(client, roll); break;
    case 3: doc[key] = value(client, roll); break;
    case 4: delete doc.map[key]; break;
    case 5: doc.list.splice(roll.below(doc.list.length + 1), 0, value(client, roll)); break;
    case 6: if (doc.list.length > 0) doc.list.splice(roll.below(doc.list.length), 1); break;
    case 7: if (doc.list.length > 0) doc.list[roll.below(doc.list.length)] = value(client, roll); break;
    case 8: doc.count.increment(roll.below(5) - 2); break;
    case 9: case 10:
      if (rich) {
        const at = roll.below(text.length + 1);
        lib.splice(doc, ["text"], at, Math.min(roll.below(4), text.length - at), roll.pick(WORDS));
      } else {
        doc.text.insertAt(roll.below(doc.text.length + 1), ..."nhà");
      }
      break;
    case 11:
      if (rich && text.length > 1) {
        const start = roll.below(text.length - 1);
        const end = start + 1 + roll.below(text.length - start - 1);
        const expand = roll.pick(["before", "after", "both", "none"]);
        const mark = roll.pick([true, "đậm", 3, null]);
        if (roll.below(4) === 0) lib.unmark(doc, ["text"], { start, end, expand }, "bold");
        else lib.mark(doc, ["text"], { start, end, expand }, roll.pick(["bold", "link"]), mark);
      }
      break;
    case 12:
      if (rich && lib.splitBlock !== undefined) {
        lib.splitBlock(doc, ["text"], roll.below(text.length + 1), { type: "p", parents: [], attrs: {} });
      }
      break;
    default: doc.map[key] = { member: { name: client.scalar("Hồ Thị"), birth: 1980 } };
  }
}

/** A household of 40 members written in one change. */
function household(doc, client) {
  for (let member = 0; member < 40; member += 1) {
    const answers = {};
    for (let question = 0; question < 29; question += 1) {
      answers[`question_${question}`] = question % 3 ? question : client.scalar(`câu trả lời ${question}`);
    }
    doc.map[`${member}`.padStart(32, "0")] = answers;
  }
}

/** Several people at work on one document, out of contact and together again. */
function write(client, seed) {
  const { lib, rich } = client;
  const roll = dice(seed);
  const actor = (n) => `${(seed * 64 + n).toString(16).padStart(8, "0")}${"c5".repeat(12)}`;
  let first = seed % 2 ? lib.load(genesis, { actor: actor(0) }) : lib.init({ actor: actor(0) });
  first = lib.change(first, { message: seed % 3 ? "mở hồ sơ" : undefined, time: seed % 5 }, (doc) => {
    doc.map = {};
    doc.list = [];
    doc.count = new lib.Counter(0);
    doc.text = rich ? "ghi chú" : new lib.Text("ghi chú");
    if (seed % 50 === 0) household(doc, client);
  });
  const people = Array.from({ length: 1 + roll.below(seed % 20 === 0 ? 40 : 4) }, (_, n) =>
    n === 0 ? first : lib.clone(first, { actor: actor(n) }),
  );
  const earlier = [lib.getHeads(first)];
  // Who wrote an empty change does not go back behind it: both lines of the library then number the
  // next change as if it built on the empty one, and panic themselves where they merge it.
  const rested = new Set();
  for (let step = 0; step < 12; step += 1) {
    const who = roll.below(people.length);
    const act = roll.below(12);
    if (act === 0) {
      people[who] = lib.emptyChange(people[who], { message: "không có gì" });
      rested.add(who);
    } else if (act === 1 && rich && !rested.has(who)) {
      const heads = roll.pick(earlier.filter((at) => lib.hasHeads?.(people[who], at) ?? true));
      if (heads !== undefined) {
        const made = (doc) => { doc.map[`at${step}`] = step; };
        try {
          people[who] = lib.changeAt(people[who], heads, made).newDoc;
        } catch { /* heads this person has not seen */ }
      }
    } else if (act === 2) {
      const other = roll.below(people.length);
      if (other !== who) people[who] = lib.merge(people[who], people[other]);
    } else {
      people[who] = lib.change(people[who], (doc) => {
        for (let edits = 1 + roll.below(12); edits > 0; edits -= 1) edit(client, doc, roll);
      });
    }
    if (who === 0) earlier.push(lib.getHeads(people[0]));
  }
  return lib.getAllChanges(people.reduce((all, one) => lib.merge(all, one)));
}

mkdirSync(folder, { recursive: true });
let changes = 0;
for (const client of CLIENTS) {
  for (let seed = 0; seed < Number(count); seed += 1) {
    const parts = [];
    for (const chunk of write(client, seed)) {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(chunk.length);
      parts.push(length, chunk);
      changes += 1;
    }
    writeFileSync(join(folder, `${client.name}-${seed}.changes`), Buffer.concat(parts));
  }
}
console.log(`${CLIENTS.length * Number(count)} documents with ${changes} changes`);
