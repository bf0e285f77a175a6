import { type Benchmark, exactly, type Figure, part } from "./benchmark.js";
import { aFolder, type Folder } from "./folder.js";
import { growingGraph, MESSAGE_BYTES } from "./growing-graph.js";
import { compare, inPairs, type Meter, stopwatch } from "./measure.js";
import { durableDatabase, type OpenSaver, ourSaver, upstreamSaver } from "./savers.js";

const SHORT = 10;
const MEDIUM = 200;
const LONG = 800;

/** What a long conversation takes on disk, and how long it takes to come back to it. */
export const growth: Benchmark = {
  name: "growth",
  description: "A thread that gets one message longer at each step: its database against the payload, and a resume late against one early.",
  settings: () =>
    `messages of ${MESSAGE_BYTES} bytes, ${MEDIUM} and ${LONG} steps in one invoke, durability "sync"; a resume is one more step in a store opened anew`,
  async measure(effort, progress) {
    progress("sizes");
    const payload = kibibytes(MEDIUM * MESSAGE_BYTES);
    const medium = await sizeAfter(MEDIUM, ourSaver);
    const long = await sizeAfter(LONG, ourSaver);
    return [
      sized(MEDIUM, medium, payload, "the payload", 5),
      sized(MEDIUM, medium, await sizeAfter(MEDIUM, upstreamSaver), "SqliteSaver"),
      sized(LONG, long, medium, `ours, ${MEDIUM} steps`, 4.5),
      sized(LONG, long, await sizeAfter(LONG, upstreamSaver), "SqliteSaver"),
      ...(await resumes(part(effort, 15, 3), progress)),
    ];
  },
  async profile(_effort, meter) {
    await using folder = await aFolder();
    await grow(folder.file("warm.db"), "thread", LONG, ourSaver);
    await meter(() => grow(folder.file("store.db"), "thread", LONG, ourSaver));
  },
};

function sized(steps: number, ours: number, peer: number, peerName: string, atMost?: number): Figure {
  const target = atMost === undefined ? undefined : ({ of: "ratio", atMost } as const);
  return { ...exactly(ours, peer), what: `database, ${steps} steps`, unit: "KiB", peerName, target };
}

async function sizeAfter(steps: number, open: OpenSaver): Promise<number> {
  await using folder = await aFolder();
  const file = folder.file("store.db");
  await grow(file, "thread", steps, open);
  const database = durableDatabase(file);
  database.pragma("wal_checkpoint(TRUNCATE)");
  database.close();
  return kibibytes(folder.bytes());
}

async function resumes(pairs: number, progress: (text: string) => void): Promise<readonly Figure[]> {
  await using folder = await aFolder();
  const early = await aThread(folder, "early", SHORT, ourSaver);
  const late = await aThread(folder, "late", LONG, ourSaver);
  const lateUpstream = await aThread(folder, "late-upstream", LONG, upstreamSaver);
  const tell = (against: string) => (text: string) => progress(`resume against ${against}: ${text}`);
  const againstEarly = await inPairs({ pairs, ours: late, peer: early, progress: tell("an early one") });
  const againstUpstream = await inPairs({ pairs, ours: late, peer: lateUpstream, progress: tell("SqliteSaver") });
  const what = `resume at step ${LONG}`;
  return [
    {
      ...compare(againstEarly, ({ ms }) => ms),
      what,
      unit: "ms",
      peerName: `ours, at step ${SHORT}`,
      target: { of: "ratio", atMost: 2 },
    },
    { ...compare(againstUpstream, ({ ms }) => ms), what, unit: "ms", peerName: "SqliteSaver" },
  ];
}

/** A thread so many steps long in a file of its own; each call opens the file anew and goes one step on. */
async function aThread(folder: Folder, name: string, steps: number, open: OpenSaver) {
  const file = folder.file(`${name}.db`);
  await grow(file, "thread", steps, open);
  let next = steps + 1;
  return async () => grow(file, "thread", next++, open, stopwatch);
}

async function grow(file: string, thread: string, until: number, open: OpenSaver, meter: Meter = unmeasured) {
  const { saver, close } = open(file);
  const graph = growingGraph(saver);
  const cost = await meter(() => graph.growTo(thread, until));
  await close();
  return cost;
}

const unmeasured: Meter = async (work) => {
  await work();
  return { ms: Number.NaN, cpuMs: Number.NaN };
};

function kibibytes(bytes: number): number {
  return bytes / 1_024;
}
