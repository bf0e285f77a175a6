import { setMaxListeners } from "node:events";
import { tell } from "./print.js";

/** How a command that takes its time is stopped. */
export interface Stop extends Disposable {
  /** Aborted at the first Ctrl-C, or when nobody reads what we print: start nothing more, finish what is under way. */
  readonly signal: AbortSignal;
  /** Aborted some seconds later: wait for nothing more. */
  readonly abandon: AbortSignal;
  /** 130 after Ctrl-C, 143 after a SIGTERM; undefined when no signal came. */
  exitCode(): number | undefined;
}

const GRACE_MS = 5_000;
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Listens until disposed. A second Ctrl-C ends the process at once. */
export function listenForStop(): Stop {
  const stopping = new AbortController();
  const abandoning = new AbortController();
  setMaxListeners(0, stopping.signal, abandoning.signal); // every run under way listens
  let code: number | undefined;
  const stop = () => {
    stopping.abort();
    setTimeout(() => abandoning.abort(), GRACE_MS).unref();
  };
  const onSignal = (name: NodeJS.Signals) => {
    if (code !== undefined) process.exit(code);
    code = SIGNALS[name as keyof typeof SIGNALS];
    tell("\nStopping: runs under way may finish. Ctrl-C again leaves at once.");
    stop();
  };
  for (const name of Object.keys(SIGNALS)) process.on(name, onSignal);
  process.stdout.on("error", stop);
  return {
    signal: stopping.signal,
    abandon: abandoning.signal,
    exitCode: () => code,
    [Symbol.dispose]() {
      for (const name of Object.keys(SIGNALS)) process.off(name, onSignal);
      process.stdout.off("error", stop);
    },
  };
}
