import { HumanNeeded, WalkbackError } from "../../contracts/failure.js";

/** What one run of a tool may use. */
export interface Resources {
  readonly memoryMb: number;
  readonly timeMs: number;
}

/** What there was not enough of. `process`: the tool could not be given what it had been promised at all. */
export type Resource = "memory" | "time" | "process";

/**
 * A tool needed more than it was given. The agent is told what it had and what it may ask for: the rungs above in the tool's
 * ladder; null when that was the most there is.
 */
export class OutOfResources extends WalkbackError<{ resource: Resource; had: Resources; mayAskFor: readonly Resources[] | null }> {
  readonly code = "OUT_OF_RESOURCES";
}

const SENTENCES = {
  memory: ({ memoryMb }) => `${memoryMb} MB of memory were not enough.`,
  time: ({ timeMs }) => `${timeMs} ms were not enough.`,
  process: ({ memoryMb, timeMs }) => `The process that had ${memoryMb} MB and ${timeMs} ms ended before the work did.`,
} as const satisfies Record<Resource, (had: Resources) => string>;

/** For a tool to throw; which rungs are above is not its business. */
export function outOfResources(
  resource: Resource,
  had: Resources,
  mayAskFor: readonly Resources[] | null = null,
  options?: { readonly cause?: unknown },
): OutOfResources {
  return new OutOfResources(SENTENCES[resource](had), { resource, had, mayAskFor }, options);
}

/** After the last rung: only a human can go on, who is told all that was tried. */
export function needsMore(agent: string, tried: readonly OutOfResources[]): HumanNeeded {
  const told = tried.map(({ message }, index) => `${index + 1}. ${message}`).join(" ");
  const message = `Agent "${agent}" needs more than it may have. Tried: ${told} Give it more, or a smaller task.`;
  return new HumanNeeded(message, { agent, reasonCode: "OUT_OF_RESOURCES" }, { cause: tried.at(-1) });
}
