import type { RunId } from "../../contracts/ids.js";
import type { JsonValue } from "../../contracts/json-value.js";
import { CHAIN_START, entryHash } from "../chain.js";
import { ONCE } from "../journal-view.js";
import type { EffectJournal, JournalEntry, JournalPhase } from "../ports.js";
import type { Ground } from "./ground.js";
import type { RunRow } from "./run-rows.js";
import { damaged } from "./sums.js";

export interface JournalRow {
  readonly run_id: string;
  readonly place: number;
  readonly key: string;
  readonly phase: JournalPhase;
  readonly agent: string;
  readonly effect: string;
  readonly identity: string;
  readonly generation: number;
  readonly body: string;
  readonly epoch: number;
  readonly at: string;
  readonly hash: string;
}

export function effectJournal(ground: Ground): EffectJournal {
  const { database, writer, rows, path } = ground;
  const known = database.prepare<[string, string]>("SELECT 1 FROM journal WHERE key = ? AND phase = ?");
  const select = database.prepare<[string], JournalRow>("SELECT * FROM journal WHERE run_id = ? ORDER BY place");
  const insert = insertEntry(ground);
  return {
    append: (entry) =>
      writer.write(() => {
        const run = rows.held(entry, { unended: true });
        if (ONCE.has(entry.phase) && known.get(entry.key, entry.phase)) return;
        insert(run, { ...entry, body: JSON.stringify(entry.body) });
      }),
    async list(runId) {
      const found = select.all(runId);
      const run = rows.find(runId);
      const broken = run ? firstBrokenEntry(run, found) : found.length > 0 ? 0 : undefined;
      if (broken !== undefined) throw damaged({ path, where: "journal", runId }, `the journal does not hold at entry ${broken}`);
      return found.map(entryOf);
    },
  };
}

/** Appends to the run's journal; inside a transaction. */
export function insertEntry({ database, rows }: Pick<Ground, "database" | "rows">) {
  const insert = database.prepare(
    `INSERT INTO journal (run_id, place, key, phase, agent, effect, identity, generation, body, epoch, at, hash)
     VALUES (@runId, @place, @key, @phase, @agent, @effect, @identity, @generation, @body, @epoch, @at, @hash)`,
  );
  return (run: RunRow, entry: Omit<JournalEntry, "body"> & { readonly body: string }): void => {
    const placed = { ...entry, place: run.journal };
    const hash = entryHash(placed, run.journal_head);
    insert.run({ ...placed, hash });
    rows.change(run, { journal: run.journal + 1, journal_head: hash });
  };
}

/** The place of the first entry that is not what was written, or at which one is missing. */
export function firstBrokenEntry(run: Pick<RunRow, "journal" | "journal_head">, found: readonly JournalRow[]): number | undefined {
  let previous = CHAIN_START;
  for (const [index, row] of found.entries()) {
    const { run_id, hash, ...entry } = row;
    if (row.place !== index || hash !== entryHash({ ...entry, runId: run_id as RunId }, previous)) return index;
    previous = hash;
  }
  if (found.length !== run.journal || previous !== run.journal_head) return Math.min(found.length, run.journal);
  return undefined;
}

function entryOf({ run_id, key, phase, agent, effect, identity, generation, body, epoch, at }: JournalRow): JournalEntry {
  const runId = run_id as RunId;
  return { runId, epoch, key, phase, agent, effect, identity, generation, body: JSON.parse(body) as JsonValue, at };
}
