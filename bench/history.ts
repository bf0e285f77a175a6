import { createOrchestrator, type Orchestrator, type Version } from "walkback";
import { type Benchmark, type Effort, part, type Target } from "./benchmark.js";
import { recordAnswers } from "./credit.js";
import { type Filled, fill, LONG_RUN } from "./fill.js";
import { aFolder } from "./folder.js";
import { compare, inPairs, type Meter, stopwatch } from "./measure.js";

const FEW = 100;
const MANY = 10_000;
const WITHIN_TWICE: Target = { of: "ratio", atMost: 2 };

interface Archive extends Filled {
  readonly orchestrator: Orchestrator;
}

/** A question to the history. Another one is one more entry. */
interface Probe {
  readonly what: string;
  readonly calls: number;
  readonly ask: (archive: Archive, call: number) => Promise<unknown>;
}

const PROBES: readonly Probe[] = [
  { what: "inspect", calls: 300, ask: ({ orchestrator, runIds }, call) => orchestrator.inspect(spread(runIds, call)) },
  { what: "inspect, 1,000 versions", calls: 5, ask: ({ orchestrator, longRun }) => orchestrator.inspect(longRun) },
  { what: "bisect, 1,000 versions", calls: 20, ask: ({ orchestrator, longRun }, call) => orchestrator.bisect(longRun, brokeWith(call)) },
  { what: "list", calls: 100, ask: ({ orchestrator }) => orchestrator.list() },
  { what: "list, the 3 waiting", calls: 100, ask: ({ orchestrator }) => orchestrator.list({ status: "waiting" }) },
];

/** What old runs cost the new ones: the same question to a store of 10,000 runs and to one of 100. */
export const history: Benchmark = {
  name: "history",
  description: "Questions to a store of many runs against the same questions to a store of few.",
  settings: (effort) =>
    `${many(effort)} runs against ${FEW}, of 6 versions, 2 journal entries and 10 events; one run of 1,000 versions in both`,
  async measure(effort, progress) {
    await using few = await anArchive(FEW, progress);
    await using full = await anArchive(many(effort), progress);
    const figures = [];
    for (const { what, calls, ask } of PROBES) {
      const asking = (archive: Archive) => () => stopwatch(() => askAll(calls, (call) => ask(archive, call)));
      const pairs = await inPairs({
        pairs: effort.pairs,
        ours: asking(full),
        peer: asking(few),
        progress: (text) => progress(`${what}: ${text}`),
      });
      const comparison = compare(pairs, ({ ms }) => ms / calls);
      figures.push({ ...comparison, what, unit: "ms", peerName: `ours, ${FEW} runs`, target: WITHIN_TWICE });
    }
    return figures;
  },
  async profile(effort: Effort, meter: Meter) {
    await using archive = await anArchive(many(effort), () => {});
    await meter(async () => {
      for (const { calls, ask } of PROBES) await askAll(calls, (call) => ask(archive, call));
    });
  },
};

function many(effort: Effort): number {
  return part(effort, MANY, FEW);
}

async function askAll(calls: number, ask: (call: number) => Promise<unknown>): Promise<void> {
  for (let call = 0; call < calls; call++) await ask(call);
}

async function anArchive(runs: number, progress: (text: string) => void): Promise<Archive & AsyncDisposable> {
  const folder = await aFolder();
  const filled = await fill(folder.file("store.db"), runs, await recordAnswers(), progress);
  const orchestrator = createOrchestrator({ store: filled.store, workflows: [] });
  return {
    ...filled,
    orchestrator,
    async [Symbol.asyncDispose]() {
      await orchestrator.close();
      await filled.store.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Another culprit at each call. */
function brokeWith(call: number) {
  const culprit = 1 + ((call * 7_919) % (LONG_RUN - 1));
  return (_state: unknown, { number }: Version) => number < culprit;
}

/** Another run at each call, from all over the store. */
function spread(runIds: readonly string[], call: number): string {
  return runIds[(call * 7_919) % runIds.length] ?? "";
}
