import type { Database } from "better-sqlite3";
import type { RunId } from "../../contracts/ids.js";
import type { JsonValue } from "../../contracts/json-value.js";
import type { EffectJournal, JournalPhase } from "../ports.js";
import { fenceOf } from "./fence.js";
import type { Writer } from "./writer.js";

interface Row {
  readonly run_id: string;
  readonly key: string;
  readonly phase: JournalPhase;
  readonly agent: string;
  readonly effect: string;
  readonly identity: string;
  readonly generation: number;
  readonly body: string;
  readonly epoch: number;
  readonly at: string;
}

export function effectJournal(database: Database, writer: Writer): EffectJournal {
  // What can happen once per key (intended, performed, undone, settled) is written once; a repeat changes nothing.
  const insert = database.prepare(
    `INSERT INTO journal (run_id, key, phase, agent, effect, identity, generation, body, epoch, at)
     VALUES (@runId, @key, @phase, @agent, @effect, @identity, @generation, @body, @epoch, @at) ON CONFLICT DO NOTHING`,
  );
  const select = database.prepare<[string], Row>(
    "SELECT run_id, key, phase, agent, effect, identity, generation, body, epoch, at FROM journal WHERE run_id = ? ORDER BY seq",
  );
  const fence = fenceOf(database, { alsoEnded: false });
  return {
    append: (entry) =>
      writer.write(() => {
        fence(entry);
        insert.run({ ...entry, body: JSON.stringify(entry.body) });
      }),
    list: async (runId) =>
      select.all(runId).map(({ run_id, body, ...row }) => ({ ...row, runId: run_id as RunId, body: JSON.parse(body) as JsonValue })),
  };
}
