import { dirname } from "node:path";
import { createRuntime, createTracer, sqliteStore, studioGraph } from "../../index.js";
import { creditDecision } from "./index.js";

const file = process.env["WALKBACK_STORE"] || ".walkback/studio.db";

const store = sqliteStore(file);
const tracer = createTracer(store);
const { workflow } = await creditDecision.open({ dataDir: file === ":memory:" ? undefined : dirname(file) });

/** What `langgraph.json` names: the workflow with its own door, remembered in a store of its own. */
export const graph = studioGraph(createRuntime({ store, onEvent: tracer?.onEvent }), workflow);
