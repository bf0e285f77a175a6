import type { EventLog } from "../checkpoint/ports.js";
import type { RunEvent } from "../contracts/event.js";
import { type FailureCode, isWalkbackError } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { Run } from "../contracts/run.js";
import { shortId } from "./house.js";
import { paintErr } from "./paint.js";
import { tell } from "./print.js";
import { commandLine, type Settings } from "./settings.js";

/** A tier that was asked in vain, and what it failed with. */
export interface DegradedBy {
  readonly agent: string;
  readonly tier: string;
  readonly code: FailureCode;
}

type Events = Pick<EventLog, "list">;
type Degradable = Pick<Run, "runId" | "degraded">;

/** Why a run is degraded: every tier that failed, once. Of a run that is not, nothing is read. */
export async function degradedBy(events: Events, { runId, degraded }: Degradable): Promise<readonly DegradedBy[]> {
  if (!degraded) return [];
  const falls = (await historyOf(events, runId)).flatMap(fallOf);
  return [...new Map(falls.map((fall) => [Object.values(fall).join(" "), fall])).values()];
}

/** What JSON says of it; nothing of a run that is not degraded. */
export function degradedJson({ degraded }: Pick<Run, "degraded">, by: readonly DegradedBy[]): object {
  return degraded ? { degraded, degradedBy: by } : {};
}

/** The runs that a command has seen, and why those of them that are degraded are. */
export interface DegradedRuns {
  see(run: Run): Promise<readonly DegradedBy[]>;
  /** A line for each agent and code in the order in which they were seen, after them the breakers that opened by it. */
  tell(): void;
}

export function degradedRuns(events: Events, settings: Settings): DegradedRuns {
  const falls = new Map<string, { readonly first: RunId; runs: number }>();
  let seen = 0;
  return {
    async see(run) {
      if (run.status !== "queued") seen++;
      const by = await degradedBy(events, run);
      for (const what of new Set(by.map(({ agent, code }) => `${agent}: ${code}`))) {
        const fall = falls.get(what);
        if (fall) fall.runs++;
        else falls.set(what, { first: run.runId, runs: 1 });
      }
      return by;
    },
    tell() {
      const isBreaker = (what: string) => Number(what.endsWith(": BREAKER_OPEN"));
      for (const [what, { first, runs }] of [...falls].sort(([one], [other]) => isBreaker(one) - isBreaker(other))) {
        const who = seen === 1 ? "The run" : `${runs} of ${seen} runs`;
        const more = `(${commandLine(settings, "inspect", shortId(first))} tells more)`;
        tell(`${paintErr.yellow(`${who} fell to a lower tier: ${what}`)} ${more}`);
      }
    },
  };
}

/** A fork's history begins with that of another run. What is damaged tells nothing; `verify` is for that. */
async function historyOf(events: Events, runId: RunId): Promise<readonly RunEvent[]> {
  const own = await events.list(runId).catch((thrown: unknown) => {
    if (isWalkbackError(thrown) && thrown.code === "STORE_DAMAGED") return [];
    throw thrown;
  });
  const from = own.flatMap((event) => (event.type === "run.accepted" && event.forkedFrom ? [event.forkedFrom] : []))[0];
  return from ? [...upTo(from.version, await historyOf(events, from.runId)), ...own] : own;
}

function upTo(version: number, events: readonly RunEvent[]): readonly RunEvent[] {
  return events.slice(0, 1 + events.findIndex((event) => event.type === "agent.completed" && event.version === version));
}

function fallOf(event: RunEvent): readonly DegradedBy[] {
  if (event.type !== "agent.degraded") return [];
  return [{ agent: event.agent.replace(/\[\d+\]$/, ""), tier: event.from, code: event.failure.code }];
}
