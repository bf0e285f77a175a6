import { existsSync } from "node:fs";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isError, messageOf } from "../contracts/failure.js";
import type { Workflow } from "../graph/workflow.js";
import type { Replacement } from "../replay/agents.js";
import { misused } from "./problem.js";

/** Agents by name from specs `NAME=FILE`: each file's default export is an `execute` function, or an agent. */
export async function agentFiles(specs: readonly string[], workflows: readonly Workflow[]): Promise<Readonly<Record<string, Replacement>>> {
  const names = workflows.flatMap(({ agents }) => agents.map(({ name }) => name));
  const loaded = await Promise.all(specs.map((spec) => loadAgent(spec, names)));
  return Object.fromEntries(loaded);
}

async function loadAgent(spec: string, names: readonly string[]): Promise<readonly [string, Replacement]> {
  const [, name = "", path = ""] = /^([^=]+)=(.+)$/.exec(spec) ?? [];
  const refuse = (reason: string, cause?: unknown) => misused("--agent", `--agent ${spec} cannot be used: ${reason}.`, { cause });
  if (!names.includes(name)) throw refuse(`write NAME=FILE with one of the agents ${names.join(", ")}`);
  const file = resolve(path);
  if (!existsSync(file)) throw refuse(`there is no file ${file}`);
  const module = await importFile(file).catch((thrown: unknown) => {
    throw refuse(whyNot(file, thrown), thrown);
  });
  if (isReplacement(module.default)) return [name, module.default];
  throw refuse(`the default export of ${file} is no execute function and no agent made by defineAgent`);
}

async function importFile(file: string): Promise<{ readonly default?: unknown }> {
  return (await import(pathToFileURL(file).href)) as { readonly default?: unknown };
}

function whyNot(file: string, thrown: unknown): string {
  const strange = isError(thrown) && "code" in thrown && thrown.code === "ERR_UNKNOWN_FILE_EXTENSION";
  if (strange && extname(file).endsWith("ts"))
    return "this Node does not load TypeScript; compile the file, or start walkback with NODE_OPTIONS='--import tsx'";
  return `${file} cannot be imported: ${messageOf(thrown)}`;
}

function isReplacement(candidate: unknown): candidate is Replacement {
  if (typeof candidate === "function") return true;
  return typeof candidate === "object" && candidate !== null && "execute" in candidate && "produces" in candidate;
}
