import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { sentenceOf, WorkflowUnknown } from "../contracts/failure.js";
import type { WorkflowPackage } from "../graph/workflow.js";
import { misused } from "./problem.js";

/** Imported when asked for: a command that needs no workflow does not wait for one. */
const CATALOG: Readonly<Record<string, () => Promise<WorkflowPackage>>> = {
  "credit-decision": async () => (await import("../workflows/credit-decision/index.js")).creditDecision,
};

export const DEFAULT_WORKFLOW = "credit-decision";

export function workflowNames(): readonly string[] {
  return Object.keys(CATALOG);
}

/** The package of a workflow: a name in the catalog, or the path of a module that exports `workflowPackage`. */
export async function findPackage(nameOrPath: string): Promise<WorkflowPackage> {
  const known = Object.hasOwn(CATALOG, nameOrPath) ? CATALOG[nameOrPath] : undefined;
  if (known) return known();
  if (/[\\/]|\.[cm]?[jt]s$/.test(nameOrPath)) return importPackage(nameOrPath);
  const names = workflowNames();
  throw new WorkflowUnknown(
    `There is no workflow "${nameOrPath}". Known: ${names.join(", ")}; or give the path of a module that exports workflowPackage.`,
    { workflow: nameOrPath, known: names },
  );
}

async function importPackage(path: string): Promise<WorkflowPackage> {
  const file = resolve(path);
  if (!existsSync(file)) throw misused("WORKFLOW", `There is no module ${file}. Check the path of the workflow.`);
  let module: { readonly workflowPackage?: unknown };
  try {
    module = await import(pathToFileURL(file).href);
  } catch (thrown) {
    throw misused("WORKFLOW", `The module ${file} cannot be imported: ${sentenceOf(thrown)}`, { cause: thrown });
  }
  if (isPackage(module.workflowPackage)) return module.workflowPackage;
  throw misused("WORKFLOW", `The module ${file} does not export workflowPackage, a WorkflowPackage with a name and an open function.`);
}

function isPackage(candidate: unknown): candidate is WorkflowPackage {
  const { name, open } = (candidate ?? {}) as Partial<WorkflowPackage>;
  return typeof name === "string" && typeof open === "function";
}
