import { existsSync } from "node:fs";
import type { EventLog, RunLog } from "../checkpoint/ports.js";
import { sqliteStore } from "../checkpoint/sqlite/store.js";
import { RunUnknown } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { Workflow, WorkflowPackage } from "../graph/workflow.js";
import type { Alert } from "../limits/alerts.js";
import type { LimitOptions } from "../limits/limit-options.js";
import type { QueueOptions } from "../orchestrator/queue-options.js";
import { createOrchestrator, type Orchestrator } from "../orchestrator.js";
import { tellAlert } from "./alert-text.js";
import { findPackage, workflowNames } from "./catalog.js";
import { misused } from "./problem.js";
import type { Settings } from "./settings.js";

/** An open store with a workflow and its other side. Closes all of it, after what is under way. */
export interface House extends AsyncDisposable {
  readonly workflow: Workflow;
  readonly events: Pick<EventLog, "list">;
  /**
   * An orchestrator on this store for the workflow, or for the workflow with something changed in it. It takes part in the
   * queue when it is told how: a changed workflow must not be given the runs of others.
   */
  orchestrate(workflow: Workflow, queue?: QueueOptions): Orchestrator;
}

/** Alerts go to whoever sits at the terminal, too. */
function tellingLimits({ limits }: Settings): LimitOptions {
  const onAlert = (alert: Alert) => {
    tellAlert(alert);
    limits?.alerts?.onAlert?.(alert);
  };
  return { ...limits, alerts: { ...limits?.alerts, onAlert } };
}

export async function openHouse(settings: Settings, pkg: WorkflowPackage): Promise<House> {
  const store = sqliteStore(settings.store);
  const orchestrators: Orchestrator[] = [];
  const limits = tellingLimits(settings);
  const opened = await pkg.open({ dataDir: settings.dataDir });
  return {
    workflow: opened.workflow,
    events: store.events,
    orchestrate(workflow, queue) {
      const orchestrator = createOrchestrator({
        store,
        workflows: [workflow],
        queue: queue ? { ...settings.queue, ...queue } : false,
        limits,
        tracing: settings.tracing,
      });
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

/** An open store with all workflows of the catalog, and those of other modules. Closes all of it, after what is under way. */
export async function openWorkflows(
  paths: readonly string[],
  settings: Settings,
  queue: QueueOptions,
): Promise<AsyncDisposable & Pick<House, "events"> & { readonly orchestrator: Orchestrator }> {
  const packages = await Promise.all([...workflowNames(), ...paths].map(findPackage));
  const opened = await Promise.all(packages.map((pkg) => pkg.open({ dataDir: settings.dataDir })));
  const store = sqliteStore(settings.store);
  const orchestrator = createOrchestrator({
    store,
    workflows: opened.map(({ workflow }) => workflow),
    queue: { ...settings.queue, ...queue },
    limits: tellingLimits(settings),
    tracing: settings.tracing,
  });
  return {
    orchestrator,
    events: store.events,
    async [Symbol.asyncDispose]() {
      await orchestrator.close();
      await Promise.all(opened.map((each) => each.close()));
      await store.close();
    },
  };
}

/** What can be asked of runs without their workflows. */
export interface Records
  extends Pick<Orchestrator, "get" | "inspect" | "diff" | "bisect" | "list" | "breakers" | "budget" | "queue" | "stats" | "cancel">,
    Pick<House, "events">,
    AsyncDisposable {
  readonly runs: Pick<RunLog, "find" | "findLike">;
}

/** The runs of a store that is there. */
export function openRecords(settings: Settings): Records {
  const store = sqliteStore(existingStore(settings));
  const orchestrator = createOrchestrator({ store, workflows: [], limits: settings.limits, tracing: settings.tracing });
  return {
    ...orchestrator,
    runs: store.runs,
    events: store.events,
    async [Symbol.asyncDispose]() {
      await orchestrator.close();
      await store.close();
    },
  };
}

/** The store, if it is there: looking into one must not create it. */
export function existingStore({ store }: Settings): string {
  if (store === ":memory:" || existsSync(store)) return store;
  throw misused("--store", `There is no store ${store}. Run a workflow first, or name the store with --store FILE.`);
}

/** More than these are not counted. */
const MANY = 100;

/** A run by its id, or by the beginning or the end of it as far as only one run has it. Throws `RUN_UNKNOWN`. */
export async function findRunId({ runs }: Pick<Records, "runs">, wanted: string): Promise<RunId> {
  const whole = await runs.find(wanted as RunId); // whatever it looks like
  if (whole) return whole.runId;
  return pickRunId(
    (await runs.findLike(wanted, MANY)).map(({ runId }) => runId),
    wanted,
  );
}

/** The one of these ids that is called so. Throws `RUN_UNKNOWN`. */
export function pickRunId(runIds: readonly RunId[], wanted: string): RunId {
  const isCalled = (runId: RunId) => runId === wanted || (wanted.length >= 4 && (runId.startsWith(wanted) || runId.endsWith(wanted)));
  const matches = runIds.filter(isCalled);
  const [match] = matches;
  if (match !== undefined && matches.length === 1) return match;
  const count = matches.length < MANY ? matches.length : `${MANY} or more`;
  const many = `${count} runs are called ${wanted}: ${matches.slice(0, 3).join(", ")} … Give more of the id.`;
  const none = `There is no run ${wanted}. See walkback list for those there are; give at least four characters of the id.`;
  throw new RunUnknown(matches.length > 1 ? many : none, { runId: wanted });
}

/** The end of a run's id: what tells it from other runs of the same moment. */
export function shortId(runId: string): string {
  return runId.slice(-8);
}
