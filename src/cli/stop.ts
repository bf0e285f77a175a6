import { setMaxListeners } from "node:events";
import { tell } from "./print.js";

/** How a command that takes its time is stopped. */
export interface Stop extends Disposable {
  /** Aborted at the first Ctrl-C or SIGTERM, or when nobody reads what we print. */
  readonly signal: AbortSignal;
  /** 130 after Ctrl-C, 143 after a SIGTERM; undefined when no signal came. */
  exitCode(): number | undefined;
}

/** How long the steps in flight may take to end by themselves. */
const DEADLINE_MS = 5_000;
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Listens until disposed. The first signal stops the orchestrator: the steps in flight are finished, no new ones begin,
 * leases are given back. A second one ends the process at once; nothing is lost either way.
 */
export function listenForStop(orchestrator: { stop(options: { readonly deadlineMs: number }): Promise<void> }): Stop {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // every run under way listens
  let code: number | undefined;
  const unread = () => stopping.abort(); // the runs under way are carried to their end all the same
  const onSignal = (name: NodeJS.Signals) => {
    if (code !== undefined) process.exit(code);
    code = SIGNALS[name as keyof typeof SIGNALS];
    tell("\nStopping: the steps in flight are finished. Ctrl-C again leaves at once; nothing is lost either way.");
    stopping.abort();
    void orchestrator.stop({ deadlineMs: DEADLINE_MS });
  };
  for (const name of Object.keys(SIGNALS)) process.on(name, onSignal);
  process.stdout.on("error", unread);
  return {
    signal: stopping.signal,
    exitCode: () => code,
    [Symbol.dispose]() {
      for (const name of Object.keys(SIGNALS)) process.off(name, onSignal);
      process.stdout.off("error", unread);
    },
  };
}
