import type { Branches, ContractMap, Inputs } from "../agents/agent.js";
import { failureOf, inputHash, sealProduct } from "../agents/call.js";
import type { RunScope } from "../agents/scope.js";
import type { Version } from "../checkpoint/ports.js";
import { check, describeIssues } from "../contracts/contract.js";
import { ContractViolated, isOurs } from "../contracts/failure.js";
import { seal } from "../contracts/json.js";
import { accept, failStep, obtain } from "./handoff.js";
import type { Kit } from "./kit.js";
import type { Obtained, Step } from "./step.js";
import { documentFor } from "./upcast.js";

/**
 * Gives a fan-out's step the way it works a round: every item a step of its own, in parallel; then one version with the
 * results in the items' order. In a later round only the branches that failed work again.
 */
export function withBranches(kit: Kit, scope: RunScope, step: Step): Step {
  const { branches } = step.agent;
  if (!branches) return step;
  const conduct = async (round: number): Promise<Obtained> => {
    const recorded = await kit.runtime.store.versions.outcome(scope.runId, step.step, round);
    if (recorded?.kind === "version") return recorded;
    try {
      return await runBranches(kit, scope, conducted, branches, round);
    } catch (thrown) {
      const failure = failureOf(step.step, thrown);
      if (isOurs(failure)) throw failure;
      return failStep(kit, scope, conducted, round, failure.toJSON());
    }
  };
  const conducted: Step = { ...step, conduct };
  return conducted;
}

async function runBranches(kit: Kit, scope: RunScope, step: Step, branches: Branches, round: number): Promise<Obtained> {
  const items = branches.over(step.inputs).map((item, index) => branchStep(kit, step, branches, item, index));
  const obtained = await Promise.all(items.map((item) => runBranch(kit, scope, step, item, round)));
  const held = obtained.filter((result) => result.kind !== "version");
  const stop = held.find(({ kind }) => kind === "ask") ?? held.find(({ kind }) => kind === "failure") ?? held[0];
  if (stop) return stop.kind === "failure" ? failStep(kit, scope, step, round, stop.failure) : stop;
  const versions = obtained.flatMap((result) => (result.kind === "version" ? [result.version] : []));
  return collect(kit, scope, step, branches, versions, round);
}

function branchStep(kit: Kit, step: Step, branches: Branches, item: Inputs<ContractMap>, index: number): Step {
  const name = `${step.step}[${index}]`;
  const sealed = seal<Inputs<ContractMap>>(item, kit.runtime.maxDocumentBytes);
  for (const [input, contract] of Object.entries(branches.agent.consumes)) {
    const checked = check(contract, sealed.data[input]);
    if (checked.ok) continue;
    const message = `The inputs of ${name} do not keep ${contract.id}: ${describeIssues(checked.issues)}.`;
    throw new ContractViolated(message, { agent: step.step, contract: contract.id, round: 0, issues: checked.issues });
  }
  // The item stands for all that went into it, so a branch is found again by its own inputs alone.
  const from = step.from.map(({ number }) => ({ number, dataHash: sealed.hash }));
  return { agent: branches.agent, step: name, inputs: sealed.data, from };
}

async function runBranch(kit: Kit, scope: RunScope, whole: Step, branch: Step, round: number): Promise<Obtained> {
  const obtained = await obtain(kit, scope, branch, await firstRound(kit, scope, branch, round));
  const accepted = obtained.kind === "version" ? await accept(kit, scope, branch, obtained.version) : obtained;
  // Without a policy to go on, the first branch that fails stops the others.
  if (accepted.kind === "failure" && whole.agent.onFailure === "rollback") scope.fail(accepted.failure);
  if (accepted.kind !== "empty") return accepted;
  return { kind: "failure", failure: failureOf(branch.step, "a branch that may not run (when) needs a fallback").toJSON() };
}

/** Past the rounds in which the branch failed, as far as this round of the whole allows. */
async function firstRound(kit: Kit, scope: RunScope, branch: Step, upTo: number): Promise<number> {
  for (let round = 0; round < upTo; round++) {
    const recorded = await kit.runtime.store.versions.outcome(scope.runId, branch.step, round);
    if (recorded?.kind !== "failure") return round;
  }
  return upTo;
}

async function collect(
  kit: Kit,
  scope: RunScope,
  step: Step,
  branches: Branches,
  versions: readonly Version[],
  round: number,
): Promise<Obtained> {
  const { runtime } = kit;
  const outputs = versions.map((version) => resultOf(kit, scope, step, branches, version));
  const version = await runtime.store.versions.append({
    runId: scope.runId,
    epoch: scope.epoch,
    agent: step.step,
    agentVersion: step.agent.version,
    contract: step.agent.produces.id,
    parents: versions.map(({ number }) => number),
    round,
    source: "agent",
    inputHash: inputHash({ from: step.from, feedback: [] }),
    data: sealProduct(runtime, step.agent, branches.collect(outputs, step.inputs)),
    at: runtime.now().toISOString(),
  });
  scope.emit({ type: "agent.completed", agent: step.step, round, version: version.number, durationMs: 0, source: "agent" });
  return { kind: "version", version };
}

function resultOf(kit: Kit, scope: RunScope, { step }: Step, { agent }: Branches, version: Version): unknown {
  const found = documentFor(kit, scope, version, agent.produces);
  if (found.ok) return found.document;
  const message = `${version.contract} does not become a valid ${agent.produces.id} for ${step}: ${describeIssues(found.issues)}.`;
  throw new ContractViolated(message, { agent: version.agent, contract: agent.produces.id, round: version.round, issues: found.issues });
}
