import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers"; // both by import: neither a fake clock in a test nor a jump of the real one stops the disk
import { StoreBusy } from "../../contracts/failure.js";

/** How long one try may hold up the event loop: the driver is synchronous, so SQLite's own waiting blocks everything. */
export const BUSY_BLOCK_MS = 50;
/** How long a write waits for another process to let go of the file. */
const BUSY_LIMIT_MS = 10_000;
const BUSY_PAUSE_MS = 5;
const OPEN_TRIES = 100;

/** Tries again for as long as another process holds the file; in between the event loop runs. Rejects with `STORE_BUSY` at last. */
export async function patiently<T>(path: string, attempt: () => T | Promise<T>): Promise<T> {
  const startedAt = performance.now();
  for (;;) {
    try {
      return await attempt();
    } catch (thrown) {
      if (!isBusy(thrown)) throw thrown;
      const waitedMs = Math.round(performance.now() - startedAt);
      if (waitedMs >= BUSY_LIMIT_MS) throw storeBusy(path, waitedMs, thrown);
    }
    await new Promise((resolve) => setTimeout(resolve, BUSY_PAUSE_MS));
  }
}

/** The synchronous form, for opening a file: switching it to WAL answers "busy" without waiting while another process does the same. */
export function blockUntilFree<T>(attempt: () => T): T {
  for (let tries = 1; ; tries++) {
    try {
      return attempt();
    } catch (thrown) {
      if (!isBusy(thrown) || tries >= OPEN_TRIES) throw thrown;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_PAUSE_MS);
  }
}

function isBusy(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && String(thrown.code).startsWith("SQLITE_BUSY");
}

function storeBusy(path: string, waitedMs: number, cause: unknown): StoreBusy {
  return new StoreBusy(
    `Another process has held the store ${path} for ${waitedMs} ms. Try again, or find out which process does.`,
    { path, waitedMs },
    { cause },
  );
}
