import type { Agent } from "../agents/agent.js";
import { createRuntime, type Runtime } from "../agents/runtime.js";
import type { RunScope } from "../agents/scope.js";
import { freeOfCharge } from "../agents/spend.js";
import type { Outcome, Store } from "../checkpoint/ports.js";
import { Draining, type Failure } from "../contracts/failure.js";
import type { ContractRegistry } from "../contracts/registry.js";
import { answersFrom } from "./answers.js";
import { conductor } from "./conductor.js";
import { compareOutcomes, type Difference, missingFrom } from "./difference.js";
import { replayGuard } from "./guard.js";
import { type RunOnRecord, roundKey, tiersOnRecord } from "./record.js";
import { isTaken, scratchOver } from "./scratch.js";

export interface StageOptions {
  readonly memory: Store;
  /** The last version that is taken as recorded. */
  readonly from: number;
  readonly maxDocumentBytes: number;
  /** The program's, for answers that are on record in older versions of their contracts. */
  readonly registry: ContractRegistry;
  readonly isReplaced: (agent: string) => boolean;
}

/** What a replay runs on in place of the world, and what has been seen of it. */
export interface Stage {
  readonly memory: Store;
  readonly runtime: Runtime;
  /** Says which scope the run is under way in; one that was canceled with nothing left to come ends there. */
  begin(scope: RunScope): void;
  worked(): number;
  firstDifference(): Difference | undefined;
}

export function stageFor(record: RunOnRecord, { memory, from, maxDocumentBytes, registry, isReplaced }: StageOptions): Stage {
  const expected = [...record.outcomes.values()].filter((outcome) => !isTaken(outcome, from));
  const differences: Placed[] = [];
  const came = new Set<string>();
  const { runId, status } = record.run;
  const end = endedFromOutside(record);
  let scope: RunScope | undefined;
  let reached = from;

  const order = conductor(new Map(expected.map(({ step, round, place }) => [roundKey(step, round), place])), record.run, {
    onAllCame: () => end && scope?.fail(end),
    onEndOfRecord: () => scope?.halt(new Draining(`Run ${runId} is on record so far and no further.`, { runId })),
  });
  const isOfReplaced = (step: string) => isReplaced(step.replace(BRANCH, ""));
  const onOutcome = (step: string, round: number, outcome: Outcome) => {
    const recorded = record.outcomes.get(roundKey(step, round));
    if (came.has(roundKey(step, round)) || (recorded && isTaken(recorded, from))) return;
    came.add(roundKey(step, round));
    const difference = compareOutcomes(recorded, outcome, { step, round, registry });
    reached = Math.max(reached, recorded?.place ?? 0);
    if (!difference || (difference.kind === "extra" && status !== "completed")) return; // past the end of the record
    differences.push({ difference, place: recorded?.place ?? reached });
    order.differ();
  };
  const store = scratchOver(memory, record, order, { onOutcome, isReplaced: isOfReplaced });
  const real = createRuntime({ store, maxDocumentBytes, lookahead: true });
  const runtime: Runtime = {
    ...real,
    guardOf: (agent: Agent) => replayGuard(record, order, agent, isOfReplaced),
    tiersFor: (work) => (isOfReplaced(work.step) ? real.tiersFor(work) : tiersOnRecord(record, work.agent, work.step, work.round)),
    outsideOf: (site) => ({
      effects: answersFrom(record, site),
      spend: freeOfCharge,
      stream: () => {},
      now: () => record.startedAt(site.step, site.round),
    }),
  };
  return {
    memory,
    runtime,
    begin(begun) {
      scope = begun;
      if (end && expected.length === 0) begun.fail(end);
    },
    worked: () => came.size,
    firstDifference() {
      const left = expected.filter(({ step, round }) => !came.has(roundKey(step, round)));
      return firstOf([...differences, ...missingFrom(record, left)]);
    },
  };
}

interface Placed {
  readonly difference: Difference;
  readonly place: number;
}

/** What a step's name has after the agent's: the branch of a fan-out, a tier. */
const BRANCH = /(\[\d+\])?(\/.*)?$/;

function firstOf(differences: readonly Placed[]): Difference | undefined {
  return differences.reduce<Placed | undefined>((first, each) => (first && first.place <= each.place ? first : each), undefined)
    ?.difference;
}

/** A wish to cancel, and a rejection in quarantine, come from no step of the run. */
function endedFromOutside({ failed }: RunOnRecord): Failure | undefined {
  const failure = failed?.failure;
  if (failure?.code === "CANCELED") return failure;
  return failure?.code === "REJECTED" && failure.details["agent"] === "" ? failure : undefined;
}
