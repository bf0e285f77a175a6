import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { emptyCheckpoint } from "@langchain/langgraph-checkpoint";
import { type Benchmark, type Effort, part } from "./benchmark.js";
import { aFolder } from "./folder.js";
import { compare, inPairs, type Meter, stopwatch } from "./measure.js";
import { type OpenSaver, ourSaver, type Saver, upstreamSaver } from "./savers.js";

const HOLD_MS = 400;
const PAUSE_MS = 50;
const WRITERS = 20;
const WRITER_PAUSE_MS = 10;
const RESOLUTION_MS = 2;

interface Wait {
  /** Of the samples: a block is one of them, however long it lasts, so the longest is told as well. */
  readonly p99Ms: number;
  readonly longestMs: number;
  readonly failedPuts: number;
}

/** Whether a process whose file is locked by another can still do anything else. */
export const eventLoop: Benchmark = {
  name: "event-loop",
  description: "The delay of the event loop while another process holds the write lock, with our checkpointer against SqliteSaver.",
  settings: (effort) =>
    `${holds(effort)} holds of ${HOLD_MS} ms with ${PAUSE_MS} ms between, ${WRITERS} writers putting checkpoints, histogram resolution ${RESOLUTION_MS} ms`,
  async measure(effort, progress) {
    const side = (open: OpenSaver) => () => waitFor(open, holds(effort), stopwatch);
    const pairs = await inPairs({ pairs: effort.pairs, ours: side(ourSaver), peer: side(upstreamSaver), progress });
    const peerName = "SqliteSaver";
    return [
      { ...compare(pairs, ({ p99Ms }) => p99Ms), what: "event-loop delay, p99", unit: "ms", peerName, target: { of: "ours", atMost: 120 } },
      { ...compare(pairs, ({ longestMs }) => longestMs), what: "event-loop delay, longest", unit: "ms", peerName },
      {
        ...compare(pairs, ({ failedPuts }) => failedPuts),
        what: "puts that failed",
        unit: "",
        peerName,
        target: { of: "ours", atMost: 0 },
      },
    ];
  },
  async profile(effort, meter) {
    await waitFor(ourSaver, holds(effort), meter);
  },
};

function holds(effort: Effort): number {
  return part(effort, 5, 3);
}

/** Puts checkpoints for as long as the other process takes the lock, and once more when it is gone. */
async function waitFor(open: OpenSaver, times: number, meter: Meter): Promise<Wait> {
  await using folder = await aFolder();
  const file = folder.file("store.db");
  const { saver, close } = open(file);
  await put(saver); // makes the tables
  const holder = spawn(process.execPath, ["--import", "tsx", HOLDER, file, ...[times, HOLD_MS, PAUSE_MS].map(String)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(holder, "close");
  await once(holder.stdout, "data"); // it has the lock
  const released = once(holder.stdout, "data");

  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let failedPuts = 0;
  let held = true;
  const tryToPut = () => put(saver).catch(() => failedPuts++);
  const write = async () => {
    while (held) {
      await tryToPut();
      await setTimeout(WRITER_PAUSE_MS);
    }
    await tryToPut();
  };
  const letGo = released.then(() => {
    held = false;
  });
  delay.enable();
  await meter(() => Promise.all([letGo, ...Array.from({ length: WRITERS }, write)]));
  delay.disable();
  await gone;
  await close();
  return { p99Ms: delay.percentile(99) / 1e6, longestMs: delay.max / 1e6, failedPuts };
}

const HOLDER = fileURLToPath(new URL("lock-holder.ts", import.meta.url));

/** A small checkpoint on a thread of its own. */
async function put(saver: Saver): Promise<void> {
  const version = saver.getNextVersion(undefined);
  const versions = { answer: version };
  const checkpoint = { ...emptyCheckpoint(), channel_values: { answer: randomUUID() }, channel_versions: versions };
  const config = { configurable: { thread_id: randomUUID(), checkpoint_ns: "" } };
  await saver.put(config, checkpoint, { source: "input", step: -1, parents: {} }, versions);
}
