import { performance } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** What a piece of work took; CPU is that of the whole process, garbage collector included. */
export interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
}

/** Does the work and says what it took; a profiler is one as well. */
export type Meter = (work: () => Promise<unknown>) => Promise<Cost>;

/** Starts from a clean heap, so that nobody pays for the garbage of the one before. */
export const stopwatch: Meter = async (work) => {
  await clean();
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const ms = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpuMs: (user + system) / 1_000 };
};

export interface Pair<Sample> {
  readonly ours: Sample;
  readonly peer: Sample;
}

export interface Contest<Sample> {
  readonly pairs: number;
  readonly ours: () => Promise<Sample>;
  readonly peer: () => Promise<Sample>;
  /** Told before each measurement. */
  readonly progress?: ((text: string) => void) | undefined;
}

/**
 * Measures both sides in turns, the order alternating (ours, peer, peer, ours, …), so that what the machine does meanwhile
 * falls on both. A first pair warms up and does not count.
 */
export async function inPairs<Sample>({ pairs, ours, peer, progress }: Contest<Sample>): Promise<readonly Pair<Sample>[]> {
  const measured: Pair<Sample>[] = [];
  for (let turn = 0; turn <= pairs; turn++) {
    progress?.(turn === 0 ? "warming up" : `pair ${turn} of ${pairs}`);
    const pair = turn % 2 === 0 ? await both(ours, peer) : swapped(await both(peer, ours));
    if (turn > 0) measured.push(pair);
  }
  return measured;
}

async function both<Sample>(first: () => Promise<Sample>, second: () => Promise<Sample>): Promise<Pair<Sample>> {
  return { ours: await first(), peer: await second() };
}

function swapped<Sample>({ ours, peer }: Pair<Sample>): Pair<Sample> {
  return { ours: peer, peer: ours };
}

export interface Comparison {
  /** Medians of each side. */
  readonly ours: number;
  readonly peer: number;
  /** Median of the ratios pair by pair, which need not be the ratio of the medians. */
  readonly ratio: number;
  readonly lowest: number;
  readonly highest: number;
  readonly pairs: number;
}

/** Ours divided by the peer's, for one figure that is read off each sample. */
export function compare<Sample>(pairs: readonly Pair<Sample>[], read: (sample: Sample) => number): Comparison {
  const ours = pairs.map((pair) => read(pair.ours));
  const peer = pairs.map((pair) => read(pair.peer));
  const ratios = ours.map((figure, index) => figure / (peer[index] ?? Number.NaN));
  return {
    ours: median(ours),
    peer: median(peer),
    ratio: median(ratios),
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
    pairs: pairs.length,
  };
}

/** The middle one, or the mean of the two in the middle. NaN when there is none. */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Does the work for 0 to count - 1, so many at a time. */
export async function inFlight(count: number, concurrency: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker));
}

let collectGarbage: (() => void) | undefined;

async function clean(): Promise<void> {
  if (!collectGarbage) {
    setFlagsFromString("--expose-gc");
    collectGarbage = runInNewContext("gc") as () => void; // what the flag puts there
  }
  await setImmediate(); // what is settled but not yet let go of
  collectGarbage();
}
