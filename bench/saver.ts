import { onPlainGraph } from "./load.js";
import { ourSaver, upstreamSaver } from "./savers.js";
import { throughputBenchmark } from "./throughput.js";

const sides = {
  description: "The plain five-node graph on store.checkpointer against the same graph on SqliteSaver.",
  ours: onPlainGraph(ourSaver),
  peer: onPlainGraph(upstreamSaver),
  peerName: "SqliteSaver",
};

/** The checkpointer alone: one and the same plain graph on ours and on LangGraph's. */
export const saverConcurrent = throughputBenchmark({
  ...sides,
  name: "saver-concurrent",
  load: { runs: 300, concurrency: 50 },
  target: { of: "ratio", atLeast: 1.6 },
});
export const saverSequential = throughputBenchmark({ ...sides, name: "saver-sequential", load: { runs: 100, concurrency: 1 } });
