import { type Sealed, seal } from "../contracts/json.js";
import type { Program } from "../contracts/program.js";
import type { Workflow } from "./workflow.js";

/** What a run of this workflow is made with: the versions of its agents and the shapes of its contracts. */
export function programOf({ agents, registry }: Pick<Workflow, "agents" | "registry">): Sealed<Program> {
  const versions = agents.flatMap(({ name, version, branches }) => [
    [name, version] as const,
    ...(branches ? [[`${name}[]`, branches.agent.version] as const] : []),
  ]);
  const contracts = registry.list().map(({ id }) => [id, registry.jsonSchema(id)] as const);
  // No document of a run, so no bound of a document applies.
  return seal<Program>({ agents: Object.fromEntries(versions), contracts: Object.fromEntries(contracts) }, Number.MAX_SAFE_INTEGER);
}
