import type { RunnableConfig } from "@langchain/core/runnables";
import { uuid6 } from "@langchain/langgraph-checkpoint";
import { sqliteStore } from "walkback";

/** Puts checkpoints that grow, and a write after each, into threads of its own and into one that it shares; says so after each is acknowledged. */
const [path = "", name = "", most = "Infinity"] = process.argv.slice(2);
const store = sqliteStore(path);
const threads = [`${name}-a`, `${name}-b`, "shared"];
const last = new Map<string, RunnableConfig>();
for (let step = 0; step < Number(most); step++) {
  await Promise.all(
    threads.map(async (thread_id) => {
      const values = { name, list: Array.from({ length: step + 1 }, (_, index) => `${name} ${index} ${"word ".repeat(index % 30)}`) };
      const checkpoint = {
        v: 4,
        id: uuid6(step),
        ts: "",
        channel_values: values,
        channel_versions: { name: 1, list: step },
        versions_seen: {},
      };
      const before = last.get(thread_id) ?? { configurable: { thread_id, checkpoint_ns: "" } };
      const config = await store.checkpointer.put(before, checkpoint, { source: "loop", step, parents: {} }, { name: 1, list: step });
      await store.checkpointer.putWrites(config, [["list", { name, step }]], "task");
      last.set(thread_id, config);
      process.stdout.write(`${JSON.stringify({ config, values, step })}\n`);
    }),
  );
}
await store.close();
