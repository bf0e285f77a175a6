import type { Agent } from "../agents/agent.js";
import type { Contract } from "../contracts/contract.js";
import { ContractUnknown } from "../contracts/failure.js";
import type { Workflow } from "../graph/workflow.js";
import { findPackage, workflowNames } from "./catalog.js";
import { paintErr } from "./paint.js";
import { print, tell } from "./print.js";
import { EXIT } from "./problem.js";
import type { Settings } from "./settings.js";
import { drawTable } from "./table.js";

/** A contract as one workflow uses it. */
interface Usage {
  readonly contract: Contract;
  readonly workflow: Workflow;
  readonly madeBy: string;
  readonly usedBy: readonly string[];
}

/** Lists the contracts of the workflows, or shows the JSON Schema of one (`name`, the newest, or `name@version`). */
export async function contractsCommand(wanted: string | undefined, options: { readonly workflow?: string }, settings: Settings) {
  const workflows = await Promise.all((options.workflow === undefined ? workflowNames() : [options.workflow]).map(workflowOf));
  const usages = workflows.flatMap((workflow) => workflow.registry.list().map((contract) => usageOf(workflow, contract)));
  if (wanted !== undefined) showSchema(find(usages, wanted), settings);
  else if (settings.json) for (const usage of usages) print(JSON.stringify(jsonOf(usage)));
  else
    print(
      drawTable(
        ["contract", "workflow", "made by", "used by", "about"],
        usages.map((usage) => ({ cells: rowOf(usage) })),
      ),
    );
  return EXIT.fine;
}

async function workflowOf(name: string): Promise<Workflow> {
  const opened = await (await findPackage(name)).open({ dataDir: undefined });
  await opened.close(); // the definition is enough
  return opened.workflow;
}

function usageOf(workflow: Workflow, contract: Contract): Usage {
  const agents = workflow.agents.flatMap((agent): Agent[] => (agent.branches ? [agent, agent.branches.agent] : [agent]));
  const reads = agents.filter(({ consumes }) => Object.values(consumes).some(({ id }) => id === contract.id)).map(({ name }) => name);
  return {
    contract,
    workflow,
    madeBy: contract.id === workflow.input.id ? "(input)" : (agents.find(({ produces }) => produces.id === contract.id)?.name ?? ""),
    usedBy: contract.id === workflow.output.id ? [...reads, "(output)"] : reads,
  };
}

function find(usages: readonly Usage[], wanted: string): Usage {
  const matches = usages.filter(({ contract }) => contract.id === wanted || contract.name === wanted);
  const newest = matches.toSorted((a, b) => b.contract.version - a.contract.version)[0];
  if (newest) return newest;
  const known = usages.map(({ contract }) => contract.id);
  throw new ContractUnknown(`There is no contract ${wanted}. Known: ${known.join(", ") || "none"}.`, { contract: wanted, known });
}

function showSchema({ contract, workflow }: Usage, { json }: Settings): void {
  const schema = { $id: contract.id, ...workflow.registry.jsonSchema(contract.id) };
  print(json ? JSON.stringify(schema) : JSON.stringify(schema, null, 2));
  if (json || contract.ruleNames.length === 0) return;
  tell(paintErr.dim(`It must also hold that ${contract.ruleNames.join("; ")}.`));
}

function jsonOf({ contract, workflow, madeBy, usedBy }: Usage): object {
  const { id, name, version, description = null, ruleNames } = contract;
  const { name: workflowName } = workflow;
  return {
    id,
    name,
    version,
    description,
    workflow: workflowName,
    madeBy,
    usedBy,
    rules: ruleNames,
    schema: workflow.registry.jsonSchema(id),
  };
}

function rowOf({ contract, workflow, madeBy, usedBy }: Usage): Record<string, string> {
  return {
    contract: contract.id,
    workflow: workflow.name,
    "made by": madeBy,
    "used by": usedBy.join("\n"),
    about: contract.description ?? "",
  };
}
