import type * as z from "zod";
import { ConfigInvalid, type Issue, pointerOf } from "../contracts/failure.js";

/** Options as they will be used. Throws `CONFIG_INVALID` with everything that is wrong. */
export function checkOptions<T>(schema: z.ZodType<T>, name: string, options: unknown): T {
  const checked = schema.safeParse(options);
  if (checked.success) return checked.data;
  throw configInvalid(`The options of ${name} cannot be used`, issuesOf(checked.error, [name]));
}

export function issuesOf({ issues }: z.ZodError, under: readonly string[] = []): readonly Issue[] {
  return issues.map(({ path, message }) => ({ path: pointerOf([...under, ...path]), message }));
}

export function configInvalid(what: string, issues: readonly Issue[]): ConfigInvalid {
  return new ConfigInvalid(`${what}: ${issues.map(({ path, message }) => `${path}: ${message}`).join("; ")}.`, { issues });
}
