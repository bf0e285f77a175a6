import { dirname } from "node:path";
import { createRuntime, sqliteStore, studioGraph } from "../../index.js";
import { creditDecision } from "./index.js";

const file = process.env["WALKBACK_STORE"] || ".walkback/studio.db";

const { workflow } = await creditDecision.open({ dataDir: file === ":memory:" ? undefined : dirname(file) });

/** What `langgraph.json` names: the workflow with its own door, remembered in a store of its own. */
export const graph = studioGraph(createRuntime({ store: sqliteStore(file) }), workflow);
