import type { RunId } from "walkback";
import { sqliteStore } from "walkback";
import { aNewRun } from "../records.js";

/** Opens the store at the given moment, like others beside it, and accepts one run. */
const [path = "", moment = "0"] = process.argv.slice(2);
while (Date.now() < Number(moment)) {
  // Busy, so that all of them open it in the same millisecond.
}
const store = sqliteStore(path);
await store.runs.accept(aNewRun({ runId: `run-${process.pid}` as RunId }));
await store.close();
console.log("opened");
