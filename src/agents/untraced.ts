import { AsyncLocalStorage } from "node:async_hooks";
import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import { isTracingOn } from "../contracts/tracing.js";

/** What LangChain and LangSmith keep of the trace they are in; `tracingEnabled: false` stops both. */
type Traced = object & { readonly tracingEnabled?: boolean };

const inside = new AsyncLocalStorage<true>();
const blindfolded = new WeakSet<object>();
const NOT_TRACED: Traced = Object.freeze({ tracingEnabled: false });

/**
 * Keeps LangSmith's own tracing from whatever is called in here: with its variables set, LangChain would send each node's
 * state and each prompt as they are. What is called outside of it is traced as ever, and without the variables nothing is done.
 */
export function untraced<T>(work: () => T): T {
  if (!isTracingOn(process.env)) return work();
  blindfold(AsyncLocalStorageProviderSingleton.getInstance() as AsyncLocalStorage<Traced | undefined>);
  return inside.run(true, work);
}

/** Like `untraced`, for what is generated piece by piece. */
export async function* untracedPieces<T>(pieces: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    for (;;) {
      const { done, value } = await untraced(() => pieces.next());
      if (done) return;
      yield value;
    }
  } finally {
    await untraced(() => pieces.return(undefined));
  }
}

/**
 * LangChain forgets a context's `tracingEnabled: false` wherever something is streamed, so it is answered from here for as
 * long as the work lasts, whatever contexts are opened in it.
 */
function blindfold(storage: AsyncLocalStorage<Traced | undefined>): void {
  if (blindfolded.has(storage)) return;
  blindfolded.add(storage);
  const getStore = storage.getStore.bind(storage);
  storage.getStore = () => {
    const found = getStore();
    if (!inside.getStore()) return found;
    return found ? Object.create(found, { tracingEnabled: { value: false } }) : NOT_TRACED;
  };
}
