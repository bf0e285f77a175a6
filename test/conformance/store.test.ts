import { sqliteStore } from "walkback";
import { aStore } from "../support/store.js";
import { storeConformance } from "./store.js";

storeConformance("a SQLite file", aStore);

storeConformance("memory", async () => {
  const store = sqliteStore(":memory:");
  return { ...store, [Symbol.asyncDispose]: () => store.close() };
});
