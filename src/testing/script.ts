import type { ModelRequest } from "../agents/model/chat-model.js";
import { WalkbackError } from "../contracts/failure.js";
import { describeRequest, type Expectation, unmet, wordingOf } from "./expected-request.js";

/** Something came that the script does not have, or something in the script did not come. */
export class ScriptMismatch extends WalkbackError<{ script: string; step: number; steps: number; expected: string; came: string }> {
  readonly code = "INPUT_INVALID";
}

/** What is answered, step by step. */
export interface Script<Step> {
  /** The next step and its number, from 1. Throws `ScriptMismatch` when there is none, or when it expects another request. */
  take(request: ModelRequest): { readonly step: Step; readonly number: number };
  /** Throws the first `ScriptMismatch` there was, whoever caught it then, or one about the first step that nobody asked for. */
  assertConsumed(): void;
}

export function scriptOf<Step>(name: string, steps: readonly Step[], expectationOf: (step: Step) => Expectation | undefined): Script<Step> {
  let asked = 0;
  let first: ScriptMismatch | undefined;
  const mismatch = (step: number, expected: string, came: string, cause?: unknown) => {
    const message = `${name} expected ${expected} at step ${step} of ${steps.length}; what came was ${came}.`;
    return new ScriptMismatch(message, { script: name, step, steps: steps.length, expected, came }, { cause });
  };
  const check = (request: ModelRequest, number: number): Step => {
    const step = steps[number - 1];
    if (step === undefined) throw mismatch(number, "no further request", describeRequest(request));
    const wrong = unmet(expectationOf(step), request);
    if (wrong) throw mismatch(number, wrong.expected, describeRequest(request), wrong.cause);
    return step;
  };
  return {
    take(request) {
      asked += 1;
      try {
        return { step: check(request, asked), number: asked };
      } catch (thrown) {
        if (thrown instanceof ScriptMismatch) first ??= thrown;
        throw thrown;
      }
    },
    assertConsumed() {
      if (first) throw first;
      const step = steps[asked];
      if (step !== undefined) throw mismatch(asked + 1, wordingOf(expectationOf(step)), "nothing more");
    },
  };
}
