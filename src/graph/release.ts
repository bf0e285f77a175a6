import { WORK_EFFECT } from "../agents/effect.js";
import { type EffectRecord, standing } from "../checkpoint/journal-view.js";
import type { Version } from "../checkpoint/ports.js";
import { compareShapes } from "../contracts/compatibility.js";
import type { Contract } from "../contracts/contract.js";
import { isWalkbackError, type ProgramIssue } from "../contracts/failure.js";
import { seal } from "../contracts/json.js";
import type { Program } from "../contracts/program.js";
import type { Question } from "../contracts/question.js";
import type { Kit } from "./kit.js";
import { contractName, contractVersion } from "./upcast.js";

/** What of a run has to find its place in the program that carries it on. */
export interface Inheritance {
  /** What it was made with; undefined for a run of a release that did not say. */
  readonly program: Program | undefined;
  readonly versions: readonly Version[];
  readonly effects: Iterable<EffectRecord>;
  readonly questions: readonly Question[];
}

type Known = Pick<Kit, "workflow" | "findAgent" | "program">;

/** Whether a run was made by this very program; one that does not say, whether none of its versions speaks against it. */
export function madeBy(kit: Known, made: Program | readonly Version[]): boolean {
  if (!isVersions(made)) return seal(made, Number.MAX_SAFE_INTEGER).hash === kit.program.hash;
  return made.every(({ number, agent, agentVersion, contract }) => {
    if (number === 0) return contract === kit.workflow.input.id;
    const maker = kit.findAgent(agent);
    return maker?.version === agentVersion && maker.produces.id === contract;
  });
}

function isVersions(made: Program | readonly Version[]): made is readonly Version[] {
  return Array.isArray(made);
}

/** Everything that the run needs and the program lacks; with an empty list it can be carried on. */
export function missingFor(kit: Known, inheritance: Inheritance): readonly ProgramIssue[] {
  const { program, versions, effects, questions } = inheritance;
  const documents = versions.flatMap((version) => documentIssues(kit, program, version));
  const all = [...documents, ...effectIssues(kit, effects), ...questionIssues(kit, questions)];
  return all.filter(({ message }, index) => all.findIndex((other) => other.message === message) === index);
}

/** A document counts when this program takes it as the input, or as what an agent has already done. */
function documentIssues(kit: Known, program: Program | undefined, version: Version): ProgramIssue[] {
  const { number, agent } = version;
  const wanted = number === 0 ? kit.workflow.input : kit.findAgent(agent)?.produces;
  if (!wanted) return []; // nobody asks for it any more
  if (wanted.name !== contractName(version)) {
    const message = `${agent} made ${version.contract}; in this program it is ${wanted.id}`;
    return [{ problem: "product-changed", agent, contract: wanted.id, message }];
  }
  return [...chainIssues(kit, version, wanted), ...shapeIssues(kit, program, version)];
}

function chainIssues({ workflow }: Known, recorded: Version, wanted: Contract): ProgramIssue[] {
  const from = contractVersion(recorded);
  const about = { contract: recorded.contract };
  if (from > wanted.version)
    return [
      { problem: "contract-newer", ...about, message: `${recorded.contract} is on record, and this program only knows ${wanted.id}` },
    ];
  try {
    workflow.registry.upcastChain(wanted.name, from, wanted.version);
    return [];
  } catch (thrown) {
    if (!isWalkbackError(thrown)) throw thrown;
    return [{ problem: "no-upcast", ...about, message: thrown.message.replace(/\.$/, "") }];
  }
}

/** The same version with another shape: somebody forgot to count it up. */
function shapeIssues({ workflow: { registry } }: Known, program: Program | undefined, { contract }: Version): ProgramIssue[] {
  const before = program?.contracts[contract];
  if (!before || !registry.has(contract)) return [];
  const { kind, breaking } = compareShapes(before, registry.jsonSchema(contract));
  if (kind !== "breaking") return [];
  return [
    {
      problem: "contract-changed",
      contract,
      message: `${contract} has another shape in this program (${breaking.slice(0, 3).join("; ")})`,
    },
  ];
}

/** What a walk-back would have to undo, or may not go past. */
function effectIssues({ findAgent }: Known, effects: Iterable<EffectRecord>): ProgramIssue[] {
  return standing(effects).flatMap(({ agent, effect, identity }): ProgramIssue[] => {
    const owner = findAgent(agent);
    const message = `"${effect}" of ${agent} (${identity}) stands outside, and this program has no such`;
    if (!owner) return [{ problem: "agent-gone", agent, effect, message: `${message} agent` }];
    const known = effect === WORK_EFFECT ? owner.compensate : owner.effects.some(({ name }) => name === effect);
    return known ? [] : [{ problem: "effect-gone", agent, effect, message: `${message} effect` }];
  });
}

/** What the walk-back asked is about effects, and those have been looked at. */
function questionIssues({ findAgent }: Known, questions: readonly Question[]): ProgramIssue[] {
  return questions
    .filter(({ kind, agent }) => kind !== "undo-failed" && kind !== "quarantined" && !findAgent(agent))
    .map(({ id, agent }) => ({
      problem: "agent-gone",
      agent,
      message: `the open question ${id} is about ${agent}, which this program does not have`,
    }));
}
