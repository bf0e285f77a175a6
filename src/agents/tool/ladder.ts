import type { JsonObject } from "../../contracts/json-value.js";
import type { Resources } from "./out-of-resources.js";

/** Which rung a call is on; -1 for a tool without a ladder. */
export interface Rung {
  readonly index: number;
  readonly resources: Resources | undefined;
}

/** The argument by which a model asks for more. */
export const ASKED_MEMORY = "memoryMb";

const NO_LADDER: Rung = { index: -1, resources: undefined };

/** The lowest rung from `floor` on that has the memory asked for, or why there is none. */
export function rungFor(ladder: readonly Resources[] | undefined, floor: number, askedMb: unknown): Rung | string {
  if (!ladder) return NO_LADDER;
  if (askedMb !== undefined && !(typeof askedMb === "number" && askedMb > 0)) return `${ASKED_MEMORY} must be a positive number.`;
  const index = ladder.findIndex(({ memoryMb }, rung) => rung >= floor && memoryMb >= Number(askedMb ?? 0));
  const resources = ladder[index];
  return resources ? { index, resources } : `There are at most ${ladder.at(-1)?.memoryMb ?? 0} MB of memory.`;
}

/** What is above the rung of a call that was not enough; the call itself may have climbed higher. */
export function rungsAbove(ladder: readonly Resources[], index: number, had: Resources): readonly Resources[] {
  const reached = ladder.findLastIndex(({ memoryMb, timeMs }) => memoryMb <= had.memoryMb && timeMs <= had.timeMs);
  return ladder.slice(Math.max(index, reached) + 1);
}

/** The parameters of a tool with a ladder, with the argument by which more can be asked for. */
export function withAskedMemory(parameters: JsonObject, ladder: readonly Resources[] | undefined): JsonObject {
  if (!ladder) return parameters;
  const rungs = ladder.map(({ memoryMb, timeMs }) => `${memoryMb} MB and ${timeMs} ms`).join(", then ");
  const description = `Leave it out at first. A call may use ${rungs}; asks for at least this many MB.`;
  const properties = { ...(parameters["properties"] as JsonObject), [ASKED_MEMORY]: { type: "number", description } };
  return { ...parameters, properties };
}
