import { performance } from "node:perf_hooks";
import { setImmediate } from "node:timers"; // by import, so that fake timers in tests do not stop the disk

/** How long others of this process may have to wait. */
const SLICE_MS = 10;

/** To be awaited in a long loop: now and then lets others of this process work. */
export function pacer(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < SLICE_MS) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    since = performance.now();
  };
}
