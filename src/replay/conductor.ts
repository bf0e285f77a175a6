import { setImmediate, setTimeout } from "node:timers/promises"; // by import, so that fake timers in tests do not stop a replay
import type { RunOnRecord } from "./record.js";
import { roundKey } from "./record.js";

/** After this long, and that many turns of the event loop, without anything happening, nothing will happen any more. */
const QUIET_MS = 20;
const QUIET_TURNS = 200;

/**
 * Lets a replay follow the order of the record: what came first then comes first now, however long it takes. With the
 * first difference there is no order to follow any more, and everything runs freely.
 */
export interface Conductor {
  /** Resolves once everything before that place has come again, or cannot come any more. */
  turn(place: number): Promise<void>;
  /** Resolves when work that is not on record may be done; stays pending while the replay is just the run as far as it went. */
  beyond(): Promise<void>;
  /** Work that may take its time. */
  busy<T>(work: () => Promise<T>): Promise<T>;
  /** Something happened. */
  touch(): void;
  /** This round has come to its outcome. */
  came(step: string, round: number): void;
  /** The replay has left the record. */
  differ(): void;
  readonly differs: boolean;
}

export interface Ends {
  /** Everything on record has come. */
  readonly onAllCame: () => void;
  /** Nothing moves any more but what is not on record. */
  readonly onEndOfRecord: () => void;
}

interface Waiting {
  readonly place: number;
  readonly go: () => void;
}

/** `expected`: the places by `roundKey`. A run that completed has everything on record, so what is not is a difference. */
export function conductor(expected: ReadonlyMap<string, number>, { status }: RunOnRecord["run"], ends: Ends): Conductor {
  const missing = new Map(expected);
  const waiting = new Set<Waiting>();
  const held = new Set<() => void>();
  let free = false;
  let running = 0;
  let activity = 0;
  let watching = false;

  const release = () => {
    const first = Math.min(...missing.values());
    for (const each of waiting) {
      if (!free && first < each.place) continue;
      waiting.delete(each);
      each.go();
    }
    if (!free) return;
    for (const go of held) go();
    held.clear();
  };
  const differ = () => {
    free = true;
    release();
  };
  const onQuiet = () => {
    if (waiting.size > 0)
      differ(); // what they wait for does not come any more
    else ends.onEndOfRecord();
  };
  const watch = () => {
    if (watching || running > 0 || waiting.size + held.size === 0) return;
    watching = true;
    void quiet(() => activity).then((isQuiet) => {
      watching = false;
      if (isQuiet && running === 0 && waiting.size + held.size > 0) onQuiet();
      else watch();
    });
  };
  const touch = () => {
    activity++;
  };

  return {
    turn: (place) =>
      new Promise((go) => {
        waiting.add({ place, go });
        release();
        watch();
      }),
    beyond: () =>
      new Promise((go) => {
        if (free || status === "completed") return go();
        held.add(go);
        watch();
      }),
    async busy(work) {
      running++;
      try {
        return await work();
      } finally {
        running--;
        touch();
        watch();
      }
    },
    touch,
    came(step, round) {
      touch();
      missing.delete(roundKey(step, round));
      if (missing.size === 0) ends.onAllCame();
      release();
    },
    differ,
    get differs() {
      return free;
    },
  };
}

async function quiet(activity: () => number): Promise<boolean> {
  const before = activity();
  await setTimeout(QUIET_MS);
  for (let turn = 0; turn < QUIET_TURNS; turn++) {
    if (activity() !== before) return false;
    await setImmediate();
  }
  return activity() === before;
}
