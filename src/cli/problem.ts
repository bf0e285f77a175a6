import { CommanderError } from "commander";
import { type FailureCode, isWalkbackError, messageOf, WalkbackError } from "../contracts/failure.js";
import type { Run } from "../contracts/run.js";
import { paintErr } from "./paint.js";
import { tell } from "./print.js";

export const EXIT = { fine: 0, runFailed: 1, wrongInput: 2 } as const;

/** What was typed on the command line, or the file it names, cannot be used. */
export class UsageInvalid extends WalkbackError<{ argument: string; reason: string }> {
  readonly code = "INPUT_INVALID";
}

/** Says what is wrong, and what to do about it, in one message. */
export function misused(argument: string, message: string, options?: { readonly cause?: unknown }): UsageInvalid {
  return new UsageInvalid(message, { argument, reason: message }, options);
}

/** A run that waits for a human has not failed; one that was walked back has, even if it was meant to. */
export function exitCodeOf(status: Run["status"]): number {
  return status === "rolled-back" || status === "canceled" || status === "parked" ? EXIT.runFailed : EXIT.fine;
}

const WRONG_INPUT: ReadonlySet<FailureCode> = new Set([
  "INPUT_INVALID",
  "CONFIG_INVALID",
  "NOT_PLAIN_JSON",
  "DOCUMENT_TOO_LARGE",
  "WORKFLOW_UNKNOWN",
  "WORKFLOW_INVALID",
  "CONTRACT_UNKNOWN",
  "RUN_UNKNOWN",
  "BREAKER_UNKNOWN",
  "RUN_NOT_WAITING",
  "RUN_FINISHED",
  "DECISION_INVALID",
  "STORE_NEWER",
  "VERSION_UNKNOWN",
  "ARCHIVE_INVALID",
  "RUN_EXISTS",
  "KEY_REUSED",
  "OPTION_INVALID",
  "PRUNE_INVALID",
  "WORKFLOW_CHANGED",
  "BISECT_INVALID",
  "PREDICATE_FAILED",
  "UPCAST_MISSING",
]);

/** Tells the user on stderr, one line or one JSON object and never a stack trace, and returns the exit code. */
export function reportProblem(thrown: unknown, { json }: { readonly json: boolean }): number {
  if (process.env["WALKBACK_DEBUG"]) console.error(thrown);
  if (thrown instanceof CommanderError) return reportUsage(thrown, json);
  const known = isWalkbackError(thrown);
  const message = known ? thrown.message : `something unexpected happened: ${messageOf(thrown)}. Set WALKBACK_DEBUG=1 to see where.`;
  if (json) tellJson(known ? thrown.toJSON() : { code: null, message, details: {}, causes: [] });
  else tell(`${paintErr.red("error:")} ${message}`);
  return known && isWrongInput(thrown) ? EXIT.wrongInput : EXIT.runFailed;
}

/** Commander has told the user already, unless the answer is to be JSON. */
function reportUsage({ exitCode, message }: CommanderError, json: boolean): number {
  if (exitCode === 0) return EXIT.fine;
  if (json) tellJson(misused("", message.replace(/^error: /, "")).toJSON());
  return EXIT.wrongInput;
}

function tellJson(error: unknown): void {
  tell(JSON.stringify({ error }));
}

function isWrongInput({ code, details }: WalkbackError): boolean {
  const cannotOpen = code === "STORE_FAILED" && "operation" in details && details.operation === "open";
  return WRONG_INPUT.has(code) || cannotOpen;
}
