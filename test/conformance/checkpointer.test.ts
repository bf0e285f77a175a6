import { sqliteStore } from "walkback";
import { aStore } from "../support/store.js";
import { checkpointerConformance } from "./checkpointer.js";

checkpointerConformance("a SQLite file", aStore);

checkpointerConformance("memory", async () => {
  const store = sqliteStore(":memory:");
  return { ...store, [Symbol.asyncDispose]: () => store.close() };
});
