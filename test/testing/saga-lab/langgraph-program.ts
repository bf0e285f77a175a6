import { join } from "node:path";
import { Annotation, Command, END, START, StateGraph } from "@langchain/langgraph";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import { sagaOutside } from "walkback/testing";

/**
 * A saga as one writes it by hand on LangGraph alone: each node performs its step and adds it to a list, an errorHandler
 * sends the run to a node that undoes the list backwards, every superstep is on disk before the next.
 */
const outside = sagaOutside();
const parallel = outside.scenario === "parallel";

const State = Annotation.Root({
  done: Annotation<string[]>({ reducer: (before, more) => [...before, ...more], default: () => [] }),
});

const perform = (step: string) => async () => {
  await outside.perform(step);
  return { done: [step] };
};
const errorHandler = () => new Command({ goto: "compensate" });

async function compensate({ done }: typeof State.State) {
  for (const step of done.toReversed()) await outside.undo(step);
  return {};
}

const nodes = new StateGraph(State)
  .addNode("a1", perform("A1"), { errorHandler, ends: ["compensate"] })
  .addNode("a2", perform("A2"), { errorHandler, ends: ["compensate"] })
  .addNode("a", perform("A"), { errorHandler, ends: ["compensate"] })
  .addNode("b", perform("B"), { errorHandler, ends: ["compensate"] })
  .addNode("c", perform("C"), { errorHandler, ends: ["compensate"] })
  .addNode("d", perform("D"), { errorHandler, ends: ["compensate"] })
  .addNode("compensate", compensate)
  .addEdge("a", "b")
  .addEdge("b", "c")
  .addEdge("c", "d")
  .addEdge("d", END)
  .addEdge("compensate", END);
const graph = (parallel ? nodes.addEdge(START, "a1").addEdge(START, "a2") : nodes.addEdge(START, "a")).compile({
  checkpointer: SqliteSaver.fromConnString(join(outside.folder, "langgraph.db")),
});

await graph.invoke(outside.restarted ? null : { done: [] }, { configurable: { thread_id: "saga" }, durability: "sync" });
