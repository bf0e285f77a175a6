const SIGNAL = Symbol.for("walkback.completion");

/** How an agent says that it is done. Anything else it returns, prose above all, is `INCOMPLETE`. */
export type Completion<Output> =
  | { readonly [SIGNAL]: true; readonly status: "completed"; readonly output: Output }
  | { readonly [SIGNAL]: true; readonly status: "failed"; readonly reasonCode: string; readonly summary: string };

/** The work is done; here is what the contract asks for. */
export function completed<Output>(output: Output): Completion<Output> {
  return { [SIGNAL]: true, status: "completed", output };
}

/** The work cannot be done, and trying again will not help. `reasonCode` is for programs, `summary` for people. */
export function failed(reasonCode: string, summary: string): Completion<never> {
  return { [SIGNAL]: true, status: "failed", reasonCode, summary };
}

export function isCompletion(answer: unknown): answer is Completion<unknown> {
  return typeof answer === "object" && answer !== null && SIGNAL in answer;
}
