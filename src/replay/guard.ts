import type { Agent } from "../agents/agent.js";
import { isWalkbackError } from "../contracts/failure.js";
import { aborted, classify, isBubbleUp } from "../limits/classify.js";
import type { Attempt, Guard } from "../limits/guard.js";
import { RecordedFailure } from "./answers.js";
import type { Conductor } from "./conductor.js";
import { cameFromOutside, type RunOnRecord, roundKey } from "./record.js";

/**
 * An agent's guard in a replay: no waiting, no breaker, no time limit. A round comes to its outcome when it is its turn; one
 * that failed for a reason outside fails again without being worked.
 */
export function replayGuard(record: RunOnRecord, conductor: Conductor, agent: Agent, isReplaced: (step: string) => boolean): Guard {
  return {
    async call({ step = agent.name, round, signal }, work) {
      const recorded = record.outcomes.get(roundKey(step, round));
      const again = <T>(todo: (attempt: Attempt) => Promise<T>) =>
        conductor.busy(() => attempts(record, agent, { step, round, signal }, todo));
      if (!recorded) {
        await Promise.race([conductor.beyond(), abortOf(signal)]);
        if (signal.aborted) throw aborted(step);
        return again(work);
      }
      const { place, outcome } = recorded;
      if (outcome.kind === "failure" && cameFromOutside(outcome.failure) && !isReplaced(step)) {
        await conductor.turn(place);
        throw new RecordedFailure(outcome.failure);
      }
      try {
        return await again(work);
      } finally {
        await conductor.turn(place);
      }
    },
    breakerState: () => "closed",
  };
}

interface Round {
  readonly step: string;
  readonly round: number;
  readonly signal: AbortSignal;
}

/** Beginning with the attempt that counted; a fault that the record does not have may still be mended by another one. */
async function attempts<T>(
  record: RunOnRecord,
  { limits }: Agent,
  { step, round }: Round,
  work: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const first = record.attempt(step, round);
  const { signal } = new AbortController(); // what the record has is worked to its end, though the run may have failed beside it
  for (let number = first; ; number++) {
    try {
      return await work({ number, signal });
    } catch (thrown) {
      if (isBubbleUp(thrown)) throw thrown;
      const failure = classify({ agent: step }, thrown, signal, limits);
      if (!(isWalkbackError(failure) && failure.retryable) || number - first >= limits.retries) throw failure;
    }
  }
}

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
