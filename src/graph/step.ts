import type { Agent, ContractMap, Inputs } from "../agents/agent.js";
import type { Call } from "../agents/call.js";
import type { RunScope } from "../agents/scope.js";
import type { Version } from "../checkpoint/ports.js";
import { describeIssues } from "../contracts/contract.js";
import { ContractViolated, type Failure, InputMissing, type Issue, type WalkbackError } from "../contracts/failure.js";
import type { Question } from "../contracts/question.js";
import type { Kit } from "./kit.js";
import { documentFor } from "./upcast.js";

/** An agent with what it is given. */
export type Step = Pick<Call, "agent" | "step" | "inputs" | "from"> & {
  /** Of a round that a human has let go on (approved, found out about): the next one is the same work. */
  readonly work?: Pick<Call, "feedback" | "callsRound" | "tier"> | undefined;
  /** How a fan-out works a round; an ordinary agent is invoked. */
  readonly conduct?: (round: number) => Promise<Obtained>;
};

/**
 * What came of asking a step for its product. `ask`: a human must answer first. `empty`: the step does not run and
 * nothing stands in for it. `stopped`: the run failed elsewhere.
 */
export type Obtained =
  | { readonly kind: "version"; readonly version: Version }
  | { readonly kind: "failure"; readonly failure: Failure }
  | { readonly kind: "ask"; readonly question: Question }
  | { readonly kind: "empty" }
  | { readonly kind: "stopped" };

/** Hands an agent the documents it consumes, as they stand on the board, in the versions it was written for. */
export function stepOf(kit: Kit, scope: RunScope, agent: Agent): Step | WalkbackError {
  const from: Version[] = [];
  const inputs: Record<string, unknown> = {};
  for (const [name, contract] of Object.entries(agent.consumes)) {
    const version = scope.board.get(contract.name);
    if (!version) return inputMissing(agent, contract.id);
    from.push(version);
    const found = documentFor(kit, scope, version, contract);
    if (!found.ok) return notFor(agent, version, contract.id, found.issues);
    inputs[name] = found.document;
  }
  return { agent, step: agent.name, inputs: Object.freeze(inputs) as Inputs<ContractMap>, from };
}

function notFor(
  agent: Agent,
  { contract: recorded, agent: maker, round }: Version,
  contract: string,
  issues: readonly Issue[],
): WalkbackError {
  const message = `${recorded} does not become a valid ${contract} for ${agent.name}: ${describeIssues(issues)}.`;
  return new ContractViolated(message, { agent: maker, contract, round, issues });
}

function inputMissing(agent: Agent, contract: string): InputMissing {
  const message = `${agent.name} was to run before ${contract} was there. Add an edge from its producer, or give it as input.`;
  return new InputMissing(message, { agent: agent.name, contract });
}
