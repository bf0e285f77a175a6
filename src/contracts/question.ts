import * as z from "zod";
import type { JsonObject, JsonValue } from "./json-value.js";

/** `approve` lets an irreversible effect be performed; `retry` tries again; `use` goes on with the given output; `skip` goes on without; `reject` fails the run; `done` says a human did it by hand. */
export type DecisionKind = "retry" | "use" | "skip" | "reject" | "done" | "approve";

/** `undo-failed`, `uncertain`, `past-pivot` and `quarantined` park the run; the others let it wait. */
export type QuestionKind = "agent-failed" | "approval" | "undo-failed" | "uncertain" | "past-pivot" | "quarantined";

/**
 * What a run asks a human. The last three fields are in the shape LangChain's Agent Inbox reads, so that the same
 * interrupt shows up there: https://github.com/langchain-ai/agent-inbox.
 */
export interface Question {
  /** Unique within the run; answers name it. */
  readonly id: string;
  readonly kind: QuestionKind;
  readonly agent: string;
  readonly details: JsonObject;
  readonly allowed: readonly DecisionKind[];
  readonly action_request: { readonly action: string; readonly args: JsonObject };
  readonly config: {
    readonly allow_ignore: boolean;
    readonly allow_respond: boolean;
    readonly allow_edit: boolean;
    readonly allow_accept: boolean;
  };
  readonly description: string;
}

/** A human's answer. */
export interface Decision {
  readonly decision: DecisionKind;
  /** Why; required with `skip` and `reject`. */
  readonly reason?: string | undefined;
  /** With `use`: the output to go on with. */
  readonly output?: JsonValue | undefined;
}

const OurAnswer = z
  .object({
    decision: z.enum(["retry", "use", "skip", "reject", "done", "approve"]),
    reason: z.string().min(1).optional(),
    output: z.json().optional(),
  })
  .refine((answer) => !["skip", "reject"].includes(answer.decision) || answer.reason !== undefined, {
    path: ["reason"],
    message: "a reason is required, it goes into the record",
  })
  .refine((answer) => answer.decision !== "use" || answer.output !== undefined, {
    path: ["output"],
    message: "`use` needs the output to go on with",
  });

const EditedArgs = z.object({ args: z.object({ output: z.json() }) });
const InboxAnswer = z.discriminatedUnion("type", [
  z.object({ type: z.literal("accept"), args: z.unknown().optional() }),
  z.object({ type: z.literal("ignore"), args: z.unknown().optional() }),
  z.object({ type: z.literal("response"), args: z.string().min(1, "a reason is required, it goes into the record") }),
  z.object({ type: z.literal("edit"), args: EditedArgs }),
]);

/** Reads a human's answer in our own shape or the Agent Inbox's (a response, or a list with one). */
export const Answer = z.union([
  OurAnswer,
  InboxAnswer.transform(fromInbox),
  z.tuple([InboxAnswer]).transform(([answer]) => fromInbox(answer)),
]);

function fromInbox(answer: z.output<typeof InboxAnswer>): Decision {
  switch (answer.type) {
    case "accept":
      return { decision: "retry" };
    case "ignore":
      return { decision: "reject", reason: "ignored in the inbox" };
    case "response":
      return { decision: "skip", reason: answer.args };
    case "edit":
      return { decision: "use", output: answer.args.args.output as JsonValue };
  }
}
