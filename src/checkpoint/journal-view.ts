import type { Failure } from "../contracts/failure.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { Remaining, Undone } from "../contracts/run.js";
import type { JournalEntry, JournalPhase } from "./ports.js";

/** What is known of one effect of a run, folded from its journal entries. */
export interface EffectRecord {
  readonly key: string;
  readonly agent: string;
  readonly effect: string;
  readonly identity: string;
  readonly generation: number;
  /** `tried`: it was sent and its answer was an error or is not known. `refused`: the other side said no, so it did not happen. */
  readonly status: "tried" | "refused" | "performed" | "undone" | "settled";
  readonly args: JsonValue;
  /** Of the agent's work; `undoRound` goes by it. */
  readonly round: number;
  /** The tier that did it, where the agent has tiers. */
  readonly tier: string | undefined;
  readonly receipt: JsonValue | undefined;
  /** Place of its last forward entry in the journal; the walk-back goes from the highest down. */
  readonly place: number;
  readonly undoFailure: Failure | undefined;
  /** How often its undo failed for good. */
  readonly undoFailures: number;
  readonly settlement: { readonly decision: "skip" | "done"; readonly reason?: string } | undefined;
}

/** What can happen once per key; a repeat changes nothing. */
export const ONCE: ReadonlySet<JournalPhase> = new Set(["recorded", "intended", "performed", "undone", "settled"]);

/** The body of an `intended` entry. */
export interface IntendedBody {
  readonly args: JsonValue;
  readonly round: number;
  readonly tier?: string | undefined;
}

/** The body of a `failed` entry. */
export interface FailedBody extends Failure {
  /** The other side said no, and nothing was sent under this key before whose answer is not known. */
  readonly refused?: true;
}

/** Pure: the same entries always give the same picture. Keyed by idempotency key, in the order of their intents. */
export function foldJournal(entries: readonly JournalEntry[]): ReadonlyMap<string, EffectRecord> {
  const records = new Map<string, EffectRecord>();
  for (const [place, entry] of entries.entries()) {
    const next = evolve(records.get(entry.key), entry, place);
    if (next) records.set(entry.key, next);
  }
  return records;
}

export function evolve(record: EffectRecord | undefined, entry: JournalEntry, place: number): EffectRecord | undefined {
  if (!record) return entry.phase === "intended" ? intended(entry, place) : undefined; // a journal starts every effect with its intent
  switch (entry.phase) {
    case "intended":
    case "recorded":
      return record;
    case "performed":
      return { ...record, status: "performed", receipt: entry.body, place };
    case "failed":
      return { ...record, status: wasRefused(entry.body) ? "refused" : record.status, place };
    case "undo-intended":
      return { ...record, undoFailure: undefined };
    case "undone":
      return { ...record, status: "undone", undoFailure: undefined };
    case "undo-failed":
      return { ...record, undoFailure: entry.body as unknown as Failure, undoFailures: record.undoFailures + 1 }; // written by `undoEffect` from a Failure
    case "settled":
      return {
        ...record,
        status: "settled",
        undoFailure: undefined,
        settlement: entry.body as EffectRecord["settlement"],
      };
  }
}

function wasRefused(body: JsonValue): boolean {
  return (body as unknown as FailedBody | null)?.refused === true; // written by `perform`
}

function intended(entry: JournalEntry, place: number): EffectRecord {
  const { key, agent, effect, identity, generation } = entry;
  const { args, round, tier } = entry.body as unknown as IntendedBody; // written by `perform`, the only writer of intents
  return {
    key,
    agent,
    effect,
    identity,
    generation,
    status: "tried",
    args,
    round,
    tier,
    receipt: undefined,
    place,
    undoFailure: undefined,
    undoFailures: 0,
    settlement: undefined,
  };
}

/** What calls without a side effect answered, by key. */
export function recordedCalls(entries: readonly JournalEntry[]): [string, JsonValue][] {
  return entries.flatMap(({ phase, key, body }) => (phase === "recorded" ? [[key, (body as { readonly result: JsonValue }).result]] : []));
}

/** What still stands outside, newest first. */
export function standing(records: Iterable<EffectRecord>): EffectRecord[] {
  return [...records].filter(({ status }) => status === "tried" || status === "performed").sort((a, b) => b.place - a.place);
}

/** What no longer stands, in the order in which it was undone or settled. */
export function undoneOf(entries: readonly JournalEntry[]): Undone[] {
  return entries.flatMap(({ phase, key, agent, effect, identity, body }): Undone[] => {
    if (phase === "undone") return [{ key, agent, effect, identity, outcome: "undone" }];
    if (phase !== "settled") return [];
    const { decision, reason } = body as { readonly decision: "skip" | "done"; readonly reason?: string };
    return [
      {
        key,
        agent,
        effect,
        identity,
        outcome: decision === "skip" ? "skipped" : "done-by-human",
        ...(reason === undefined ? {} : { reason }),
      },
    ];
  });
}

/** What a human must settle: effects whose undo failed, newest first. */
export function remainingOf(records: Iterable<EffectRecord>): Remaining[] {
  return standing(records).flatMap(({ key, agent, effect, identity, undoFailure }) =>
    undoFailure ? [{ key, agent, effect, identity, failure: undoFailure }] : [],
  );
}
