import * as z from "zod";
import type { OfferedTool, ToolCall } from "../model/chat-model.js";
import { checkArguments, readArguments, type Unreadable } from "./read-call.js";
import { FINISH, parametersOf } from "./tool.js";

const FinishArgs = z.strictObject({
  status: z.enum(["completed", "partial", "blocked", "failed", "needs_human"]).meta({
    description:
      "completed: the task is done. partial: a part of it is. blocked: something you need is not there. failed: it cannot be done, and trying again will not help. needs_human: only a human can go on.",
  }),
  reasonCode: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/)
    .meta({ description: "For programs: one word like ALL_FOUND or NO_SUCH_ORDER." }),
  summary: z.string().min(1).max(2000).meta({ description: "For people: what was done or what is missing, in a sentence or two." }),
  handles: z.array(z.string()).max(100).meta({ description: "The handles of the results that the answer is made of." }),
});

/** How an agent with tools says that its work is over. Only `status`, `reasonCode` and `handles` are for programs. */
export type Finish = Readonly<z.output<typeof FinishArgs>>;

/** The one tool that every agent with tools has. */
export const offeredFinish: OfferedTool = Object.freeze({
  name: FINISH,
  description:
    "Ends your work; the only way to do so. Call it alone. Name the results that count by their handles; what they contain is taken from there.",
  parameters: parametersOf(FINISH, FinishArgs),
});

/** What a call of `finish` says, or what is wrong with it. */
export function readFinish(call: ToolCall, has: (handle: string) => boolean): { readonly finish: Finish } | Unreadable {
  const read = readArguments(call);
  if ("error" in read) return read;
  const checked = checkArguments(FinishArgs, read.raw);
  if ("error" in checked) return checked;
  const handles = [...new Set(checked.args.handles)];
  const missing = handles.filter((handle) => !has(handle));
  return missing.length === 0
    ? { finish: { ...checked.args, handles } }
    : { error: `There is no result with the handle ${missing.join(", ")}.` };
}
