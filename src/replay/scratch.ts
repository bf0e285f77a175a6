import type { RunScope } from "../agents/scope.js";
import { isTierStep } from "../agents/tiers.js";
import type { Outcome, Store, Version } from "../checkpoint/ports.js";
import { type Sealed, seal } from "../contracts/json.js";
import type { Kit } from "../graph/kit.js";
import type { Conductor } from "./conductor.js";
import { hasFallen, type RecordedOutcome, type RunOnRecord, roundKey } from "./record.js";

export interface ScratchOptions {
  readonly onOutcome: (step: string, round: number, outcome: Outcome) => void;
  /** By the name of a step, or of one of its tiers. */
  readonly isReplaced: (step: string) => boolean;
}

/**
 * The store a replay writes to, in memory: it hears of every outcome, and what only the real one can know (what humans
 * answered, what agents had answered in other runs) comes from the record.
 */
export function scratchOver(memory: Store, record: RunOnRecord, conductor: Conductor, { onOutcome, isReplaced }: ScratchOptions): Store {
  /** What comes of tiers alone, without any guard, waits for its turn here. */
  const inTurn = (step: string, round: number) => conductor.turn(record.outcomes.get(roundKey(step, round))?.place ?? 0);
  const came = (step: string, round: number, outcome: Outcome) => {
    onOutcome(step, round, outcome);
    conductor.came(step, round);
  };
  return {
    ...memory,
    runs: {
      ...memory.runs,
      answered: async () => record.answered,
      openQuestions: async () => record.open,
    },
    versions: {
      ...memory.versions,
      async append(version) {
        if (version.tier !== undefined) await inTurn(version.agent, version.round);
        const appended = await memory.versions.append(version);
        came(version.agent, version.round, { kind: "version", version: appended });
        return appended;
      },
      async appendFailure(step) {
        if (isTierStep(step.agent)) return memory.versions.appendFailure(step);
        if (hasFallen(record, step.agent)) await inTurn(step.agent, step.round);
        await memory.versions.appendFailure(step);
        came(step.agent, step.round, { kind: "failure", failure: step.failure });
      },
      async outcome(runId, agent, round) {
        conductor.touch();
        const isTierOnRecord = isTierStep(agent) && !isReplaced(agent);
        return (isTierOnRecord && (await record.tierFailure(agent, round))) || memory.versions.outcome(runId, agent, round);
      },
      findAnswers: async ({ agent }) =>
        record.versions.filter((version) => version.agent === agent && version.source === "cache").map(asFound),
    },
    events: {
      ...memory.events,
      emit(event, epoch) {
        conductor.touch();
        memory.events.emit(event, epoch);
      },
    },
  };
}

/** Whose answer it was and how old was looked at when it was found. */
function asFound(version: Version): Version {
  return { ...version, tier: undefined, at: new Date().toISOString() };
}

/** Accepts the run in memory, and takes over as recorded what is not to be worked again. */
export async function takeOver(store: Store, kit: Kit, record: RunOnRecord, upTo: number): Promise<RunScope> {
  const { runtime, program } = kit;
  const { runId, workflow, workflowVersion } = record.run;
  const [input, ...rest] = record.versions;
  if (!input) throw new Error(`Run ${runId} has no version 0.`);
  const accepted = await store.runs.accept({
    runId,
    workflow,
    workflowVersion,
    acceptedAt: runtime.now().toISOString(),
    contract: input.contract,
    input: sealed(input.data),
    holder: runtime.holder,
    until: runtime.leaseUntil(),
    idempotencyKey: undefined,
    program,
  });
  if (accepted.kind !== "accepted") throw new Error(`Run ${runId} was accepted under a key that was not given.`);
  const scope = runtime.open(accepted.lease);
  for (const version of rest.filter(({ number }) => number <= upTo)) {
    const { agent, agentVersion, contract, parents, round, source, tier, data, dataHash, at } = version;
    const about = { agent, agentVersion, contract, parents, round, source, tier, at, inputHash: dataHash };
    await store.versions.append({ runId, epoch: scope.epoch, ...about, data: sealed(data) });
  }
  for (const failed of takenFailures(record, upTo)) await store.versions.appendFailure({ runId, epoch: scope.epoch, ...failed });
  return scope;
}

/** Taken as recorded when it came before that version. */
export function isTaken({ place }: Pick<RecordedOutcome, "place">, upTo: number): boolean {
  return place <= upTo;
}

function takenFailures({ outcomes, run }: RunOnRecord, upTo: number) {
  return [...outcomes.values()].flatMap((recorded) => {
    const { step: agent, round, outcome } = recorded;
    return outcome.kind === "failure" && isTaken(recorded, upTo) ? [{ agent, round, failure: outcome.failure, at: run.acceptedAt }] : [];
  });
}

/** A document that has been let in before; today's bound is not its business. */
function sealed(data: unknown): Sealed {
  return seal(data, Number.MAX_SAFE_INTEGER);
}
