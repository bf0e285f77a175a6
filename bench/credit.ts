import { completed, createOrchestrator, defineAgent, defineEffect, defineWorkflow } from "walkback";
import {
  CreditApplication,
  CreditDecision,
  CreditFraud,
  CreditIncome,
  CreditRisk,
  CreditScore,
  creditDecision,
} from "walkback/workflows/credit-decision";

/** What the real agents answered on a real application: documents of a realistic size that pass the contracts. */
export interface Answers {
  readonly application: CreditApplication;
  readonly score: CreditScore;
  readonly income: CreditIncome;
  readonly fraud: CreditFraud;
  readonly risk: CreditRisk;
  readonly decision: CreditDecision;
}

/** Has the shipped workflow decide its first sample, and keeps each product. */
export async function recordAnswers(): Promise<Answers> {
  const { workflow, close } = await creditDecision.open({ dataDir: undefined });
  await using orchestrator = createOrchestrator({ workflows: [workflow] });
  const { runId } = await orchestrator.start(workflow.name, creditDecision.samples[0]?.input);
  const { versions } = await orchestrator.inspect(runId);
  await close();
  const of = (contract: { readonly id: string }) => versions.findLast((version) => version.contract === contract.id)?.data;
  return {
    application: CreditApplication.schema.parse(of(CreditApplication)),
    score: CreditScore.schema.parse(of(CreditScore)),
    income: CreditIncome.schema.parse(of(CreditIncome)),
    fraud: CreditFraud.schema.parse(of(CreditFraud)),
    risk: CreditRisk.schema.parse(of(CreditRisk)),
    decision: CreditDecision.schema.parse(of(CreditDecision)),
  };
}

/** An application of its own for each run. */
export function applicationOf({ application }: Answers, index: number): CreditApplication {
  return { ...application, id: `B-${index}` };
}

/** The five agents of `credit-decision`, each with its answer ready; the last one sends a letter, which is a line in a set. */
export function readyWorkflow({ score, income, fraud, risk, decision }: Answers, letters: Set<string>) {
  const about = ({ id: applicationId }: CreditApplication) => ({ applicationId });
  const application = CreditApplication;
  const agents = [
    defineAgent({
      name: "calculate-score",
      consumes: { application },
      produces: CreditScore,
      execute: async (given) => completed({ ...score, ...about(given.application) }),
    }),
    defineAgent({
      name: "verify-income",
      consumes: { application },
      produces: CreditIncome,
      execute: async (given) => completed({ ...income, ...about(given.application) }),
    }),
    defineAgent({
      name: "detect-fraud",
      consumes: { application },
      produces: CreditFraud,
      execute: async (given) => completed({ ...fraud, ...about(given.application) }),
    }),
    defineAgent({
      name: "assess-risk",
      consumes: { application, score: CreditScore, income: CreditIncome },
      produces: CreditRisk,
      execute: async (given) => completed({ ...risk, ...about(given.application) }),
    }),
    defineAgent({
      name: "decide-credit",
      consumes: { application, score: CreditScore, income: CreditIncome, fraud: CreditFraud, risk: CreditRisk },
      produces: CreditDecision,
      effects: [sendLetter(letters)],
      execute: async (given, { effects }) => {
        const { applicationId } = given.risk;
        await effects.perform("send-letter", { applicationId });
        return completed({ ...decision, applicationId });
      },
    }),
  ];
  return defineWorkflow({ name: "credit-decision", input: CreditApplication, output: CreditDecision, agents });
}

const sendLetter = (letters: Set<string>) =>
  defineEffect({
    name: "send-letter",
    identity: ({ applicationId }: { readonly applicationId: string }) => applicationId,
    perform: async ({ applicationId }) => {
      letters.add(applicationId);
      return { sent: true };
    },
    undo: async ({ args }) => void letters.delete(args.applicationId),
  });
