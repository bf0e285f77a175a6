import * as z from "zod";
import { ConfigInvalid, type Issue, optionInvalid, pointerOf } from "../contracts/failure.js";

/** Options as they will be used. Throws `CONFIG_INVALID` with everything that is wrong. */
export function checkOptions<T>(schema: z.ZodType<T>, name: string, options: unknown): T {
  const checked = schema.safeParse(options);
  if (checked.success) return checked.data;
  throw configInvalid(`The options of ${name} cannot be used`, issuesOf(checked.error, [name]));
}

/** What the types cannot say to everyone, of the options of one call. Throws `OPTION_INVALID` about the first that is wrong. */
export function checkCall(schema: z.ZodType, what: string, options: unknown): void {
  const [issue] = schema.safeParse(options).error?.issues ?? [];
  if (!issue) return;
  const [option, reason] =
    issue.code === "unrecognized_keys"
      ? [[...issue.path, issue.keys.join(", ")].join("."), `is not known to ${what}${issue.path.length === 0 ? knownTo(schema) : ""}`]
      : [issue.path.join("."), lowered(issue.message)];
  throw optionInvalid(option || what, reason);
}

function knownTo(schema: z.ZodType): string {
  return schema instanceof z.ZodObject ? `, which takes ${Object.keys(schema.shape).join(", ")}` : "";
}

function lowered(message: string): string {
  return message.replace(/^Invalid input: expected/, "must be").replace(/^Invalid option: expected/, "must be");
}

export function issuesOf({ issues }: z.ZodError, under: readonly string[] = []): readonly Issue[] {
  return issues.map(({ path, message }) => ({ path: pointerOf([...under, ...path]), message }));
}

export function configInvalid(what: string, issues: readonly Issue[]): ConfigInvalid {
  return new ConfigInvalid(`${what}: ${issues.map(({ path, message }) => `${path}: ${message}`).join("; ")}.`, { issues });
}
