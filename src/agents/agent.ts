import type { Contract, Infer, InferInput } from "../contracts/contract.js";
import { AgentInvalid, type Failure, type Issue } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import { DEFAULT_LIMITS, type Limits, MAX_TIMER_MS } from "../limits/limits.js";
import type { Completion } from "./completion.js";
import { type Effect, WORK_EFFECT } from "./effect.js";

export type ContractMap = Readonly<Record<string, Contract>>;

/** What an agent is given: one frozen document for each contract it consumes, under the name it chose. */
export type Inputs<Consumes extends ContractMap> = { readonly [Name in keyof Consumes]: Infer<Consumes[Name]> };

type EffectNamed<Effects extends readonly Effect[], Name> = Extract<Effects[number], { readonly name: Name }>;
type ArgsOf<E> = E extends Effect<string, infer Args, infer _> ? Args : never;
type ReceiptOf<E> = E extends Effect<string, infer _, infer Receipt> ? Receipt : never;

/**
 * A call without a side effect (a model, a search): made once in a round, and answered from the journal when the round is
 * worked again after a crash. Arguments and result are plain JSON.
 */
export type RecordCall = <Result>(name: string, args: unknown, work: () => Promise<Result>) => Promise<Result>;

/** The only way out. */
export interface Performer<Effects extends readonly Effect[]> {
  readonly record: RecordCall;
  /** Performs a declared effect once, or returns the receipt of the time it was. */
  perform<Name extends Effects[number]["name"]>(
    name: Name,
    args: ArgsOf<EffectNamed<Effects, Name>>,
  ): Promise<ReceiptOf<EffectNamed<Effects, Name>>>;
}

export interface AgentContext<Effects extends readonly Effect[] = readonly Effect[]> {
  readonly runId: RunId;
  readonly effects: Performer<Effects>;
  /** Aborted when this attempt is over: time is up, or the run failed elsewhere. Pass it on. */
  readonly signal: AbortSignal;
  /** 1 for the first try of this call. */
  readonly attempt: number;
  /** What the gate found wrong with the answer of the round before; empty in the first round. */
  readonly feedback: readonly Issue[];
  /** The time, from the orchestrator's clock. */
  readonly now: () => Date;
}

/** What a `compensate` undoes. The output is missing when the agent failed half-way. */
export interface DoneWork<Consumes extends ContractMap, Output> {
  readonly inputs: Inputs<Consumes>;
  readonly output: Output | undefined;
}

/**
 * What happens when an agent fails for good, or its answer is still refused after the last repair:
 * `rollback` walks the run back; `skip` goes on with the agent's `fallback`; `cached` goes on with what this version of
 * the agent answered to the same inputs before; `ask` puts the question to a human.
 */
export type OnFailure = "rollback" | "skip" | "cached" | "ask";

/** An agent is data: dumb, input in, output out. It never calls another agent. */
export interface Agent<
  Consumes extends ContractMap = ContractMap,
  Produces extends Contract = Contract,
  Effects extends readonly Effect[] = readonly Effect[],
> {
  readonly name: string;
  /** Grows when the same input may give another answer. */
  readonly version: number;
  readonly description: string | undefined;
  readonly consumes: Consumes;
  readonly produces: Produces;
  readonly effects: Effects;
  execute(inputs: Inputs<Consumes>, context: AgentContext<Effects>): Promise<Completion<InferInput<Produces>>>;
  /** Undoes what `execute` did besides its effects. May run twice, and after a failure half-way. */
  compensate?(
    work: DoneWork<Consumes, Infer<Produces>>,
    context: { readonly runId: RunId; readonly signal: AbortSignal; readonly idempotencyKey: string },
  ): Promise<void>;
  /** Runs the agent only if this holds; otherwise its `fallback` stands in, or its contract stays empty. */
  when?(inputs: Inputs<Consumes>): boolean;
  /**
   * What stands in for an answer: when the agent is not run (`when`, then without a failure), or failed under
   * `onFailure: "skip"`. Undefined means that there is nothing to go on with: the failure stands.
   */
  fallback?(inputs: Inputs<Consumes>, failure: Failure | undefined): InferInput<Produces> | undefined;
  readonly onFailure: OnFailure;
  /** How often the gate may send a bad answer back. */
  readonly repairRounds: number;
  readonly limits: Limits;
  /** Set by `fanOut`: the agent that does the work, once for each item. */
  readonly branches?: Branches<Consumes> | undefined;
}

export interface Branches<Consumes extends ContractMap = ContractMap> {
  readonly agent: Agent;
  over(inputs: Inputs<Consumes>): readonly Inputs<ContractMap>[];
  collect(outputs: readonly unknown[], inputs: Inputs<Consumes>): unknown;
}

export type AgentDefinition<Consumes extends ContractMap, Produces extends Contract, Effects extends readonly Effect[]> = Pick<
  Agent<Consumes, Produces, Effects>,
  "name" | "consumes" | "produces" | "execute" | "compensate" | "when" | "fallback"
> & {
  readonly version?: number;
  readonly description?: string;
  readonly effects?: Effects;
  readonly onFailure?: OnFailure;
  readonly repairRounds?: number;
  readonly limits?: LimitsDefinition;
};

/** Limits with the defaults left out. */
export type LimitsDefinition = Partial<Omit<Limits, "backoff" | "breaker">> & {
  readonly backoff?: Partial<Limits["backoff"]>;
  readonly breaker?: Partial<Limits["breaker"]>;
};

const AGENT_NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** Defines an agent and fills in the defaults. Throws `AGENT_INVALID` and says what to change. */
export function defineAgent<Consumes extends ContractMap, Produces extends Contract, const Effects extends readonly Effect[] = readonly []>(
  definition: AgentDefinition<Consumes, Produces, Effects>,
): Agent<Consumes, Produces, Effects> {
  const { name, version = 1, repairRounds = 1, onFailure = "rollback" } = definition;
  const effects = definition.effects ?? ([] as unknown as Effects); // left out means none, which is what `Effects` then is
  const limits = withDefaults(definition.limits);
  const refuse = (reason: string) => {
    throw new AgentInvalid(`Agent "${name}" is not valid: ${reason}.`, { agent: name, reason });
  };
  if (!AGENT_NAME.test(name)) refuse('its name must be lower case words joined by dashes, like "assess-risk"');
  if (!Number.isSafeInteger(version) || version < 1) refuse("its version must be a positive integer");
  if (Object.keys(definition.consumes).length === 0) refuse("it consumes nothing; give it at least the workflow's input");
  if (!Number.isSafeInteger(repairRounds) || repairRounds < 0) refuse("repairRounds must be 0 or more");
  if (onFailure === "skip" && !definition.fallback) refuse('onFailure "skip" needs a fallback to go on with');
  const names = effects.map((effect) => effect.name);
  if (new Set(names).size < names.length) refuse("two of its effects have the same name");
  if (names.includes(WORK_EFFECT)) refuse(`the effect name "${WORK_EFFECT}" is reserved for compensate`);
  if (!limitsHold(limits))
    refuse(
      "timeoutMs, maxConcurrent and breaker.consecutiveFailures must be positive, the other limits 0 or more, durations below 2^31 ms",
    );
  return Object.freeze({ ...definition, version, description: definition.description, effects, onFailure, repairRounds, limits });
}

function withDefaults(limits: LimitsDefinition = {}): Limits {
  return Object.freeze({
    ...DEFAULT_LIMITS,
    ...limits,
    backoff: Object.freeze({ ...DEFAULT_LIMITS.backoff, ...limits.backoff }),
    breaker: Object.freeze({ ...DEFAULT_LIMITS.breaker, ...limits.breaker }),
  });
}

function limitsHold({ timeoutMs, retries, backoff, breaker, maxConcurrent, maxWaiting }: Limits): boolean {
  const positive = [timeoutMs, maxConcurrent, breaker.consecutiveFailures];
  const notNegative = [retries, backoff.initialMs, backoff.maxMs, breaker.halfOpenAfterMs, maxWaiting];
  const timers = [timeoutMs, backoff.maxMs, breaker.halfOpenAfterMs];
  return positive.every((limit) => limit > 0) && notNegative.every((limit) => limit >= 0) && timers.every((ms) => ms <= MAX_TIMER_MS);
}
