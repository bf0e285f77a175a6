import {
  completed,
  createOrchestrator,
  defineAgent,
  defineContract,
  defineWorkflow,
  type QueueOptions,
  type RunEvent,
  type Store,
  sqliteStore,
} from "walkback";
import * as z from "zod";
import { aPromise } from "../graph/support.js";

const jobContract = (version: number) => defineContract({ name: "jobs.job", version, schema: z.object({ id: z.string() }) });
const Done = defineContract({ name: "jobs.done", version: 1, schema: z.object({ id: z.string() }) });

/** One agent that writes down each job as it is begun, and finishes it when the test says so, or at once. */
function aWorkshop({ held = false, jobVersion = 1 }) {
  const Job = jobContract(jobVersion);
  const begun: string[] = [];
  const doors = new Map<string, () => void>();
  let atOnce = !held;
  const work = defineAgent({
    name: "work",
    consumes: { job: Job },
    produces: Done,
    execute: async ({ job: { id } }) => {
      begun.push(id);
      const { promise, keep } = aPromise();
      doors.set(id, keep);
      if (atOnce) keep();
      await promise;
      return completed({ id });
    },
  });
  return {
    workflow: defineWorkflow({ name: "jobs", input: Job, output: Done, agents: [work] }),
    /** The jobs, in the order in which they were begun. */
    begun,
    finish: (id: string) => doors.get(id)?.(),
    /** From here on nothing is held. */
    finishAll() {
      atOnce = true;
      for (const keep of doors.values()) keep();
    },
  };
}

interface HouseOptions {
  readonly held?: boolean;
  readonly store?: Store;
  readonly jobVersion?: number;
}

/** Processes' worth of orchestrators over one store and one workshop. */
export function aHouse({ held = false, jobVersion = 1, store = sqliteStore(":memory:") }: HouseOptions = {}) {
  const workshop = aWorkshop({ held, jobVersion });
  const events: RunEvent[] = [];
  const opened: { close(): Promise<void> }[] = [];
  const process = (queue: QueueOptions | false = {}, own: Store = store) => {
    const orchestrator = createOrchestrator({
      store: own,
      workflows: [workshop.workflow],
      queue: queue && { pollMs: 5, ...queue },
      onEvent: (event) => events.push(event),
    });
    opened.push(orchestrator);
    return orchestrator;
  };
  return {
    ...workshop,
    store,
    events,
    process,
    async [Symbol.asyncDispose]() {
      workshop.finishAll();
      for (const orchestrator of opened) await orchestrator.close();
      await store.close();
    },
  };
}
