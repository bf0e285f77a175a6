import type { JsonSchema } from "./compatibility.js";

/** What a run was made with, as far as it matters to another program that carries it on. */
export interface Program {
  /** The version of each agent by its name; a fan-out's branches as `name[]`. */
  readonly agents: Readonly<Record<string, number>>;
  /** The JSON Schema of each contract by its id (`name@version`). */
  readonly contracts: Readonly<Record<string, JsonSchema>>;
}
