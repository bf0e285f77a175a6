import { Runnable, type RunnableConfig, RunnablePassthrough } from "@langchain/core/runnables";
import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";

/** What is needed of a node as LangGraph has compiled it: what it runs, and what then writes the result to the channels. */
interface CompiledNode {
  readonly bound: Runnable;
  getWriters(): Runnable[];
  getNode(): Runnable | undefined;
}

/** A function in LangGraph's wrapping. */
interface Callable {
  readonly func: (input: unknown, config: RunnableConfig) => unknown;
}

type Write = readonly [channel: string, value: unknown];
/** Writes a value to a channel, or the pairs that its mapper makes of the node's result. */
type Entry = { readonly channel: string; readonly value: unknown } | { readonly mapper: Callable };
type ChannelWriter = { readonly writes: readonly Entry[] };
type Writer = (result: unknown, config: RunnableConfig) => Promise<unknown>;

/** Under which LangChain finds a node's config again, as `interrupt` does; it would make a run to be traced around it. */
const CONFIG = Symbol.for("lc:child_config");
/** Where LangGraph's config has the function that takes a task's writes. */
const SEND_KEY = "__pregel_send";

/**
 * LangGraph runs each part of a node (the function, its writers, their mappers) as a chain of its own, six for a node, and
 * makes each ready to be traced. With nobody there to trace for, these nodes do the same in one go; with callbacks they run
 * as LangGraph made them. A node whose parts are not as expected is left alone. Only for nodes that return no `Command`.
 */
export function makeLean(nodes: Readonly<Record<string, CompiledNode>>, names: readonly string[]): void {
  for (const name of names) {
    const node = nodes[name];
    const whole = node?.getNode();
    const lean = node && whole && leanOf(node, whole);
    if (lean) node.getNode = () => lean;
  }
}

function leanOf(node: CompiledNode, whole: Runnable): LeanNode | undefined {
  const [first, followsCommands, ...edges] = node.getWriters();
  const work = node.bound instanceof RunnablePassthrough ? PASS_ON : node.bound;
  const writers = [first, ...edges].map(writerOf);
  if (!isCallable(followsCommands) || "writes" in followsCommands || !isCallable(work)) return undefined;
  return writers.every((writer) => writer !== undefined) ? new LeanNode(whole, work, writers) : undefined;
}

const PASS_ON: Callable = { func: (input) => input };

class LeanNode extends Runnable {
  readonly lc_namespace = ["walkback"];

  constructor(
    private readonly whole: Runnable,
    private readonly work: Callable,
    private readonly writers: readonly Writer[],
  ) {
    super();
    this.name = whole.getName();
  }

  override async invoke(input: unknown, config: RunnableConfig = {}): Promise<unknown> {
    if (isListenedTo(config)) return this.whole.invoke(input, config);
    return AsyncLocalStorageProviderSingleton.getInstance().run({ extra: { [CONFIG]: config } }, async () => {
      const result = await this.work.func(input, config);
      for (const write of this.writers) await write(result, config);
      return result;
    });
  }
}

/** LangChain leaves an empty manager where it was to trace and may not. */
function isListenedTo({ callbacks = [] }: RunnableConfig): boolean {
  return (Array.isArray(callbacks) ? callbacks : callbacks.handlers).length > 0;
}

function writerOf(writer: unknown): Writer | undefined {
  if (!isCallable(writer)) return undefined;
  if (!("writes" in writer)) return async (result, config) => writer.func(result, config); // a conditional edge
  const { writes } = writer as ChannelWriter;
  if (!writes.every((entry) => "channel" in entry || isCallable(entry.mapper))) return undefined;
  return async (result, config) => {
    const made = await Promise.all(
      writes.map((entry) => ("channel" in entry ? [[entry.channel, entry.value]] : entry.mapper.func(result, config))),
    );
    send(
      config,
      made.flatMap((pairs) => (pairs ?? []) as readonly Write[]),
    );
  };
}

function send({ configurable = {} }: RunnableConfig, writes: readonly Write[]): void {
  (configurable[SEND_KEY] as (writes: readonly Write[]) => void)(writes);
}

function isCallable(part: unknown): part is Callable {
  return typeof part === "object" && part !== null && "func" in part && typeof part.func === "function";
}
