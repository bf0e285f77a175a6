import { HumanNeeded, Unfinished } from "../../contracts/failure.js";
import { type Completion, completed, failed } from "../completion.js";
import type { Finish } from "./finish.js";
import type { Unreadable } from "./read-call.js";
import { NoSuchResult, type ResultOf } from "./results.js";

/**
 * What becomes of an agent that ends `partial` or `blocked`. `repair`: it is told once to go on, and is then unfinished;
 * `next-tier`: it is unfinished, and the next tier is asked; `human`: a human is asked; `failure`: it is unfinished, and no
 * other tier is asked.
 */
export type Route = (typeof ROUTES)[number];
export const ROUTES = ["repair", "next-tier", "human", "failure"] as const;

export interface EndingOptions {
  readonly onPartial: Route;
  readonly onBlocked: Route;
  output(finish: Finish, resultOf: ResultOf): unknown;
}

export interface Ended {
  readonly agent: string;
  /** The results that were named. */
  readonly resultOf: ResultOf;
  /** The agent was told to go on before. */
  readonly urged: boolean;
}

/** What ends the loop, or what the model is told in place of that. */
export type Ending = { readonly completion: Completion<unknown> } | { readonly urge: string } | Unreadable;

/** What `finish` comes to, by its status alone. Throws `HUMAN_NEEDED` or `UNFINISHED`. */
export function endingOf(finish: Finish, { onPartial, onBlocked, output }: EndingOptions, { agent, resultOf, urged }: Ended): Ending {
  const { status, reasonCode, summary } = finish;
  switch (status) {
    case "completed":
      return produce(() => output(finish, resultOf));
    case "failed":
      return { completion: failed(reasonCode, summary) };
    case "needs_human":
      throw new HumanNeeded(`${agent} needs a human (${reasonCode}): ${summary}`, { agent, reasonCode });
    case "partial":
      return routed({ ...finish, status }, onPartial, { agent, urged });
    case "blocked":
      return routed({ ...finish, status }, onBlocked, { agent, urged });
  }
}

function produce(output: () => unknown): Ending {
  try {
    return { completion: completed(output()) };
  } catch (thrown) {
    if (thrown instanceof NoSuchResult) return { error: thrown.message };
    throw thrown;
  }
}

type Short = Finish & { readonly status: "partial" | "blocked" };

function routed(finish: Short, route: Route, { agent, urged }: Pick<Ended, "agent" | "urged">): Ending {
  const { status, reasonCode, summary, handles } = finish;
  if (route === "repair" && !urged) return { urge: `The task is not done while it is ${status}. Go on, or finish with another status.` };
  const message = `${agent} ended ${status} (${reasonCode}): ${summary}`;
  if (route === "human") throw new HumanNeeded(message, { agent, reasonCode });
  throw new Unfinished(message, { agent, status, reasonCode, handles, final: route === "failure" });
}
