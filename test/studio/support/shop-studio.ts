import { appendFileSync } from "node:fs";
import { createRuntime, sqliteStore, studioGraph } from "walkback";
import { shopAgents, shopWorkflow } from "./shop.js";

const { WALKBACK_STORE = ":memory:", SHOP_LOG = "/dev/null" } = process.env;

/** Loaded by the development server of the tests; what the shop does outside is a line in a file. */
export const graph = studioGraph(
  createRuntime({ store: sqliteStore(WALKBACK_STORE) }),
  shopWorkflow(shopAgents((line) => appendFileSync(SHOP_LOG, `${line}\n`))),
);
