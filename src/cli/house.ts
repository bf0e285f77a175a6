import { existsSync } from "node:fs";
import { sqliteStore } from "../checkpoint/sqlite/store.js";
import { RunUnknown } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { Workflow, WorkflowPackage } from "../graph/workflow.js";
import { createOrchestrator, type Orchestrator } from "../orchestrator.js";
import { misused } from "./problem.js";
import type { Settings } from "./settings.js";

/** An open store with a workflow and its other side. Closes all of it, after what is under way. */
export interface House extends AsyncDisposable {
  readonly workflow: Workflow;
  /** An orchestrator on this store for the workflow, or for the workflow with something changed in it. */
  orchestrate(workflow: Workflow): Orchestrator;
}

export async function openHouse(settings: Settings, pkg: WorkflowPackage): Promise<House> {
  const store = sqliteStore(settings.store);
  const orchestrators: Orchestrator[] = [];
  const opened = await pkg.open({ dataDir: settings.dataDir });
  return {
    workflow: opened.workflow,
    orchestrate(workflow) {
      const orchestrator = createOrchestrator({ store, workflows: [workflow] });
      orchestrators.push(orchestrator);
      return orchestrator;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(orchestrators.map((orchestrator) => orchestrator.close()));
      await opened.close();
      await store.close();
    },
  };
}

/** The runs of a store that is there, without any workflow: enough to look at them. */
export function openRecords(settings: Settings): Orchestrator {
  return createOrchestrator({ store: existingStore(settings), workflows: [] });
}

/** The store, if it is there: looking into one must not create it. */
export function existingStore({ store }: Settings): string {
  if (store === ":memory:" || existsSync(store)) return store;
  throw misused("--store", `There is no store ${store}. Run a workflow first, or name the store with --store FILE.`);
}

/** A run by its id, or by the beginning or the end of it as far as only one run has it. Throws `RUN_UNKNOWN`. */
export async function findRunId(orchestrator: Orchestrator, wanted: string): Promise<RunId> {
  const runs = wanted.length < 4 ? [] : await orchestrator.list({ limit: 1_000_000 });
  const matches = runs.map(({ runId }) => runId).filter((runId) => runId.startsWith(wanted) || runId.endsWith(wanted));
  const [match] = matches;
  if (match !== undefined && matches.length === 1) return match;
  const many = `${matches.length} runs are called ${wanted}: ${matches.slice(0, 3).join(", ")} … Give more of the id.`;
  const none = `There is no run ${wanted}. See walkback list for those there are; give at least four characters of the id.`;
  throw new RunUnknown(matches.length > 1 ? many : none, { runId: wanted });
}

/** The end of a run's id: what tells it from other runs of the same moment. */
export function shortId(runId: string): string {
  return runId.slice(-8);
}
