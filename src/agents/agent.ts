import type { Contract, Infer, InferInput } from "../contracts/contract.js";
import { AgentInvalid, type Failure, type Issue } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import { type BreakerDefinition, breakerProblem, breakerWithDefaults } from "../limits/breaker-policy.js";
import { DEFAULT_LIMITS, type Limits, MAX_TIMER_MS } from "../limits/limits.js";
import type { SpendCall, Spent } from "../limits/meter-call.js";
import type { Completion } from "./completion.js";
import { type Effect, WORK_EFFECT } from "./effect.js";
import { noTierOf, tiersProblem } from "./tier-rules.js";

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

/**
 * Does work that is paid for, within every budget and rate limit there is: the most it can take is reserved before, what it
 * reports is counted after. Put it inside `effects.record`, so that what a crash repeats is not paid for again. Throws
 * `BUDGET_EXCEEDED`, `RATE_LIMITED` or `PRICE_UNKNOWN` without doing it.
 */
export type Spend = <Result>(call: SpendCall, work: () => Promise<Spent<Result>>) => Promise<Result>;

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
  /** The agent's name, with a fan-out its branch's. */
  readonly agent: string;
  readonly effects: Performer<Effects>;
  readonly spend: Spend;
  /** Shows listeners a piece of an answer as it arrives (`agent.streamed`); nothing of it is kept. */
  readonly stream: (text: string) => void;
  /** Aborted when this attempt is over: time is up, or the run failed elsewhere. Pass it on. */
  readonly signal: AbortSignal;
  /** 1 for the first try of this call. */
  readonly attempt: number;
  /** What the gate found wrong with the answer of the round before; empty in the first round. */
  readonly feedback: readonly Issue[];
  /** The tier that works, where the agent has tiers. */
  readonly tier?: string | undefined;
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

/** One way of doing an agent's work: a better model, a cheaper one, rules in code. Guarded by itself, with a breaker of its own. */
export interface LiveTier<
  Consumes extends ContractMap = ContractMap,
  Produces extends Contract = Contract,
  Effects extends readonly Effect[] = readonly Effect[],
> {
  readonly name: string;
  execute(inputs: Inputs<Consumes>, context: AgentContext<Effects>): Promise<Completion<InferInput<Produces>>>;
  /** What is left out is as the agent has it. */
  readonly limits?: LimitsDefinition | undefined;
  /** Looked at before each call; a tier that is not there (it has no key) is passed over, and nothing is degraded by that. */
  available?(): boolean;
  /** Effects that it performs: the agent must have declared each. */
  readonly performs?: readonly string[] | undefined;
}

/** What this version of the agent answered to the same inputs in an earlier run that completed. */
export interface CachedTier {
  readonly name: string;
  readonly cached: true;
  /** An older answer does not count; of any age when left out. */
  readonly maxAgeMs?: number | undefined;
}

/** A fixed, safe answer, which must keep the contract as it is. */
export interface EmergencyTier<Consumes extends ContractMap = ContractMap, Produces extends Contract = Contract> {
  readonly name: string;
  emergency(inputs: Inputs<Consumes>, failure: Failure): InferInput<Produces>;
}

export type Tier<
  Consumes extends ContractMap = ContractMap,
  Produces extends Contract = Contract,
  Effects extends readonly Effect[] = readonly Effect[],
> = LiveTier<Consumes, Produces, Effects> | CachedTier | EmergencyTier<Consumes, Produces>;

/** An answer from below the first tier that could be asked, with the failure of the tier above. */
export interface DegradedAnswer<Consumes extends ContractMap = ContractMap, Output = unknown> {
  readonly tier: string;
  readonly inputs: Inputs<Consumes>;
  readonly output: Output;
  readonly failure: Failure;
}

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
  /** With tiers: the work of the first one that is available. Another `execute` in its place works without tiers. */
  execute(inputs: Inputs<Consumes>, context: AgentContext<Effects>): Promise<Completion<InferInput<Produces>>>;
  /** Best first; each is asked when the one above it failed. */
  readonly tiers?: readonly Tier<Consumes, Produces, Effects>[] | undefined;
  /** Accepts a degraded answer with undefined, or says in a sentence why the next tier is to be asked. */
  onDegrade?(answer: DegradedAnswer<Consumes, Infer<Produces>>): string | undefined;
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

/** Either one way of doing the work, or several in tiers. */
type Work<Consumes extends ContractMap, Produces extends Contract, Effects extends readonly Effect[]> =
  | (Pick<Agent<Consumes, Produces, Effects>, "execute"> & { readonly tiers?: never; readonly onDegrade?: never })
  | (Pick<Agent<Consumes, Produces, Effects>, "onDegrade"> & {
      readonly tiers: readonly Tier<NoInfer<Consumes>, NoInfer<Produces>, NoInfer<Effects>>[];
      readonly execute?: never;
    });

export type AgentDefinition<Consumes extends ContractMap, Produces extends Contract, Effects extends readonly Effect[]> = Pick<
  Agent<Consumes, Produces, Effects>,
  "name" | "consumes" | "produces" | "compensate" | "when" | "fallback"
> &
  Work<Consumes, Produces, Effects> & {
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
  readonly breaker?: BreakerDefinition;
};

const AGENT_NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** Defines an agent and fills in the defaults. Throws `AGENT_INVALID` and says what to change. */
export function defineAgent<Consumes extends ContractMap, Produces extends Contract, const Effects extends readonly Effect[] = readonly []>(
  definition: AgentDefinition<Consumes, Produces, Effects>,
): Agent<Consumes, Produces, Effects> {
  const { name, version = 1, repairRounds = 1, onFailure = "rollback", tiers } = definition;
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
  const beyond = limitsProblem(limits);
  if (beyond !== undefined) refuse(beyond);
  const wrong = workProblem(definition, limits);
  if (wrong !== undefined) refuse(wrong);
  const execute = definition.execute ?? byTiers(name, tiers ?? []);
  return Object.freeze({ ...definition, execute, version, description: definition.description, effects, onFailure, repairRounds, limits });
}

/** The tiers an agent works by; none once another `execute` has taken their place. */
export function tiersOf(agent: Agent): readonly Tier[] {
  return BY_TIERS in agent.execute ? (agent.tiers ?? []) : [];
}

export function isLive<Live extends LiveTier<never, never, never>>(tier: Live | CachedTier | EmergencyTier<never, never>): tier is Live {
  return "execute" in tier;
}

/** What a tier may take: its own limits, and the agent's where it says nothing. */
export function tierLimits(tier: Pick<LiveTier, "limits">, agent: Pick<Agent, "limits">): Limits {
  return withDefaults(tier.limits, agent.limits);
}

const BY_TIERS = Symbol.for("walkback.by-tiers");

/** For whoever calls the agent by itself; `invoke` asks the tiers one after the other. */
function byTiers<Consumes extends ContractMap, Produces extends Contract, Effects extends readonly Effect[]>(
  agent: string,
  tiers: readonly Tier<Consumes, Produces, Effects>[],
): Agent<Consumes, Produces, Effects>["execute"] {
  const execute: Agent<Consumes, Produces, Effects>["execute"] = async (inputs, context) => {
    const first = tiers.filter((tier) => isLive(tier)).find((tier) => tier.available?.() !== false);
    if (first) return first.execute(inputs, context);
    throw noTierOf(agent);
  };
  return Object.assign(execute, { [BY_TIERS]: true });
}

/** What is wrong with how the work is done, or undefined. The types allow none of it, but for what is in the tiers. */
function workProblem<Consumes extends ContractMap, Produces extends Contract, Effects extends readonly Effect[]>(
  work: {
    readonly execute?: unknown;
    readonly onDegrade?: unknown;
    readonly tiers?: readonly Tier<Consumes, Produces, Effects>[];
    readonly effects?: Effects;
  },
  limits: Limits,
): string | undefined {
  const { execute, tiers, onDegrade, effects = [] } = work;
  if (!tiers && onDegrade) return "onDegrade is about tiers, and it has none";
  if (!tiers) return execute ? undefined : "it has neither an execute nor tiers";
  if (execute) return "it has both an execute and tiers; move the execute into a tier";
  const live = tiers.filter((tier) => isLive(tier));
  return (
    tiersProblem(tiers) ??
    live.map((tier) => tierLimitsProblem(tier, limits) ?? performsProblem(tier, effects)).find((problem) => problem !== undefined)
  );
}

function performsProblem({ name, performs = [] }: Pick<LiveTier, "name" | "performs">, effects: readonly Effect[]): string | undefined {
  const missing = performs.find((effect) => !effects.some((declared) => declared.name === effect));
  return missing && `its tier "${name}" performs "${missing}"; declare that effect in its effects`;
}

function tierLimitsProblem(tier: Pick<LiveTier, "name" | "limits">, limits: Limits): string | undefined {
  const problem = limitsProblem(withDefaults(tier.limits, limits));
  return problem && `of its tier "${tier.name}": ${problem}`;
}

function withDefaults(limits: LimitsDefinition = {}, base = DEFAULT_LIMITS): Limits {
  return Object.freeze({
    ...base,
    ...limits,
    backoff: Object.freeze({ ...base.backoff, ...limits.backoff }),
    breaker: breakerWithDefaults(limits.breaker, base.breaker),
  });
}

function limitsProblem({ timeoutMs, retries, backoff, breaker, maxConcurrent, maxWaiting }: Limits): string | undefined {
  const positive = [timeoutMs, maxConcurrent].every((limit) => limit > 0);
  const notNegative = [retries, backoff.initialMs, backoff.maxMs, maxWaiting].every((limit) => limit >= 0);
  if (positive && notNegative && timeoutMs <= MAX_TIMER_MS && backoff.maxMs <= MAX_TIMER_MS) return breakerProblem(breaker);
  return "timeoutMs and maxConcurrent must be positive, the other limits 0 or more, durations below 2^31 ms";
}
