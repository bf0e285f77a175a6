import type * as z from "zod";
import { ContractInvalid, type Issue, messageOf, pointerOf } from "./failure.js";

/** What a rule says of a document: fine (`true`), broken (`false`), or broken and why (a sentence). */
export type Verdict = boolean | string;

/** Semantic rules, by the sentence that must be true of every document: `{ "confidence is at least 0.7": (f) => f.confidence >= 0.7 }`. */
export type Rules<Document> = Readonly<Record<string, (document: Document) => Verdict>>;

/** A versioned schema that crosses an edge. `id` is `name@version`. */
export interface Contract<Name extends string = string, Schema extends z.ZodType = z.ZodType> {
  readonly name: Name;
  readonly version: number;
  readonly id: string;
  readonly description: string | undefined;
  readonly schema: Schema;
  /** A method so that a contract of a narrow document is still a `Contract`. */
  judge(document: z.output<Schema>): readonly Issue[];
  readonly ruleNames: readonly string[];
  /** The contract of the version before, when it is known. */
  readonly previous: Contract | undefined;
  /** Brings a document of version - 1 to this version. */
  readonly upcast: ((older: never) => unknown) | undefined;
}

/** The frozen document that a contract describes. */
export type Infer<C extends Contract> = z.output<C["schema"]>;
/** What may be handed in where the contract is parsed: defaults may still be missing. */
export type InferInput<C extends Contract> = z.input<C["schema"]>;

export interface ContractDefinition<Name extends string, Schema extends z.ZodType, Older> {
  /** `area.noun`, lower case. It is also the name of the graph's state channel. */
  readonly name: Name;
  /** A positive integer that grows with every change of the shape. */
  readonly version: number;
  readonly description?: string;
  readonly schema: Schema;
  readonly rules?: Rules<z.output<Schema>>;
  /** The contract of the version before; it types `upcast` and makes the chain walkable. */
  readonly previous?: Contract & { readonly schema: z.ZodType<Older> };
  readonly upcast?: (older: Older) => z.input<Schema>;
}

const CONTRACT_NAME = /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+$/;

/**
 * Defines a contract. Throws `CONTRACT_INVALID` for a name that is not `area.noun`, a version that is not a positive
 * integer, an `upcast` on version 1, or a `previous` that is not the version before.
 */
export function defineContract<const Name extends string, Schema extends z.ZodType, Older = never>(
  definition: ContractDefinition<Name, Schema, Older>,
): Contract<Name, Schema> {
  const { name, version, schema, rules = {}, previous, upcast } = definition;
  const id = `${name}@${version}`;
  const refuse = (reason: string) => {
    throw new ContractInvalid(`Contract ${id} is not valid: ${reason}.`, { contract: id, reason });
  };
  if (!CONTRACT_NAME.test(name)) refuse('its name must look like "area.noun" in lower case');
  if (!Number.isSafeInteger(version) || version < 1) refuse("its version must be a positive integer");
  if (version === 1 && upcast) refuse("version 1 has no version before it to upcast from");
  if (previous && (previous.name !== name || previous.version !== version - 1))
    refuse(`its previous must be ${name}@${version - 1}, not ${previous.id}`);
  if (previous && !upcast) refuse(`it names ${previous.id} as previous but has no upcast from it`);

  return Object.freeze({
    name,
    version,
    id,
    description: definition.description,
    schema,
    judge: (document: z.output<Schema>) => judge(rules, document),
    ruleNames: Object.freeze(Object.keys(rules)),
    previous,
    upcast,
  });
}

/** A document that fits, or everything that is wrong with it. */
export type Checked<Document> =
  | { readonly ok: true; readonly document: Document }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** Checks the shape, then (only if the shape holds) the rules. Never throws. */
export function check<C extends Contract>(contract: C, document: unknown): Checked<Infer<C>> {
  const shaped = checkShape(contract, document);
  if (!shaped.ok) return shaped;
  const issues = contract.judge(shaped.document);
  return issues.length === 0 ? shaped : { ok: false, issues };
}

/** Checks the shape alone. Never throws. */
export function checkShape<C extends Contract>(contract: C, document: unknown): Checked<Infer<C>> {
  try {
    const parsed = contract.schema.safeParse(document);
    if (parsed.success) return { ok: true, document: parsed.data as Infer<C> };
    return { ok: false, issues: parsed.error.issues.map((issue) => ({ path: pointerOf(issue.path), message: issue.message })) };
  } catch (thrown) {
    // An asynchronous refinement, or a refinement that itself threw.
    return { ok: false, issues: [{ path: "", message: `the schema of ${contract.id} could not be applied: ${messageOf(thrown)}` }] };
  }
}

/** One line for a person: where and what, at most three of them. */
export function describeIssues(issues: readonly Issue[]): string {
  const shown = issues.slice(0, 3).map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
  const more = issues.length - shown.length;
  return shown.join("; ") + (more > 0 ? `; and ${more} more` : "");
}

function judge<Document>(rules: Rules<Document>, document: Document): Issue[] {
  return Object.entries(rules).flatMap(([rule, holds]) => {
    let verdict: Verdict;
    try {
      verdict = holds(document);
    } catch (thrown) {
      verdict = `the rule itself failed: ${messageOf(thrown)}`;
    }
    if (verdict === true) return [];
    return [{ path: "", rule, message: verdict === false ? `breaks the rule "${rule}"` : `breaks the rule "${rule}": ${verdict}` }];
  });
}
