import type { RunEvent, RunEventBody } from "../../contracts/event.js";
import type { RunId } from "../../contracts/ids.js";
import type { EventLog } from "../ports.js";
import type { Ground } from "./ground.js";
import type { RunRow } from "./run-rows.js";
import { damaged, sumOf } from "./sums.js";

export interface EventRow {
  readonly run_id: string;
  readonly place: number;
  readonly type: string;
  readonly body: string;
  readonly at: string;
  readonly sum: number;
}

export function eventLog(ground: Ground): EventLog {
  const { database, writer, rows, path } = ground;
  const insert = insertEvent(ground);
  const select = database.prepare<[string], EventRow>("SELECT * FROM events WHERE run_id = ? ORDER BY place");
  return {
    emit({ runId, at, type, ...body }, epoch) {
      writer.enqueue(() => {
        const run = rows.find(runId);
        // An event of a process that has lost the run says nothing about the run any more.
        if (run?.epoch === epoch) insert(run, { type, body: JSON.stringify(body), at });
      });
    },
    async list(runId) {
      const found = select.all(runId);
      const broken = firstBrokenEvent(rows.find(runId), found);
      if (broken !== undefined) throw damaged({ path, where: "events", runId }, `event ${broken} is missing or not what was written`);
      return found.map(eventOf);
    },
  };
}

/** Inside a transaction. */
function insertEvent({ database, rows }: Pick<Ground, "database" | "rows">) {
  const insert = database.prepare("INSERT INTO events (run_id, place, type, body, at, sum) VALUES (?, ?, ?, ?, ?, ?)");
  return (run: RunRow, { type, body, at }: Pick<EventRow, "type" | "body" | "at">): void => {
    const columns = [run.run_id, run.events, type, body, at] as const;
    insert.run(...columns, sumOf(...columns));
    rows.count(run, "events");
  };
}

export function firstBrokenEvent(run: Pick<RunRow, "events"> | undefined, found: readonly EventRow[]): number | undefined {
  const broken = found.findIndex(
    ({ run_id, place, type, body, at, sum }, index) => place !== index || sum !== sumOf(run_id, place, type, body, at),
  );
  if (broken >= 0) return broken;
  return found.length === (run?.events ?? 0) ? undefined : found.length;
}

/** The row was written from a RunEvent. */
function eventOf({ run_id, at, type, body }: EventRow): RunEvent {
  return { ...(JSON.parse(body) as object), type, runId: run_id as RunId, at } as RunEventBody & RunEvent;
}
