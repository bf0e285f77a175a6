import type { Failure, Issue } from "./failure.js";
import type { RunId } from "./ids.js";
import type { RunStatus } from "./run.js";

/** What happened, past tense. One typed stream: kept in the store, read by logs, traces, metrics and `inspect`. */
export type RunEventBody =
  | {
      readonly type: "run.accepted";
      readonly workflow: string;
      readonly version: number;
      /** Of a fork: whose history it shares, up to and including which version. */
      readonly forkedFrom?: { readonly runId: RunId; readonly version: number };
    }
  /** By another program than the one it was made with; the version is that of the program's workflow. */
  | { readonly type: "run.carried-on"; readonly workflow: string; readonly version: number }
  /** It has to wait for its turn. */
  | {
      readonly type: "run.queued";
      readonly priority: number;
      readonly tenant?: string | undefined;
      /** ISO 8601. */
      readonly deadline?: string | undefined;
    }
  /** It had its turn. */
  | { readonly type: "run.begun"; readonly waitedMs: number }
  | { readonly type: "run.ended"; readonly status: RunStatus; readonly durationMs: number }
  | { readonly type: "run.waiting"; readonly question: string; readonly kind: string }
  | { readonly type: "run.answered"; readonly question: string; readonly decision: string; readonly reason?: string | undefined }
  | { readonly type: "run.failed"; readonly failure: Failure }
  | { readonly type: "agent.started"; readonly agent: string; readonly round: number }
  | {
      readonly type: "agent.attempt-failed";
      readonly agent: string;
      readonly round: number;
      readonly attempt: number;
      readonly durationMs: number;
      readonly failure: Failure;
      /** Missing in events of earlier builds. */
      readonly tier?: string | undefined;
    }
  | {
      readonly type: "agent.completed";
      readonly agent: string;
      readonly round: number;
      readonly version: number;
      readonly durationMs: number;
      readonly source: string;
      readonly tier?: string | undefined;
      /** The attempt that answered, and how long it took until its answer was on record; not of what stands in for work. */
      readonly attempt?: number | undefined;
      readonly attemptMs?: number | undefined;
    }
  /** With tiers: the last of them, too. */
  | {
      readonly type: "agent.failed";
      readonly agent: string;
      readonly round: number;
      readonly failure: Failure;
      readonly tier?: string | undefined;
    }
  /** A tier failed, and the next one works in this round. */
  | {
      readonly type: "agent.degraded";
      readonly agent: string;
      readonly round: number;
      readonly from: string;
      readonly to: string;
      readonly failure: Failure;
    }
  /** A piece of a model's answer, as it arrives. Told to listeners only: the answer as a whole is in the journal. */
  | {
      readonly type: "agent.streamed";
      readonly agent: string;
      readonly round: number;
      readonly tier?: string | undefined;
      readonly text: string;
    }
  | { readonly type: "agent.skipped"; readonly agent: string; readonly reason: string }
  | {
      readonly type: "gate.rejected";
      readonly agent: string;
      readonly contract: string;
      readonly round: number;
      readonly issues: readonly Issue[];
    }
  | ({ readonly type: "effect.performed" } & EffectNamed & EffectSent)
  | ({ readonly type: "effect.failed"; readonly failure: Failure } & EffectNamed & EffectSent)
  | ({ readonly type: "effect.undone"; readonly durationMs?: number } & EffectNamed)
  | ({ readonly type: "effect.undo-failed"; readonly durationMs?: number; readonly failure: Failure } & EffectNamed)
  /** `why` is missing in events of earlier builds. */
  | { readonly type: "breaker.opened"; readonly agent: string; readonly tier?: string; readonly why?: string }
  | { readonly type: "breaker.half-opened"; readonly agent: string; readonly tier?: string }
  | { readonly type: "breaker.closed"; readonly agent: string; readonly tier?: string }
  | { readonly type: "breaker.refused"; readonly agent: string; readonly tier?: string };

interface EffectNamed {
  readonly agent: string;
  readonly effect: string;
  readonly key: string;
}

/** In the course of what an effect was sent, and how long that took; missing in events of earlier builds. */
export interface EffectSent {
  readonly round?: number;
  readonly tier?: string | undefined;
  readonly attempt?: number;
  /** Since the attempt began. */
  readonly attemptMs?: number;
  readonly durationMs?: number;
}

export type RunEvent = RunEventBody & {
  /** The run in whose course it happened. */
  readonly runId: RunId;
  /** ISO 8601. */
  readonly at: string;
};
