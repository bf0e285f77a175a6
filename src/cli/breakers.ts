import type { BreakerState } from "../limits/breaker.js";
import type { Breaker, BreakerEntry } from "../limits/breaker-book.js";
import { openRecords, shortId } from "./house.js";
import { paint } from "./paint.js";
import { print } from "./print.js";
import { EXIT } from "./problem.js";
import type { Settings } from "./settings.js";
import { drawTable } from "./table.js";

export interface BreakersOptions {
  /** Of this one, or of all. */
  readonly history?: string | true;
}

export interface TripOptions {
  /** In milliseconds. */
  readonly for?: number;
  readonly reason?: string;
}

/** Lists the circuit breakers of a store, or their transitions. */
export async function breakersCommand({ history }: BreakersOptions, settings: Settings): Promise<number> {
  await using records = openRecords(settings);
  const { breakers } = records;
  if (history === undefined) show(breakers.list(), breakersText, settings);
  else show(breakers.history(history === true ? undefined : history), historyText, settings);
  return EXIT.fine;
}

/** Closes a breaker by hand. */
export async function resetCommand(name: string, { reason }: Pick<TripOptions, "reason">, settings: Settings): Promise<number> {
  await using records = openRecords(settings);
  show([await records.breakers.reset(name, reason)], breakersText, settings);
  return EXIT.fine;
}

/** Opens a breaker by hand. */
export async function tripCommand(name: string, { for: forMs, reason }: TripOptions, settings: Settings): Promise<number> {
  await using records = openRecords(settings);
  show([await records.breakers.trip(name, { forMs, reason })], breakersText, settings);
  return EXIT.fine;
}

function show<T>(items: readonly T[], text: (items: readonly T[]) => string, { json }: Settings): void {
  if (json) for (const item of items) print(JSON.stringify(item));
  else print(text(items));
}

export function breakersText(breakers: readonly Breaker[]): string {
  if (breakers.length === 0) return "No agent was called yet, so there are no breakers.";
  const rows = breakers.map(({ name, state, since, tally, why, nextProbeAt }) => ({
    cells: {
      breaker: name,
      state: paintState(state),
      since: timeText(since),
      counted: tally === undefined ? "" : tallyText(tally),
      "next probe": state === "open" && nextProbeAt === undefined ? "when it is reset" : timeText(nextProbeAt),
      why: why ?? "",
    },
  }));
  return drawTable(["breaker", "state", "since", "counted", "next probe", "why"], rows);
}

function tallyText({ kind, calls, failed }: NonNullable<Breaker["tally"]>): string {
  return kind === "consecutive" ? `${failed} failed in a row` : `${failed} of ${calls} failed`;
}

function historyText(entries: readonly BreakerEntry[]): string {
  if (entries.length === 0) return "No breaker has changed its state yet.";
  const rows = entries.map(({ at, name, from, to, why, by, runId }) => ({
    cells: {
      at: timeText(at),
      breaker: name,
      from,
      to: paintState(to),
      by: runId === undefined ? by : `${by} in ${shortId(runId)}`,
      why,
    },
  }));
  return drawTable(["at", "breaker", "from", "to", "by", "why"], rows);
}

function timeText(at: string | undefined): string {
  return at === undefined ? "" : at.replace("T", " ").slice(0, 19);
}

function paintState(state: BreakerState): string {
  switch (state) {
    case "closed":
      return paint.green(state);
    case "open":
      return paint.red(state);
    case "half-open":
      return paint.yellow(state);
  }
}
