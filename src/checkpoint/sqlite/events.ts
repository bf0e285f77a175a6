import type { Database } from "better-sqlite3";
import type { RunEvent, RunEventBody } from "../../contracts/event.js";
import type { RunId } from "../../contracts/ids.js";
import type { EventLog } from "../ports.js";
import type { Writer } from "./writer.js";

interface Row {
  readonly run_id: string;
  readonly type: string;
  readonly body: string;
  readonly at: string;
}

export function eventLog(database: Database, writer: Writer): EventLog {
  const insert = database.prepare(
    // An event of a process that has lost the run says nothing about the run any more.
    "INSERT INTO events (run_id, type, body, at) SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM runs WHERE run_id = ? AND epoch = ?)",
  );
  const select = database.prepare<[string], Row>("SELECT run_id, type, body, at FROM events WHERE run_id = ? ORDER BY seq");
  return {
    emit({ runId, at, type, ...body }, epoch) {
      writer.enqueue(() => {
        insert.run(runId, type, JSON.stringify(body), at, runId, epoch);
      });
    },
    // The row was written from a RunEvent by `emit`, the table's only writer.
    list: async (runId) =>
      select
        .all(runId)
        .map(
          ({ run_id, at, type, body }) =>
            ({ ...(JSON.parse(body) as object), type, runId: run_id as RunId, at }) as RunEventBody & RunEvent,
        ),
  };
}
