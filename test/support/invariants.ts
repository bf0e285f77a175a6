import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import SqliteDatabase from "better-sqlite3";
import {
  type EffectRecord,
  isTerminal,
  type JournalEntry,
  type RunId,
  type RunRecord,
  type Store,
  sqliteStore,
  type Version,
} from "walkback";
import { foldJournal, standing } from "../../src/checkpoint/journal-view.js";

/** What the world outside says about itself. Keys begin with the id of the run they belong to. */
export interface OutsideWorld {
  /** The keys under which something stands, once for each time it was done. */
  standing(): readonly string[];
  /** Every call, in the order in which it came. `caller` names the process that made it. */
  calls(): readonly { readonly key: string; readonly action: string; readonly outcome: string; readonly caller: string }[];
}

export interface Scene {
  /** The store's file; nobody writes to it while it is checked. */
  readonly storeFile: string;
  readonly world: OutsideWorld;
  /** The runs somebody was told had been accepted. */
  readonly accepted: readonly string[];
  /** The runs somebody tried to start. */
  readonly attempted: readonly string[];
  /** A secret that the program knows and that must be written nowhere. */
  readonly secret?: string;
  /** How the store tells what it holds. With this a test shows the checks what no chain or seal would let through. */
  readonly retell?: (store: Store) => Store;
}

export type Invariant = "I1" | "I2" | "I3" | "I4" | "I6" | "I7" | "I8" | "I11" | "I12";

export interface Violation {
  readonly invariant: Invariant;
  readonly run: string;
  readonly what: string;
}

/**
 * Holds a store and the world outside against the invariants, once the faults have stopped and every run was carried on.
 * An empty list is good news; a store that refuses to be read is bad news like any other. The work of a `compensate` (keys that
 * end in `/work`) is the agent's own: it is not in the journal under a key of its own, so I2 does not apply to it.
 */
export async function violations(scene: Scene): Promise<readonly Violation[]> {
  return [...leaks(scene), ...onlyOnce(scene), ...(await unlessDamaged("I6", "", () => ofStore(scene)))];
}

async function ofStore(scene: Scene): Promise<Violation[]> {
  const opened = sqliteStore(scene.storeFile);
  try {
    const store = scene.retell?.(opened) ?? opened;
    const found = [...(await damage(store)), ...refusals(scene.storeFile)];
    return [...found, ...(await unlessDamaged("I6", "", () => ofRuns(scene, store)))];
  } finally {
    await opened.close();
  }
}

async function ofRuns(scene: Scene, store: Store): Promise<Violation[]> {
  const records = await store.runs.list({ limit: 1_000_000 });
  const found = [...acceptance(scene, records), ...strangers(scene, records)];
  for (const record of records) found.push(...(await unlessDamaged("I7", record.runId, () => ofRun(scene, store, record))));
  return found;
}

const DAMAGE = /^(STORE_DAMAGED|STORE_FAILED|SQLITE_CORRUPT|SQLITE_NOTADB)/;

async function unlessDamaged(invariant: Invariant, run: string, look: () => Promise<Violation[]>): Promise<Violation[]> {
  try {
    return await look();
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && DAMAGE.test(String(thrown.code)))) throw thrown;
    return [{ invariant, run, what: `the store refuses to be read: ${thrown.message}` }];
  }
}

/** What the checks of one run look at. */
interface Evidence {
  readonly record: RunRecord;
  readonly versions: readonly Version[];
  readonly journal: readonly JournalEntry[];
  readonly effects: ReadonlyMap<string, EffectRecord>;
  readonly standing: readonly string[];
  readonly calls: ReturnType<OutsideWorld["calls"]>;
}

type Finding = Omit<Violation, "run">;

async function ofRun({ world }: Scene, store: Store, record: RunRecord): Promise<Violation[]> {
  const { runId } = record;
  const journal = await store.journal.list(runId);
  const evidence: Evidence = {
    record,
    versions: await store.versions.list(runId),
    journal,
    effects: foldJournal(journal),
    standing: world.standing().filter((key) => belongsTo(runId, key)),
    calls: world.calls().filter(({ key }) => belongsTo(runId, key)),
  };
  const named = JSON.stringify(await store.runs.openQuestions(runId));
  const findings = [
    ...unreceipted(evidence, named),
    ...unfinished(evidence, named),
    ...leftBehind(evidence),
    ...gaps(evidence),
    ...order(evidence),
    ...writers(evidence),
    ...(await state(store, evidence)),
  ];
  return findings.map((finding) => ({ ...finding, run: runId }));
}

/** I1: nothing was done twice under one key. */
function onlyOnce({ world }: Scene): Violation[] {
  const times = new Map<string, number>();
  for (const { key, action, outcome } of world.calls())
    if (action === "perform" && outcome === "applied") times.set(key, (times.get(key) ?? 0) + 1);
  const again = [...times].filter(([key, count]) => count > 1 && !isOwnWork(key));
  return again.map(([key, count]) => ({ invariant: "I1", run: runOf(key), what: `${key} was applied ${count} times` }));
}

/** I2: whatever was done has a receipt, was undone, or is what the run asks a human about. */
function unreceipted({ record, effects, standing: keys }: Evidence, named: string): Finding[] {
  return keys
    .filter((key) => !isOwnWork(key))
    .filter((key) => {
      const known = effects.get(key);
      if (known?.status === "performed" || known?.status === "settled") return false;
      return record.status !== "parked" || !named.includes(JSON.stringify(key).slice(1, -1));
    })
    .map((key) => ({ invariant: "I2", what: `${key} stands outside, but the journal says ${effects.get(key)?.status ?? "nothing"}` }));
}

/** I3: every run has ended, or waits for a human who can see what for. */
function unfinished({ record }: Evidence, named: string): Finding[] {
  const { status } = record;
  if (isTerminal(status)) return [];
  const asks = (status === "waiting" || status === "parked") && named !== "[]";
  return asks ? [] : [{ invariant: "I3", what: `the run is ${status} and asks ${named === "[]" ? "nobody" : named}` }];
}

/** I4: a run that went back has left nothing outside; one that completed has left exactly what its journal says. */
function leftBehind({ record, effects, standing: keys }: Evidence): Finding[] {
  const skipped = (key: string) => effects.get(key)?.settlement?.decision === "skip";
  if (record.status === "completed") {
    const missing = [...effects.values()].filter(
      ({ key, effect, status }) => effect !== "work" && status === "performed" && !keys.includes(key),
    );
    return missing.map(({ key }) => ({ invariant: "I4", what: `the run completed, but ${key} does not stand outside` }));
  }
  if (record.status !== "rolled-back" && record.status !== "canceled") return [];
  const left = keys.filter((key) => !skipped(key)).map((key) => `${key} still stands outside`);
  const open = standing(effects.values()).map(({ key, status }) => `${key} is ${status} in the journal`);
  return [...left, ...open].map((what) => ({ invariant: "I4", what: `the run is ${record.status}, but ${what}` }));
}

/** I6: no version is missing. */
function gaps({ versions }: Evidence): Finding[] {
  const gap = versions.findIndex(({ number }, index) => number !== index);
  return [
    ...(versions.length === 0 ? [{ invariant: "I6", what: "the run has no version 0" } as const] : []),
    ...(gap === -1 ? [] : [{ invariant: "I6", what: `version ${gap} is missing` } as const]),
  ];
}

/** I6: every chain, seal and sum holds, and the anchor has seen nothing that is not there. */
async function damage(store: Store): Promise<Violation[]> {
  const { problems } = await store.verify();
  return problems.map(({ where, runId, message }) => ({ invariant: "I6", run: runId ?? "", what: `${where}: ${message}` }));
}

const INSERT_ONLY = ["versions", "failed_steps", "journal", "events", "contents"];

/** I6: the store refuses to change or remove what it remembers. */
function refusals(storeFile: string): Violation[] {
  const database = new SqliteDatabase(storeFile);
  database.pragma("foreign_keys = OFF"); // not they are to refuse it
  const isRefused = (statement: string) => {
    try {
      database.exec(`BEGIN; ${statement}; ROLLBACK`);
      return false;
    } catch {
      if (database.inTransaction) database.exec("ROLLBACK");
      return true;
    }
  };
  try {
    const statements = INSERT_ONLY.filter((table) => database.prepare(`SELECT 1 FROM ${table} LIMIT 1`).get() !== undefined).flatMap(
      (table) => [`UPDATE ${table} SET rowid = rowid`, `DELETE FROM ${table}`],
    );
    return statements
      .filter((statement) => !isRefused(statement))
      .map((what) => ({ invariant: "I6", run: "", what: `the store allowed: ${what}` }));
  } finally {
    database.close();
  }
}

/** I7: the graph's state says nothing that is not in the log, and an ended run's row neither. */
async function state(store: Store, { record, versions, effects }: Evidence): Promise<Finding[]> {
  const findings: string[] = [];
  const { status, outputVersion } = record;
  if (status === "completed" && versions[outputVersion ?? -1] === undefined) findings.push("the run completed without an output");
  if ((status === "rolled-back" || status === "canceled") && !record.failure) findings.push(`the run is ${status} without a failure`);
  const tuple = await store.checkpointer.getTuple({ configurable: { thread_id: record.runId } });
  const channels = tuple?.checkpoint.channel_values ?? {};
  const heads = Object.values((channels["versions"] ?? {}) as Record<string, Version>);
  for (const head of heads) {
    const logged = versions[head.number];
    if (logged?.hash !== head.hash) findings.push(`the state's version ${head.number} is not the one in the log`);
  }
  // Keyed by number, so later ones come later and win.
  for (const [contract, last] of new Map(heads.map((head) => [contractOf(head), head.number])))
    if (!isDeepStrictEqual(channels[contract], versions[last]?.data)) findings.push(`the state's ${contract} is not version ${last}`);
  for (const key of Object.keys((channels["undone"] ?? {}) as object)) {
    const is = effects.get(key)?.status;
    if (is !== "undone" && is !== "settled") findings.push(`the state takes ${key} for undone, the journal says ${is}`);
  }
  return findings.map((what) => ({ invariant: "I7", what }));
}

/** I7: every effect's entries make a story: intended, then performed or not, then undone at most once. */
function order({ journal }: Evidence): Finding[] {
  const last = new Map<string, string>();
  const findings: Finding[] = [];
  for (const { key, phase } of journal) {
    const before = last.get(key) ?? "nothing";
    if (!(MAY_FOLLOW[phase] ?? []).includes(before)) findings.push({ invariant: "I7", what: `${key} was ${phase} after ${before}` });
    last.set(key, phase);
  }
  return findings;
}

const TRIED = ["intended", "failed", "performed"];
const WALKED = ["undo-intended", "undo-failed"];
const MAY_FOLLOW: Readonly<Record<string, readonly string[]>> = {
  recorded: ["nothing"],
  intended: ["nothing"],
  performed: ["intended", "failed"],
  failed: ["intended", "failed"],
  "undo-intended": [...TRIED, ...WALKED],
  "undo-failed": [...TRIED, ...WALKED],
  undone: [...WALKED, "intended", "failed"], // without an undo when a human knows that it never happened
  settled: WALKED,
};

/** I8: nobody writes under an epoch that has passed, and nobody comes back once another has called. */
function writers({ journal, calls }: Evidence): Finding[] {
  const back = journal.find(({ epoch }, index) => epoch < (journal[index - 1]?.epoch ?? 0));
  const callers = calls.map(({ caller }) => caller).filter((caller, index, all) => caller !== all[index - 1]);
  const returned = callers.find((caller, index) => callers.indexOf(caller) < index);
  return [
    ...(back ? [{ invariant: "I8", what: `epoch ${back.epoch} wrote ${back.phase} of ${back.key} after a later one` } as const] : []),
    ...(returned === undefined ? [] : [{ invariant: "I8", what: `${returned} called outside again after it had been overtaken` } as const]),
  ];
}

/** I11: a secret is in none of the store's files. */
function leaks({ storeFile, secret }: Scene): Violation[] {
  if (secret === undefined) return [];
  const holds = (file: string) => {
    try {
      return readFileSync(file).includes(secret);
    } catch {
      return false; // there need not be a write-ahead log
    }
  };
  const files = [storeFile, `${storeFile}-wal`].filter(holds);
  return files.map((file) => ({ invariant: "I11", run: "", what: `the secret stands in ${file}` }));
}

/** I12: every run that was accepted is there, and no other. */
function acceptance({ accepted, attempted }: Scene, records: readonly RunRecord[]): Violation[] {
  const rows = new Set<string>(records.map(({ runId }) => runId));
  const lost = accepted.filter((run) => !rows.has(run)).map((run) => ({ run, what: "the run was accepted and is gone" }));
  const extra = [...rows].filter((run) => !attempted.includes(run)).map((run) => ({ run, what: "nobody started this run" }));
  return [...lost, ...extra].map((finding) => ({ ...finding, invariant: "I12" }));
}

/** I2: nothing was done outside on behalf of a run that is not there. */
function strangers({ world }: Scene, records: readonly RunRecord[]): Violation[] {
  const rows = new Set<string>(records.map(({ runId }) => runId));
  const unknown = world.standing().filter((key) => !rows.has(runOf(key)));
  return unknown.map((key) => ({ invariant: "I2", run: runOf(key), what: `${key} stands outside, but its run is not in the store` }));
}

function runOf(key: string): RunId {
  return key.slice(0, key.indexOf("/")) as RunId;
}

function belongsTo(runId: string, key: string): boolean {
  return key.startsWith(`${runId}/`);
}

function isOwnWork(key: string): boolean {
  return key.endsWith("/work");
}

function contractOf({ contract }: { readonly contract: string }): string {
  return contract.slice(0, contract.lastIndexOf("@"));
}
