import { type Agent, type Tier, tiersOf } from "../agents/agent.js";
import { tierStep } from "../agents/tiers.js";
import { type EffectRecord, type FailedBody, foldJournal, recordedCalls } from "../checkpoint/journal-view.js";
import type { AnsweredQuestion, Outcome, RunRecord, Store, Version } from "../checkpoint/ports.js";
import type { RunEvent } from "../contracts/event.js";
import type { FAILURES, Failure, FailureCode } from "../contracts/failure.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { Question } from "../contracts/question.js";

/** What became of one round of a step's work, and when. */
export interface RecordedOutcome {
  readonly step: string;
  readonly round: number;
  /** In the order in which the outcomes came; a version's own number, a failure's between two of them. */
  readonly place: number;
  readonly outcome: Outcome;
}

/** All that is on record of a run and that a replay answers from. */
export interface RunOnRecord {
  readonly run: RunRecord;
  readonly versions: readonly Version[];
  /** By `roundKey`. */
  readonly outcomes: ReadonlyMap<string, RecordedOutcome>;
  /** In the order of their intents. */
  readonly effects: readonly EffectRecord[];
  /** Why an effect failed the last time it was tried, by key. */
  readonly failedEffects: ReadonlyMap<string, Failure>;
  /** What recorded calls answered, by key. */
  readonly calls: ReadonlyMap<string, JsonValue>;
  readonly answered: readonly AnsweredQuestion[];
  readonly open: readonly Question[];
  /** The tiers of a step that were asked and failed, in whichever round. */
  readonly fallen: ReadonlySet<string>;
  /** What a tier failed with in a round instead of an answer, by the name it has among the failed steps. */
  tierFailure(tierStep: string, round: number): Promise<Outcome | undefined>;
  /** Why the run failed, and which outcomes had come by then; undefined when it has not. */
  readonly failed: { readonly failure: Failure; readonly place: number } | undefined;
  /** When the work on a round was begun for the last time. */
  startedAt(step: string, round: number): Date;
  /** The attempt at a round that counted. */
  attempt(step: string, round: number): number;
}

export function roundKey(step: string, round: number): string {
  return `${step}#${round}`;
}

export async function readRecord(store: Store, run: RunRecord): Promise<RunOnRecord> {
  const { runId } = run;
  const versions = await store.versions.list(runId);
  const journal = await store.journal.list(runId);
  const events = await store.events.list(runId);
  const made = versions.slice(1).map(
    (version): RecordedOutcome => ({
      step: version.agent,
      round: version.round,
      place: version.number,
      outcome: { kind: "version", version },
    }),
  );
  const outcomes = [...made, ...(await failuresOf(store, run, versions, events))].sort((a, b) => a.place - b.place);
  // The gate may have refused a tier's answer afterwards.
  const answered = new Set(
    versions.flatMap(({ agent, tier, round }) => (tier === undefined ? [] : [roundKey(tierStep(agent, tier), round)])),
  );
  const failures = journal.filter(({ phase }) => phase === "failed").map(({ key, body }) => [key, failureIn(body)] as const);
  return {
    run,
    versions,
    outcomes: new Map(outcomes.map((outcome) => [roundKey(outcome.step, outcome.round), outcome])),
    effects: [...foldJournal(journal).values()],
    failedEffects: new Map(failures),
    calls: new Map(recordedCalls(journal)),
    answered: await store.runs.answered(runId),
    open: await store.runs.openQuestions(runId),
    fallen: new Set(events.flatMap(fallenTier)),
    tierFailure: async (step, round) => (answered.has(roundKey(step, round)) ? undefined : store.versions.outcome(runId, step, round)),
    failed: failureOf(run, events),
    ...timesOf(run, outcomes, events),
  };
}

function failureIn(body: JsonValue): Failure {
  const { refused: _, ...failure } = body as unknown as FailedBody; // written by `perform`
  return failure;
}

/** Failures that the answer of the agent itself decided, so that it will come to them again. Every other one came from outside. */
const OWN: ReadonlySet<FailureCode> = new Set([
  "AGENT_GAVE_UP",
  "INCOMPLETE",
  "CONTRACT_VIOLATED",
  "NOT_PLAIN_JSON",
  "DOCUMENT_TOO_LARGE",
  "EFFECT_UNDECLARED",
] satisfies (keyof typeof FAILURES)[]);

export function cameFromOutside({ code }: Failure): boolean {
  return !OWN.has(code);
}

function fallenTier(event: RunEvent): string[] {
  if (event.type === "agent.degraded") return [tierStep(event.agent, event.from)];
  return event.type === "agent.failed" && event.tier !== undefined ? [tierStep(event.agent, event.tier)] : [];
}

export function hasFallen({ fallen }: RunOnRecord, step: string): boolean {
  return [...fallen].some((tier) => tier.startsWith(tierStep(step, "")));
}

/** The tiers that a step asked in a round, or could have: one that was passed over then does not work now. */
export function tiersOnRecord({ outcomes, fallen }: RunOnRecord, agent: Agent, step: string, round: number): readonly Tier[] {
  const outcome = outcomes.get(roundKey(step, round))?.outcome;
  const answered = outcome?.kind === "version" ? outcome.version.tier : undefined;
  const asked = tiersOf(agent).filter(({ name }) => name === answered || fallen.has(tierStep(step, name)));
  return asked.length > 0 ? asked : tiersOf(agent);
}

/** A failed round has no number; its event says between which versions it came. */
async function failuresOf(store: Store, { runId }: RunRecord, versions: readonly Version[], events: readonly RunEvent[]) {
  const places = placesOf(events);
  const last = new Map<string, number>();
  const seen = (step: string, round: number) => last.set(step, Math.max(round, last.get(step) ?? 0));
  for (const { agent, round } of versions) seen(agent, round);
  for (const event of events) if (event.type === "agent.failed") seen(event.agent, event.round);
  const failures: RecordedOutcome[] = [];
  for (const [step, rounds] of last) {
    for (let round = 0; round <= rounds; round++) {
      const outcome = await store.versions.outcome(runId, step, round);
      if (outcome?.kind !== "failure") continue;
      const next = versions.find((version) => version.agent === step && version.round > round)?.number ?? versions.length;
      failures.push({ step, round, outcome, place: places.get(roundKey(step, round)) ?? next - HALF });
    }
  }
  return failures;
}

const HALF = 0.5;
/** Tells failures between the same two versions apart. */
const STEP = 1e-6;

function placesOf(events: readonly RunEvent[]): Map<string, number> {
  const places = new Map<string, number>();
  let number = 0;
  for (const [index, event] of events.entries()) {
    if (event.type === "agent.completed") number = Math.max(number, event.version);
    if (event.type === "agent.failed") places.set(roundKey(event.agent, event.round), number + HALF + index * STEP);
    if (event.type === "run.failed") places.set(RUN, number + HALF + index * STEP);
  }
  return places;
}

/** No step can be called that. */
const RUN = "";

function failureOf({ status, failure }: RunRecord, events: readonly RunEvent[]): RunOnRecord["failed"] {
  const told = events.find((event) => event.type === "run.failed");
  const place = placesOf(events).get(RUN);
  if (told && place !== undefined) return { failure: told.failure, place };
  const ended = status === "rolled-back" || status === "canceled";
  return ended && failure ? { failure, place: Number.POSITIVE_INFINITY } : undefined;
}

function timesOf(
  run: RunRecord,
  outcomes: readonly RecordedOutcome[],
  events: readonly RunEvent[],
): Pick<RunOnRecord, "startedAt" | "attempt"> {
  const started = new Map<string, string>();
  const attempts = new Map<string, number>();
  for (const { step, round, outcome } of outcomes) if (outcome.kind === "version") started.set(roundKey(step, round), outcome.version.at);
  for (const event of events) {
    if (event.type === "agent.started" || event.type === "agent.degraded") {
      started.set(roundKey(event.agent, event.round), event.at);
      attempts.set(roundKey(event.agent, event.round), 1);
    }
    if (event.type === "agent.attempt-failed") attempts.set(roundKey(event.agent, event.round), event.attempt + 1);
  }
  const last = events.at(-1)?.at ?? run.acceptedAt;
  return {
    startedAt: (step, round) => new Date(started.get(roundKey(step, round)) ?? last),
    attempt: (step, round) => attempts.get(roundKey(step, round)) ?? 1,
  };
}
