// A sync server of the current line of automerge-repo, its parts as published; the published server is
// of the line before. For the benchmark only: PORT and DATA_DIR say where.

import { Repo } from "@automerge/automerge-repo";
import { WebSocketServerAdapter } from "@automerge/automerge-repo-network-websocket";
import { NodeFSStorageAdapter } from "@automerge/automerge-repo-storage-nodefs";
import { WebSocketServer } from "ws";

const { PORT, DATA_DIR } = process.env;
const sockets = new WebSocketServer({ host: "127.0.0.1", port: Number(PORT) });

new Repo({
  network: [new WebSocketServerAdapter(sockets)],
  storage: new NodeFSStorageAdapter(DATA_DIR),
  peerId: `current-${PORT}`,
  // As the published server: it answers for what it is asked for, and announces nothing.
  sharePolicy: async () => false,
});
