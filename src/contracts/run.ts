import type { Failure } from "./failure.js";
import type { RunId } from "./ids.js";
import type { JsonValue } from "./json-value.js";
import type { Question } from "./question.js";

/** One step of a run without its data: what it was, who made it, from what. */
export interface VersionHead {
  /** 0 is the input. */
  readonly number: number;
  /** Who made it; `input` for version 0. */
  readonly agent: string;
  /** `name@version` of the contract. */
  readonly contract: string;
  /** The numbers of the versions it was made from. */
  readonly parents: readonly number[];
  /** Which of the agent's tiers gave the answer, if it has tiers. */
  readonly tier?: string | undefined;
  /** SHA-256 over this version's head, its data and the hash of the version before. */
  readonly hash: string;
}

/** Something the walk-back undid, in the order in which it did. */
export interface Undone {
  readonly key: string;
  readonly agent: string;
  readonly effect: string;
  readonly identity: string;
  readonly outcome: "undone" | "skipped" | "done-by-human";
  readonly reason?: string;
}

/** Something the walk-back could not undo. */
export interface Remaining {
  readonly key: string;
  readonly agent: string;
  readonly effect: string;
  readonly identity: string;
  readonly failure: Failure;
}

interface RunBase {
  readonly runId: RunId;
  readonly workflow: { readonly name: string; readonly version: number };
  /** ISO 8601. */
  readonly acceptedAt: string;
  /** For whom it is. */
  readonly tenant: string | undefined;
  /** 1 (highest) to 10. */
  readonly priority: number;
  /** An answer came from a lower tier than could have been asked. */
  readonly degraded: boolean;
  readonly versions: readonly VersionHead[];
}

interface Ended extends RunBase {
  /** ISO 8601. */
  readonly endedAt: string;
  /** From acceptance to the end, waiting for humans included. */
  readonly durationMs: number;
}

/** One execution of a workflow. Expected outcomes are variants here, not exceptions. */
export type Run<Output = JsonValue> =
  /** It waits for its turn; still waiting at its deadline (ISO 8601) it is canceled. */
  | (RunBase & { readonly status: "queued"; readonly deadline: string | undefined })
  | (RunBase & { readonly status: "running" })
  /** A human must answer before the run goes on. */
  | (RunBase & { readonly status: "waiting"; readonly questions: readonly Question[] })
  | (Ended & { readonly status: "completed"; readonly output: Output })
  /** It failed, and everything it had done outside was undone. */
  | (Ended & { readonly status: "rolled-back"; readonly failure: Failure; readonly undone: readonly Undone[] })
  /** It cannot go on or back by itself; after a walk-back `remaining` is exactly what a human must settle. */
  | (RunBase & {
      readonly status: "parked";
      readonly failure: Failure;
      readonly undone: readonly Undone[];
      readonly remaining: readonly Remaining[];
      readonly questions: readonly Question[];
    })
  | (Ended & { readonly status: "canceled"; readonly failure: Failure; readonly undone: readonly Undone[] });

export type RunStatus = Run["status"];

const TERMINAL: ReadonlySet<RunStatus> = new Set(["completed", "rolled-back", "canceled"]);

/** A run that will not change any more. */
export function isTerminal(status: RunStatus): boolean {
  return TERMINAL.has(status);
}
