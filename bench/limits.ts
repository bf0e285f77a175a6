import { randomUUID } from "node:crypto";
import { DEFAULT_LIMITS, type RunId, sqliteStore } from "walkback";
import { guard } from "../src/limits/guard.js";
import type { LimitOptions } from "../src/limits/limit-options.js";
import { createMeter } from "../src/limits/meter.js";
import { type Benchmark, type Effort, part, type Target } from "./benchmark.js";
import { aFolder } from "./folder.js";
import { type Cost, compare, inFlight, inPairs, type Meter, stopwatch } from "./measure.js";

const AT_ONCE = 50;
/** Every budget there is and a rate limit, none of them near its end. */
const PLENTY = { microDollars: 1_000_000_000_000, tokens: 1_000_000_000_000 };
const OPTIONS: LimitOptions = {
  budgets: { perRun: PLENTY, hourly: PLENTY, daily: PLENTY, tenants: { acme: { hourly: PLENTY, daily: PLENTY } } },
  rateLimits: { provider: { requestsPerMinute: 1_000_000_000, tokensPerMinute: 1_000_000_000 } },
};
const CALL = { provider: "provider", inputTokens: 100, outputTokens: 10, microDollars: 50 };
const ANSWER = { result: "answer", usage: { inputTokens: 90, outputTokens: 5, microDollars: 40 } };
const TARGET: Target = { of: "ours", atMost: 0.3 };

/** What stands between an agent and its work, for work that returns at once. */
export const limits: Benchmark = {
  name: "limits",
  description: "One call that returns at once, under guard, breaker, budgets and rate limit kept in a file, against the bare call.",
  settings: (effort) => `${calls(effort)} calls, ${AT_ONCE} at a time, of 50 runs of one tenant; synchronous=FULL`,
  async measure(effort, progress) {
    const count = calls(effort);
    const perCall = ({ cpuMs }: Cost) => cpuMs / count;
    const sides = { pairs: effort.pairs, peer: () => bare(count, stopwatch), progress };
    const guarded = await inPairs({ ...sides, ours: () => limited(count, stopwatch, { spends: false }) });
    const all = await inPairs({ ...sides, ours: () => limited(count, stopwatch, { spends: true }) });
    return [
      { ...compare(guarded, perCall), what: "CPU of a call, guard and breaker", unit: "ms", peerName: "bare call" },
      { ...compare(all, perCall), what: "CPU of a call, all limits", unit: "ms", peerName: "bare call", target: TARGET },
    ];
  },
  async profile(effort, meter) {
    await limited(calls(effort), stopwatch, { spends: true });
    await limited(calls(effort), meter, { spends: true });
  },
};

function calls(effort: Effort): number {
  return part(effort, 10_000, 1_000);
}

async function work(): Promise<typeof ANSWER> {
  return ANSWER;
}

async function bare(count: number, meter: Meter): Promise<Cost> {
  return meter(() => inFlight(count, AT_ONCE, work));
}

async function limited(count: number, meter: Meter, { spends }: { readonly spends: boolean }): Promise<Cost> {
  await using folder = await aFolder();
  const store = sqliteStore(folder.file("store.db"));
  const now = () => new Date();
  const purse = createMeter({ store: store.limits, options: OPTIONS, now });
  const own = <T>(asked: Promise<T>) => asked;
  const { signal } = new AbortController();
  const runIds = Array.from({ length: AT_ONCE }, () => randomUUID() as RunId);
  const agent = "answer-at-once";
  const gate = guard({ agent, limits: DEFAULT_LIMITS, cells: store.limits, holder: "bench", now, random: Math.random });
  const call = (index: number) => {
    const runId = runIds[index % AT_ONCE] as RunId; // there are as many as are at work at once
    return gate.call({ runId, signal, round: 0, emit: () => {} }, async () =>
      spends ? purse.spend({ runId, tenant: "acme", agent, step: agent, signal, until: Date.now() + 30_000, own }, CALL, work) : work(),
    );
  };
  const cost = await meter(() => inFlight(count, AT_ONCE, call));
  await purse.close();
  await store.close();
  return cost;
}
