import { onOrchestrator, onPlainGraph } from "./load.js";
import { upstreamSaver } from "./savers.js";
import { throughputBenchmark } from "./throughput.js";

const sides = {
  description: "The five-agent credit graph: the orchestrator on a file store against a plain LangGraph StateGraph on SqliteSaver.",
  ours: onOrchestrator,
  peer: onPlainGraph(upstreamSaver),
  peerName: "plain graph, SqliteSaver",
};

/** Five agents that answer at once, on Walkback with everything on against a hand-written graph without any of it. */
export const graphConcurrent = throughputBenchmark({
  ...sides,
  name: "graph-concurrent",
  load: { runs: 300, concurrency: 50 },
  target: { of: "ratio", atLeast: 1 },
});
export const graphSequential = throughputBenchmark({
  ...sides,
  name: "graph-sequential",
  load: { runs: 100, concurrency: 1 },
  target: { of: "ratio", atLeast: 0.7 },
});
