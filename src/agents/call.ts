import type { Version } from "../checkpoint/ports.js";
import { checkShape } from "../contracts/contract.js";
import { AgentFailed, type Failure, type Issue, isWalkbackError, sentenceOf, type WalkbackError } from "../contracts/failure.js";
import { type Sealed, seal, sha256 } from "../contracts/json.js";
import type { Agent, ContractMap, Inputs } from "./agent.js";
import type { Runtime } from "./runtime.js";

/** One round of one agent's work. */
export interface Call {
  readonly agent: Agent;
  /** The agent's name, with a fan-out its branch's (`name[3]`). */
  readonly step: string;
  readonly workflow: string;
  readonly inputs: Inputs<ContractMap>;
  /** Numbers and content hashes of the versions the inputs came from. */
  readonly from: readonly Pick<Version, "number" | "dataHash">[];
  readonly round: number;
  /** The round whose recorded calls and failed tiers count: an earlier one when a human has let its work go on. */
  readonly callsRound: number;
  readonly feedback: readonly Issue[];
  /** The tier to begin with, where it is not the first: a repair is up to the tier that gave the answer. */
  readonly tier?: string | undefined;
}

/** `stopped`: the run failed elsewhere or was canceled; this says nothing about the agent. */
export type Result =
  | { readonly kind: "version"; readonly version: Version }
  | { readonly kind: "failure"; readonly failure: Failure }
  | { readonly kind: "stopped" };

/** Any throw as a Walkback error, with the agent named. */
export function failureOf(step: string, thrown: unknown): WalkbackError {
  return isWalkbackError(thrown) ? thrown : new AgentFailed(`${step} threw: ${sentenceOf(thrown)}`, { agent: step }, { cause: thrown });
}

/** Names a question to an agent by its content: the same inputs, whichever run they are in. */
export function inputHash({ from, feedback }: Pick<Call, "from" | "feedback">): string {
  return sha256(JSON.stringify([from.map(({ dataHash }) => dataHash), feedback]));
}

/** A product as its version will hold it: in the form its contract gives it, or as it came when it does not fit. */
export function sealProduct(runtime: Pick<Runtime, "maxDocumentBytes">, agent: Agent, output: unknown): Sealed {
  const plain = seal(output, runtime.maxDocumentBytes);
  const shaped = checkShape(agent.produces, plain.data);
  return shaped.ok ? seal(shaped.document, runtime.maxDocumentBytes) : plain;
}
