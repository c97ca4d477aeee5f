// A stock automerge-repo client for the stories of the standard door: one command a line, as JSON, and
// one answer a line. Nothing of it knows the server: repo, adapter and library are the published ones.
//
//   node repo.mjs 2.5 | 1.2

import { createInterface } from "node:readline";

const [version = "2.5"] = process.argv.slice(2);
const isNew = version === "2.5";
const { Repo } = await import(isNew ? "@automerge/automerge-repo" : "repo-1.2");
const network = isNew ? "@automerge/automerge-repo-network-websocket" : "repo-1.2-websocket";
const adapters = await import(network);
const Adapter = adapters.WebSocketClientAdapter ?? adapters.BrowserWebSocketClientAdapter;

/** How long anything may take that is waited for. */
const PATIENCE = 20_000;

let repo;
let adapter;
let peer;
const handles = new Map();
const seen = { connections: 0, errors: [] };

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until something is so. */
async function until(what, is) {
  for (const began = Date.now(); Date.now() - began < PATIENCE; await pause(20)) {
    if (await is()) return;
  }
  throw new Error(`waited for nothing: ${what}`);
}

const doc = (handle) => (isNew ? handle.doc() : handle.docSync());

/** Answers as plain values: a text is one whether it is a scalar or not. */
function plain(value) {
  if (value === null || typeof value !== "object") return value;
  return value.toString();
}

async function find(id) {
  const url = `automerge:${id}`;
  if (isNew) return repo.find(url, { signal: AbortSignal.timeout(PATIENCE) });
  const handle = repo.find(url);
  const missing = new Promise((_, refuse) => {
    handle.on("unavailable", () => refuse(new Error("unavailable")));
  });
  await Promise.race([handle.whenReady(), missing]);
  return handle;
}

const commands = {
  /** Joins. A short interval between attempts, so that stories are no longer than they must be. */
  join({ url, name = `peer-${Math.random().toString(36).slice(2)}`, retry = 300 }) {
    peer = name;
    adapter = new Adapter(url, retry);
    const receive = adapter.receiveMessage.bind(adapter);
    adapter.receiveMessage = (bytes) => {
      const text = Buffer.from(bytes).toString("latin1");
      if (text.includes("error") && text.includes("message")) {
        seen.errors.push(/message.([a-z-]+)/.exec(text)?.[1]);
      }
      return receive(bytes);
    };
    const connect = adapter.connect.bind(adapter);
    adapter.connect = (...to) => {
      seen.connections += 1;
      return connect(...to);
    };
    repo = new Repo({ network: [adapter], peerId: peer, sharePolicy: async () => true });
    return repo.networkSubsystem?.whenReady?.();
  },
  /** Goes off the line, as somebody who leaves the village. */
  leave: () => adapter.disconnect(),
  come: () => adapter.connect(peer, {}),
  /** Comes and goes without waiting for anything. */
  async storm({ times }) {
    for (let time = 0; time < times; time += 1) {
      // In node a socket that is not open yet must not be closed: that ends the process.
      await until("the line is open", () => adapter.socket?.readyState === 1);
      await pause(time % 7);
      adapter.disconnect();
      adapter.connect(peer, {});
    }
    await until("the line is open", () => adapter.socket?.readyState === 1);
  },
  async find({ id }) {
    try {
      handles.set(id, await find(id));
      return "ready";
    } catch (error) {
      return /unavailable/.test(String(error)) ? "unavailable" : String(error);
    }
  },
  /** Opens a document that the server has given the first change of. */
  import({ id, bytes }) {
    const binary = new Uint8Array(Buffer.from(bytes, "hex"));
    handles.set(id, repo.import(binary, { docId: id }));
  },
  edit({ id, answers }) {
    handles.get(id).change((doc) => Object.assign(doc.answers, answers));
  },
  read({ id }) {
    const { answers } = doc(handles.get(id));
    return Object.fromEntries(Object.entries(answers).map(([key, value]) => [key, plain(value)]));
  },
  /** Waits until an answer reads so. */
  wait: ({ id, key, value }) => until(`${id} ${key} = ${value}`, () => {
    const read = doc(handles.get(id));
    return read !== undefined && plain(read.answers?.[key]) === value;
  }),
  seen: () => seen,
  /** Waits until it was told something. */
  told: ({ reason }) => until(reason, () => seen.errors.includes(reason)),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { done: (await commands[command.do](command)) ?? null };
  } catch (error) {
    answer = { failed: String(error.stack) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
