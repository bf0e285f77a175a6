import type { RunEvent, RunEventBody } from "../../contracts/event.js";
import type { RunId } from "../../contracts/ids.js";
import type { EventLog } from "../ports.js";
import type { Ground } from "./ground.js";
import { pagesOf } from "./pages.js";
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
  const since = pagesOf<EventRow>(ground, "events", "at >= ? AND type IN (SELECT value FROM json_each(?))");
  const select = database.prepare<[string], EventRow>("SELECT * FROM events WHERE run_id = ? ORDER BY place");
  return {
    emit(event, epoch) {
      writer.enqueue(() => {
        const run = rows.find(event.runId);
        // An event of a process that has lost the run says nothing about the run any more.
        if (run?.epoch === epoch) insert(run, rowOfEvent(event));
      });
    },
    async list(runId) {
      const found = select.all(runId);
      const broken = firstBrokenEvent(rows.find(runId), found);
      if (broken !== undefined) throw damaged({ path, where: "events", runId }, `event ${broken} is missing or not what was written`);
      return found.map(eventOf);
    },
    async *since<Type extends RunEvent["type"]>(at: string, types: readonly Type[]) {
      for await (const row of since(at, JSON.stringify(types))) {
        if (!isWhole(row))
          throw damaged({ path, where: "events", runId: row.run_id as RunId }, `event ${row.place} is not what was written`);
        yield eventOf(row) as RunEvent & { readonly type: Type }; // as it was asked for
      }
    },
  };
}

/** Inside a transaction. */
export function insertEvent({ database, rows }: Pick<Ground, "database" | "rows">) {
  const insert = database.prepare("INSERT INTO events (run_id, place, type, body, at, sum) VALUES (?, ?, ?, ?, ?, ?)");
  return (run: RunRow, { type, body, at }: Pick<EventRow, "type" | "body" | "at">): void => {
    const columns = [run.run_id, run.events, type, body, at] as const;
    insert.run(...columns, sumOf(...columns));
    rows.count(run, "events");
  };
}

export function firstBrokenEvent(run: Pick<RunRow, "events"> | undefined, found: readonly EventRow[]): number | undefined {
  const broken = found.findIndex((row, index) => row.place !== index || !isWhole(row));
  if (broken >= 0) return broken;
  return found.length === (run?.events ?? 0) ? undefined : found.length;
}

function isWhole({ run_id, place, type, body, at, sum }: EventRow): boolean {
  return sum === sumOf(run_id, place, type, body, at);
}

export function rowOfEvent({ runId: _, at, type, ...body }: RunEvent): Pick<EventRow, "type" | "body" | "at"> {
  return { type, body: JSON.stringify(body), at };
}

/** The row was written from a RunEvent. */
function eventOf({ run_id, at, type, body }: EventRow): RunEvent {
  return { ...(JSON.parse(body) as object), type, runId: run_id as RunId, at } as RunEventBody & RunEvent;
}
