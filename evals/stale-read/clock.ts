import { setTimeout as wait } from "node:timers/promises";

/** The time of one side of the comparison, in milliseconds since it began. */
export interface Clock {
  now(): number;
  /** Rejects when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Real timers that run `speed` times as fast. */
export function pacedClock(speed: number): Clock {
  const startedAt = performance.now();
  return {
    now: () => (performance.now() - startedAt) * speed,
    sleep: (ms, signal) => wait(ms / speed, undefined, signal && { signal }),
  };
}

interface Sleeper {
  readonly wakesAt: number;
  wake(): void;
}

/** Simulated time: it jumps to the next sleeper once nobody has anything left to do, so that every run is the same. */
export function simulatedClock(): Clock {
  const sleepers: Sleeper[] = [];
  let nowMs = 0;
  let ticking = false;

  function tick(): void {
    const next = sleepers.shift();
    ticking = next !== undefined;
    if (!next) return;
    nowMs = next.wakesAt;
    next.wake();
    setImmediate(tick); // comes after everything that the one who woke up does without sleeping
  }

  return {
    now: () => nowMs,
    sleep(ms) {
      return new Promise((wake) => {
        const wakesAt = nowMs + ms;
        const place = sleepers.findIndex((other) => other.wakesAt > wakesAt);
        sleepers.splice(place === -1 ? sleepers.length : place, 0, { wakesAt, wake });
        if (!ticking) setImmediate(tick);
        ticking = true;
      });
    },
  };
}
