import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { asGraphTakesIt, type Saver } from "./savers.js";

/** Of one message, as JSON. */
export const MESSAGE_BYTES = 297;

interface Message {
  readonly id: string;
  readonly role: "assistant";
  readonly content: string;
}

const State = Annotation.Root({
  messages: Annotation<readonly Message[]>({ reducer: (before, added) => [...before, ...added], default: () => [] }),
  until: Annotation<number>,
});

/** One channel of messages that gets one longer at every step, until it is as long as asked for. */
export function growingGraph(checkpointer: Saver) {
  const graph = new StateGraph(State)
    .addNode("speak", async ({ messages }) => ({ messages: [messageOf(messages.length)] }))
    .addEdge(START, "speak")
    .addConditionalEdges("speak", ({ messages, until }) => (messages.length < until ? "speak" : END), ["speak", END])
    .compile({ checkpointer: asGraphTakesIt(checkpointer) });

  return {
    /** Goes on with the thread from where it stands. */
    async growTo(thread: string, until: number): Promise<void> {
      const config = { configurable: { thread_id: thread }, durability: "sync", recursionLimit: until + 10 } as const;
      const { messages } = await graph.invoke({ until }, config);
      if (messages.length !== until) throw new Error(`Thread ${thread} has ${messages.length} messages instead of ${until}.`);
    },
  };
}

/** Another text in every message, so that nothing is saved by keeping equal ones once, and words rather than noise or padding. */
function messageOf(place: number): Message {
  const empty: Message = { id: `message-${String(place).padStart(6, "0")}`, role: "assistant", content: "" };
  let random = place + 1;
  let content = "";
  while (content.length < MESSAGE_BYTES) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    content += `${WORDS[random >>> 27]} `;
  }
  return { ...empty, content: content.slice(0, MESSAGE_BYTES - JSON.stringify(empty).length) };
}

/** 32 of them, so that five random bits name one. */
const WORDS =
  "the loan of a customer who pays late is not worth more than its proof and we ask for papers that show income before any other step begins here so that nobody".split(
    " ",
  );
