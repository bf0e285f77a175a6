import { type Benchmark, type Effort, part, type Target } from "./benchmark.js";
import { type Answers, recordAnswers } from "./credit.js";
import type { Load } from "./load.js";
import { type Cost, compare, inPairs, type Meter, stopwatch } from "./measure.js";

/** Carries so many runs through the five agents. */
export type Side = (answers: Answers, load: Load, meter: Meter) => Promise<Cost>;

export interface Throughput {
  readonly name: string;
  readonly description: string;
  readonly load: Load;
  readonly ours: Side;
  readonly peer: Side;
  readonly peerName: string;
  readonly target?: Target;
}

/** Fewer runs would measure how long V8 takes to get going. */
const LEAST = 30;

/** Two ways to carry the same runs: how many a second, and the CPU that each takes. */
export function throughputBenchmark({ name, description, load: full, ours, peer, peerName, target }: Throughput): Benchmark {
  const loadOf = (effort: Effort): Load => ({ ...full, runs: part(effort, full.runs, Math.max(full.concurrency, LEAST)) });
  return {
    name,
    description,
    settings(effort) {
      const { runs, concurrency } = loadOf(effort);
      return `${runs} runs, ${concurrency} at a time, durability "sync" on both sides`;
    },
    async measure(effort, progress) {
      const load = loadOf(effort);
      const answers = await recordAnswers();
      const pairs = await inPairs({
        pairs: effort.pairs,
        ours: () => ours(answers, load, stopwatch),
        peer: () => peer(answers, load, stopwatch),
        progress,
      });
      return [
        { ...compare(pairs, ({ ms }) => (load.runs * 1_000) / ms), what: "throughput", unit: "runs/s", peerName, target },
        { ...compare(pairs, ({ cpuMs }) => cpuMs / load.runs), what: "CPU of a run", unit: "ms", peerName },
      ];
    },
    async profile(effort, meter) {
      const answers = await recordAnswers();
      await ours(answers, loadOf(effort), stopwatch);
      await ours(answers, loadOf(effort), meter);
    },
  };
}
