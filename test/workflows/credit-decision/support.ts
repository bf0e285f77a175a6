import {
  type Agent,
  type AgentContext,
  type Completion,
  type ContractMap,
  check,
  type Inputs,
  type LimitsDefinition,
  type RunId,
} from "../../../src/index.js";
import { riskOf } from "../../../src/workflows/credit-decision/agents/assess-risk.js";
import { scoreOf } from "../../../src/workflows/credit-decision/agents/calculate-score.js";
import { fraudOf } from "../../../src/workflows/credit-decision/agents/detect-fraud.js";
import { incomeOf } from "../../../src/workflows/credit-decision/agents/verify-income.js";
import {
  APPLICATION_SCORECARD,
  assessRisk,
  type Bank,
  CreditApplication,
  type CreditDecision,
  CreditFraud,
  calculateScore,
  decideCredit,
  detectFraud,
  type Evidence,
  sqliteBank,
  verifyIncome,
} from "../../../src/workflows/credit-decision/index.js";
import { decisionOn } from "../../../src/workflows/credit-decision/rules.js";

/** A good risk without a word on income; give what differs. */
export function anApplication(differences: Partial<CreditApplication> = {}): CreditApplication {
  return CreditApplication.schema.parse({
    id: "A-1",
    status: ">= 200 DM / salary for at least 1 year",
    durationMonths: 12,
    creditHistory: "all credits at this bank paid back duly",
    purpose: "furniture/equipment",
    amountCents: 2_000_00,
    savings: "100 <= ... < 500 DM",
    employmentDuration: "4 <= ... < 7 yrs",
    installmentRate: "20 <= ... < 25",
    otherDebtors: "none",
    presentResidence: ">= 7 yrs",
    property: "car or other",
    otherInstallmentPlans: "none",
    housing: "rent",
    numberCredits: "1",
    job: "skilled employee/official",
    peopleLiable: "0 to 2",
    telephone: "no",
    submittedOn: "2026-10-12",
    ...differences,
  });
}

export function aPayslip(differences: Partial<Evidence> = {}): Evidence {
  return {
    documentId: "payslip-sep",
    kind: "payslip",
    issuer: "Brandt Werkzeugbau GmbH",
    issuedOn: "2026-09-30",
    monthlyNetIncomeCents: 2_500_00,
    ...differences,
  };
}

/** The same agents with other limits, also where a tier has limits of its own. */
export function limited(agents: readonly Agent[], limits: LimitsDefinition): readonly Agent[] {
  return agents.map((agent) => ({
    ...agent,
    limits: { ...agent.limits, ...limits } as Agent["limits"], // whole ones, with whole ones in their place
    ...(agent.tiers
      ? { tiers: agent.tiers.map((tier) => ("execute" in tier ? { ...tier, limits: { ...tier.limits, ...limits } } : tier)) }
      : {}),
  }));
}

/** Proof of an income in one document. */
export function aTaxAssessment(monthlyNetIncomeCents: number): Evidence {
  return { documentId: "tax-2025", kind: "tax-assessment", issuer: "Finanzamt Kassel", issuedOn: "2026-05-20", monthlyNetIncomeCents };
}

/** An in-memory bank, closed at the end of the test. */
export function aBank(options: { readonly maxExposureCents?: number } = {}) {
  const bank = sqliteBank({ file: ":memory:", now: () => new Date("2026-10-12T09:00:00.000Z"), ...options });
  return { ...bank, [Symbol.asyncDispose]: () => bank.close() };
}

export const emptyBooks = { bureau_inquiries: [], evidence_holds: [], fraud_cases: [], exposure_reservations: [], offers: [] };

/** Calls an agent by itself; its effects go straight to the bank it was made with. */
export async function execute<Consumes extends ContractMap, Produced>(
  agent: {
    readonly name: string;
    readonly effects: Agent["effects"];
    execute(inputs: Inputs<Consumes>, context: AgentContext<never>): Promise<Completion<Produced>>;
  },
  inputs: Inputs<Consumes>,
): Promise<Produced> {
  const answer = await agent.execute(inputs, directContext(agent));
  if (answer.status === "failed") throw new Error(`${agent.name} gave up: ${answer.reasonCode}`);
  return answer.output;
}

/** A context without an orchestrator: no journal, one generation of keys. */
export function directContext({ name, effects }: Pick<Agent, "name" | "effects">): AgentContext<never> {
  const signal = new AbortController().signal;
  const perform = async (effectName: string, args: unknown) => {
    const effect = effects.find((declared) => declared.name === effectName);
    if (!effect) throw new Error(`${name} has no effect ${effectName}`);
    return effect.perform(args, { idempotencyKey: `run-1/${name}/${effectName}/${effect.identity(args)}/0`, signal });
  };
  const context = {
    runId: "run-1" as RunId,
    effects: { perform },
    signal,
    attempt: 1,
    feedback: [],
    now: () => new Date("2026-10-12T09:00:00.000Z"),
  };
  return context as unknown as AgentContext<never>; // `perform` is typed by each agent's own list of effects
}

/** The five agents one after the other, with the gate behind detect-fraud, all writing to the bank. */
export async function decideAtBank(application: CreditApplication, bank: Bank): Promise<CreditDecision> {
  const score = await execute(calculateScore(bank), { application });
  const income = await execute(verifyIncome(bank), { application });
  const screening = await execute(detectFraud(bank), { application });
  const fraud = check(CreditFraud, screening).ok ? screening : { ...screening, verdict: "inconclusive" as const };
  const risk = await execute(assessRisk(bank), { application, score, income });
  return execute(decideCredit(bank), { application, score, income, fraud, risk });
}

/** What the five agents think, without a bank. */
export function decide(application: CreditApplication): CreditDecision {
  const screening = fraudOf(application);
  const fraud = check(CreditFraud, screening).ok ? screening : { ...screening, verdict: "inconclusive" as const };
  return decisionOn(riskOf(application, scoreOf(APPLICATION_SCORECARD, application), incomeOf(application)), fraud);
}
