import { runInSandbox, type SandboxOptions, type SandboxResult } from "walkback";

/** Runs code with little and waits generously for it. */
export function sandboxed(code: string, options: Partial<SandboxOptions> = {}): Promise<SandboxResult> {
  return runInSandbox(code, { resources: { memoryMb: 64, timeMs: 20_000 }, signal: new AbortController().signal, ...options });
}

/** What the code gives back. */
export async function resultOf(code: string, options: Partial<SandboxOptions> = {}): Promise<unknown> {
  return (await sandboxed(code, options)).result;
}

/** Waits for what must fail, and shows how. */
export async function failureOf(running: Promise<unknown>): Promise<Record<string, unknown>> {
  const outcome = await running.then(
    (value) => ({ unexpected: value }),
    (thrown: unknown) => thrown,
  );
  return outcome as Record<string, unknown>; // whatever was thrown; the test looks at its fields
}

/** Notes whether this process can still work while something runs: its timers, and what it has in memory. */
export async function whileWatched<Value>(work: () => Promise<Value>): Promise<{ value: Value; ticks: number; grownMb: number }> {
  const before = process.memoryUsage();
  let ticks = 0;
  const ticking = setInterval(() => {
    ticks += 1;
  }, 10);
  try {
    const value = await work();
    const after = process.memoryUsage();
    return { value, ticks, grownMb: Math.round((after.rss - before.rss) / 2 ** 20) };
  } finally {
    clearInterval(ticking);
  }
}
