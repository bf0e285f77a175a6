import { randomUUID } from "node:crypto";
import { type Fence, type NewVersion, type RunId, type Sealed, type Store, seal, sqliteStore } from "walkback";
import type { Answers } from "./credit.js";
import { inFlight } from "./measure.js";

/** A store with a past. */
export interface Filled {
  readonly store: Store;
  /** Of the ordinary runs. */
  readonly runIds: readonly RunId[];
  /** A run of 1,000 versions. */
  readonly longRun: RunId;
}

/** Of versions. */
export const LONG_RUN = 1_000;
const WAITING = 3;
/** Writes that share a transaction. */
const AT_ONCE = 500;

const AT = "2026-11-02T08:00:00.000Z";
/** An agent, its contract, and what it makes its version of. */
const STEPS = [
  ["calculate-score", "credit.score@1", "score", [0]],
  ["verify-income", "credit.income@1", "income", [0]],
  ["detect-fraud", "credit.fraud@1", "fraud", [0]],
  ["assess-risk", "credit.risk@1", "risk", [0, 1, 2]],
  ["decide-credit", "credit.decision@2", "decision", [0, 1, 2, 3, 4]],
] as const;

/** Writes runs that have ended, a few that wait for a human, and a long one through the store's port, as the orchestrator would. */
export async function fill(file: string, runs: number, answers: Answers, progress: (text: string) => void): Promise<Filled> {
  progress(`filling a store with ${runs} runs`);
  const store = sqliteStore(file);
  const documents = Object.fromEntries(Object.entries(answers).map(([name, answer]) => [name, seal(answer)])) as Documents;
  const runIds: RunId[] = [];
  const longRun = (await accept(store, documents)).runId;
  await inFlight(LONG_RUN - 1, AT_ONCE, (round) => store.versions.append(versionOf({ runId: longRun, epoch: 1 }, documents, 0, round)));
  await inFlight(runs, AT_ONCE, async (index) => {
    const fence = await accept(store, documents);
    await carry(store, fence, documents);
    await store.runs.change(
      fence,
      index < WAITING ? { status: "waiting", failure: undefined } : { status: "completed", endedAt: AT, outputVersion: STEPS.length },
    );
    runIds.push(fence.runId);
  });
  return { store, runIds, longRun };
}

type Documents = Readonly<Record<keyof Answers, Sealed>>;

async function accept(store: Store, { application }: Documents): Promise<Fence> {
  const runId = randomUUID() as RunId;
  const accepted = await store.runs.accept({
    runId,
    workflow: "credit-decision",
    workflowVersion: 1,
    acceptedAt: AT,
    contract: "credit.application@1",
    input: application,
    holder: "bench",
    until: AT,
    idempotencyKey: undefined,
    program: undefined,
  });
  if (accepted.kind !== "accepted") throw new Error(`Run ${runId} is not new.`);
  return accepted.lease;
}

async function carry(store: Store, fence: Fence, documents: Documents): Promise<void> {
  for (const [step, [agent]] of STEPS.entries()) {
    store.events.emit({ runId: fence.runId, at: AT, type: "agent.started", agent, round: 0 }, fence.epoch);
    await store.versions.append(versionOf(fence, documents, step, 0));
    store.events.emit({ runId: fence.runId, at: AT, type: "agent.started", agent, round: 1 }, fence.epoch);
  }
  const key = `${fence.runId}/decide-credit/send-letter/${fence.runId}/0`;
  const effect = { ...fence, key, agent: "decide-credit", effect: "send-letter", identity: fence.runId, generation: 0, at: AT };
  await store.journal.append({ ...effect, phase: "intended", body: { args: { applicationId: fence.runId }, round: 0 } });
  await store.journal.append({ ...effect, phase: "performed", body: { receipt: { sent: true } } });
}

function versionOf({ runId, epoch }: Fence, documents: Documents, step: number, round: number): NewVersion {
  const [agent, contract, document, parents] = STEPS[step] ?? STEPS[0];
  const common = { runId, epoch, agentVersion: 1, round, source: "agent", at: AT } as const;
  return { ...common, agent, contract, parents, inputHash: `${runId}/${agent}`, data: documents[document] };
}
