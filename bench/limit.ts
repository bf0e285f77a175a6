import { randomUUID } from "node:crypto";
import { type RunId, seal, sqliteStore } from "walkback";
import type { CreditScore } from "walkback/workflows/credit-decision";
import { type Benchmark, type Effort, type Figure, part } from "./benchmark.js";
import { recordAnswers } from "./credit.js";
import { aFolder } from "./folder.js";
import { type Cost, compare, inFlight, inPairs, type Meter, stopwatch } from "./measure.js";
import { durableDatabase } from "./savers.js";

const AT = "2026-11-02T08:00:00.000Z";

/** How many rows there are, and how many share an fsync. */
interface Appends {
  readonly rows: number;
  readonly atOnce: number;
}

/** What SQLite and the disk allow: rows of the same size, so many to a transaction, without hashes, fences or promises. */
export const limit: Benchmark = {
  name: "limit",
  description: "Versions appended by 50 runs at a time, and by one, against as many bare inserts to a transaction and fsync.",
  settings: (effort) =>
    `${loads(effort)
      .map(({ rows, atOnce }) => `${rows} appends, ${atOnce} at a time`)
      .join("; ")}; synchronous=FULL on both sides`,
  async measure(effort, progress) {
    const { score } = await recordAnswers();
    const figures: Figure[] = [];
    for (const appends of loads(effort)) {
      const pairs = await inPairs({
        pairs: effort.pairs,
        ours: () => appendVersions(score, appends, stopwatch),
        peer: () => insertRows(score, appends, stopwatch),
        progress: (text) => progress(`${appends.atOnce} at a time: ${text}`),
      });
      const comparison = compare(pairs, ({ ms }) => (appends.rows * 1_000) / ms);
      figures.push({ ...comparison, what: `appends, ${appends.atOnce} at a time`, unit: "rows/s", peerName: "bare better-sqlite3" });
    }
    return figures;
  },
  async profile(effort, meter) {
    const { score } = await recordAnswers();
    await appendVersions(score, together(effort), stopwatch);
    await appendVersions(score, together(effort), meter);
  },
};

function together(effort: Effort): Appends {
  return { rows: part(effort, 10_000, 2_000), atOnce: 50 };
}

function loads(effort: Effort): readonly Appends[] {
  return [together(effort), { rows: part(effort, 1_000, 100), atOnce: 1 }];
}

async function appendVersions(score: CreditScore, { rows, atOnce }: Appends, meter: Meter): Promise<Cost> {
  await using folder = await aFolder();
  const store = sqliteStore(folder.file("store.db"));
  const data = seal(score);
  const runIds = Array.from({ length: atOnce }, () => randomUUID() as RunId);
  const run = { workflow: "limit", workflowVersion: 1, acceptedAt: AT, contract: "credit.score@1", holder: "bench", until: AT } as const;
  for (const runId of runIds) await store.runs.accept({ ...run, runId, input: data, idempotencyKey: undefined, program: undefined });
  const version = { epoch: 1, agent: "calculate-score", agentVersion: 1, contract: "credit.score@1", source: "agent" } as const;
  const cost = await meter(() =>
    inFlight(rows, atOnce, (index) => {
      const runId = runIds[index % atOnce] as RunId; // there are as many as are at work at once
      return store.versions.append({ ...version, runId, round: index, parents: [0], inputHash: data.hash, data, at: AT });
    }),
  );
  await store.close();
  return cost;
}

async function insertRows(score: CreditScore, { rows, atOnce }: Appends, meter: Meter): Promise<Cost> {
  await using folder = await aFolder();
  const database = durableDatabase(folder.file("rows.db"));
  database.exec(
    "CREATE TABLE rows (run_id TEXT NOT NULL, number INTEGER NOT NULL, hash TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (run_id, number)) STRICT",
  );
  const insert = database.prepare("INSERT INTO rows VALUES (?, ?, ?, ?)");
  const { json, hash } = seal(score);
  const runIds = Array.from({ length: atOnce }, () => randomUUID());
  const commit = database.transaction((number: number) => {
    for (const runId of runIds) insert.run(runId, number, hash, json);
  });
  const cost = await meter(async () => {
    for (let number = 0; number < rows / atOnce; number++) commit.immediate(number);
  });
  database.close();
  return cost;
}
