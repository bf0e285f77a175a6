import type { Contract } from "../contracts/contract.js";
import { ContractUnknown } from "../contracts/failure.js";
import type { Run } from "../contracts/run.js";
import type { Workflow } from "../graph/workflow.js";
import type { Bisection, Probe } from "../history/bisect.js";
import { contractHolds } from "../history/contract-holds.js";
import type { Predicate } from "../history/predicate.js";
import { scriptHolds } from "../history/script-holds.js";
import { whereHolds } from "../history/where-holds.js";
import { findPackage, workflowNames } from "./catalog.js";
import { findRunId, openRecords } from "./house.js";
import { paint } from "./paint.js";
import { print } from "./print.js";
import { EXIT, misused } from "./problem.js";
import { commandLine, type Settings } from "./settings.js";

export interface BisectCommandOptions {
  readonly contract?: string;
  readonly where?: string;
  readonly script?: string;
  readonly from?: number;
  readonly to?: number;
  /** Whose contract it is, when the run's workflow is not in the catalog. */
  readonly workflow?: string;
}

/** Like grep: to look for something and not find it is no error, but a script should notice. */
const EXIT_NOTHING_BREAKS = 1;

/** Finds the first version of a run that breaks a predicate. */
export async function bisectCommand(wanted: string, options: BisectCommandOptions, settings: Settings): Promise<number> {
  refuseAmbiguous(options);
  await using records = openRecords(settings);
  const run = await records.get(await findRunId(records, wanted));
  const predicate = await predicateOf(run, options);
  const { from, to } = options;
  const tellProbe = (probe: Probe) => print(probeText(probe, to ?? run.versions.length - 1));
  const bisection = await records.bisect(run.runId, predicate, { from, to, ...(settings.json ? {} : { onProbe: tellProbe }) });
  print(settings.json ? JSON.stringify({ ...bisection, found: bisection.found ?? null }) : endText(bisection, settings));
  return bisection.found ? EXIT.fine : EXIT_NOTHING_BREAKS;
}

function refuseAmbiguous({ contract, where, script, from, to }: BisectCommandOptions): void {
  const given = [contract, where, script].filter((option) => option !== undefined).length;
  const ways = "--contract NAME, --where EXPRESSION or --script FILE";
  if (given !== 1)
    throw misused("--contract", `Say with ${given === 0 ? "one" : "only one"} of ${ways} what must hold; see walkback bisect --help.`);
  if (from !== undefined && to !== undefined && from > to)
    throw misused("--from", `There is nothing to look at: --from ${from} comes after --to ${to}.`);
}

async function predicateOf(run: Run, { contract, where, script, workflow }: BisectCommandOptions): Promise<Predicate> {
  if (where !== undefined) return whereHolds(where);
  if (script !== undefined) return scriptHolds(script);
  const { registry } = await definitionOf(run, workflow);
  return contractHolds(findContract(registry.list(), contract ?? ""), registry);
}

async function definitionOf({ runId, workflow: { name } }: Run, named: string | undefined): Promise<Workflow> {
  if (named === undefined && !workflowNames().includes(name))
    throw misused("--workflow", `Run ${runId} is one of "${name}", which is not in the catalog. Name its module with --workflow PATH.`);
  const opened = await (await findPackage(named ?? name)).open({ dataDir: undefined });
  await opened.close(); // the definition is enough
  return opened.workflow;
}

/** The newest contract of a name, or the one with this very id. */
function findContract(contracts: readonly Contract[], wanted: string): Contract {
  const found = contracts.findLast(({ name, id }) => id === wanted || name === wanted); // a registry lists them by version
  if (found) return found;
  const known = contracts.map(({ id }) => id);
  throw new ContractUnknown(`There is no contract ${wanted} in the run's workflow. Known: ${known.join(", ")}.`, {
    contract: wanted,
    known,
  });
}

function probeText({ number, holds, why }: Probe, last: number): string {
  const name = paint.bold(`v${number}`.padEnd(String(last).length + 1));
  const verdict = holds ? paint.green("holds ") : paint.red("broken");
  return `${name}  ${verdict}  ${why === undefined ? "" : paint.dim(why)}`.trimEnd();
}

function endText(bisection: Bisection, settings: Settings): string {
  const { runId, from, to, predicate, lookedAt, reason } = bisection;
  const looked = `(looked at ${lookedAt} ${lookedAt === 1 ? "version" : "versions"} of ${to - from + 1})`;
  const range = from === 0 ? `up to version ${to}` : `from version ${from} to version ${to}`;
  switch (reason) {
    case "holds":
      return `nothing breaks ${range}: at the end ${predicate} still holds ${looked}`;
    case "absent":
      return `nothing breaks ${range}: at the end there is nothing to judge ${looked}`;
    case "already-broken":
      return `${headline(bisection)} was broken already ${looked}; go further back with --from`;
    case "broke":
      return [
        `${headline(bisection)} broke it ${looked}`,
        ...(bisection.found.number === 0
          ? []
          : [paint.dim(commandLine(settings, "diff", runId, `${bisection.found.number - 1}`, `${bisection.found.number}`))]),
      ].join("\n");
  }
}

function headline({ found }: Bisection & { readonly reason: "broke" | "already-broken" }): string {
  const { number, agent } = found;
  return `${paint.bold(`version ${number} by ${agent}`)}`;
}
