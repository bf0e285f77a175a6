import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { deltaChannelHistoryTests, specTest } from "@langchain/langgraph-checkpoint-validation";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from "vitest";
import { type Store, sqliteStore } from "walkback";
import { aStore } from "../support/store.js";

/** LangGraph's own conformance suites, all of them. They take the test functions from the global scope. */
Object.assign(globalThis, { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test });

conforms("walkback in memory", async () => {
  const store = sqliteStore(":memory:");
  return { ...store, [Symbol.asyncDispose]: () => store.close() };
});

if (process.env["WALKBACK_LONG"]) conforms("walkback in a file", aStore);

function conforms(checkpointerName: string, open: () => Promise<Store & AsyncDisposable>): void {
  const stores = new Map<BaseCheckpointSaver, AsyncDisposable>();
  const initializer = {
    checkpointerName,
    async createCheckpointer() {
      const store = await open();
      stores.set(store.checkpointer, store);
      return store.checkpointer;
    },
    async destroyCheckpointer(checkpointer: BaseCheckpointSaver) {
      await stores.get(checkpointer)?.[Symbol.asyncDispose]();
      stores.delete(checkpointer);
    },
  };
  specTest(initializer);
  deltaChannelHistoryTests(initializer);
}
