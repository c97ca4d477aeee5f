// Plays a phone for the story `node_client`: one command a line, as JSON, and one answer a line.
// The phone itself is mobile-schema/examples/node/rasoat.mjs, the client that others read.

import { createInterface } from "node:readline";
import { exportWork, takeReceipts } from "../../mobile-schema/examples/node/courier.mjs";
import { Phone, scalar } from "../../mobile-schema/examples/node/rasoat.mjs";

let phone;

const find = (code) => [...phone.documents].find(([, kept]) => kept.code === code)?.[0];

/** Writes answers as a form does: texts as scalars. */
const fill = (answers) => (doc) => {
  for (const [key, value] of Object.entries(answers)) {
    doc.answers[key] = typeof value === "string" ? scalar(value) : value;
  }
};

const commands = {
  async enrol({ base, campaign, code }) {
    phone = await Phone.enrol(base, campaign, code, "máy bằng JavaScript");
  },
  /** From now on the phone is behind another line. */
  move({ base }) {
    phone.base = base;
  },
  sync: () => phone.sync(),
  edit({ document, answers }) {
    phone.edit(document, fill(answers));
  },
  register: ({ hamlet, answers }) => phone.register(hamlet, fill(answers)),
  find: ({ code }) => find(code),
  /** Forgets everything but who it is, as a phone does that lost its data. */
  forget() {
    phone.documents.clear();
    phone.cursor = new Uint8Array();
  },
  read({ document }) {
    const { answers } = phone.documents.get(document).doc;
    // A scalar is an object here; its text is what others read.
    return Object.fromEntries(Object.entries(answers).map(([key, value]) =>
      [key, typeof value === "object" ? value.toString() : value]));
  },
  /** Writes what is unsent into a courier file, as base64. */
  export: async () => (await exportWork(phone)).toString("base64"),
  receipts: ({ file }) => takeReceipts(phone, file),
  state: () => ({ documents: phone.documents.size, unsent: phone.outbox.length }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { done: (await commands[command.do](command)) ?? null };
  } catch (error) {
    answer = { failed: error.problem ?? String(error.stack) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
