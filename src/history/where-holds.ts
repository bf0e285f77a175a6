import type { Expression, JsonataError } from "jsonata";
import { BisectInvalid, messageOf } from "../contracts/failure.js";
import { cannotSay, type Judgement, type Moment, type Predicate, stateAt } from "./predicate.js";
import { headOf } from "./state.js";

export interface WhereOptions {
  /** For one version; 5 s when left out. Nothing else of this process gets on meanwhile. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 5_000;

/**
 * Holds while a JSONata expression is true of the state. The state has the contracts' names as its fields, which therefore
 * stand in backticks: `` `credit.risk`.confidence >= 0.7 ``; `$version` is the head of the version looked at. Where a
 * contract that the expression begins a path with is not there yet, or the expression has no value, nothing can be broken.
 * Throws `BISECT_INVALID` when it cannot be read, `PREDICATE_FAILED` when it cannot be evaluated or is neither true nor false.
 */
export function whereHolds(expression: string, { timeoutMs = TIMEOUT_MS }: WhereOptions = {}): Predicate {
  let parsed: Promise<Parsed> | undefined;
  return {
    says: expression,
    async judge(moment) {
      parsed ??= parse(expression, timeoutMs);
      return judge(await parsed, moment, expression);
    },
  };
}

interface Parsed {
  readonly expression: Expression;
  /** The contracts that it speaks of. */
  readonly contracts: readonly string[];
}

/** JSONata takes a moment to load, so only who asks with it waits for it. */
async function parse(text: string, timeout: number): Promise<Parsed> {
  const { default: jsonata } = await import("jsonata");
  try {
    const expression = jsonata(text, { timeout });
    return { expression, contracts: [...new Set(contractsIn(expression.ast()))] };
  } catch (thrown) {
    const reason = `${messageIn(thrown)}${placeIn(thrown, text)}`;
    throw new BisectInvalid(`The expression "${text}" cannot be read: ${reason}.`, { argument: "where", reason }, { cause: thrown });
  }
}

async function judge({ expression, contracts }: Parsed, moment: Moment, text: string): Promise<Judgement> {
  const { state, version } = await stateAt(moment);
  const missing = contracts.find((contract) => !Object.hasOwn(state, contract));
  if (missing !== undefined) return { kind: "absent", why: `${missing} is not there` };
  let value: unknown;
  try {
    value = await expression.evaluate(state, { version: headOf(version) });
  } catch (thrown) {
    throw cannotSay(moment, text, `${messageIn(thrown)}${placeIn(thrown, text)}`, thrown);
  }
  if (value === undefined) return { kind: "absent", why: `the expression has no value; the state has ${namesOf(state)}` };
  if (typeof value === "boolean") return { kind: value ? "holds" : "broken" };
  throw cannotSay(moment, text, `its value is ${excerpt(messageOf(value))}, which is neither true nor false`);
}

function namesOf(state: object): string {
  return Object.keys(state)
    .map((name) => `\`${name}\``)
    .join(", ");
}

/** JSONata throws plain objects. */
function messageIn(thrown: unknown): string {
  return messageOf((thrown as Partial<JsonataError> | undefined)?.message ?? thrown);
}

function placeIn(thrown: unknown, text: string): string {
  const { position } = thrown as Partial<JsonataError>;
  if (position === undefined) return "";
  return position >= text.length
    ? " (at its end)"
    : ` (at character ${position}, after "${text.slice(Math.max(0, position - 20), position)}")`;
}

function excerpt(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

const CONTRACT_NAME = /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+$/;

/** As much of JSONata's syntax tree as is looked at; the library's own type leaves the paths out. */
interface Node {
  readonly type?: string;
  readonly value?: unknown;
  readonly steps?: readonly Node[];
  readonly stages?: readonly Node[];
}

/** The contracts' names with which paths from the state itself begin; further inside a path, names mean something else. */
function contractsIn(node: unknown, fromState = true): string[] {
  if (typeof node !== "object" || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((inner) => contractsIn(inner, fromState));
  const { type, value, steps, stages } = node as Node;
  if (type === "path" && steps) return contractsInPath(steps, fromState);
  if (type !== "name") return Object.values(node).flatMap((inner) => contractsIn(inner, fromState));
  return [...(fromState && CONTRACT_NAME.test(String(value)) ? [String(value)] : []), ...contractsIn(stages, false)];
}

function contractsInPath([first, ...rest]: readonly Node[], fromState: boolean): string[] {
  if (!first) return [];
  const here = first.type === "variable" && first.value === "";
  const root = first.type === "variable" && first.value === "$"; // JSONata keeps the $ and the $$ of a path without their first letter
  if (here || root) return contractsInPath(rest, fromState || root);
  return [...contractsIn(first, fromState), ...contractsIn(rest, false)];
}
