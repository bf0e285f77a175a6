import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import type {
  CreditApplication,
  CreditDecision,
  CreditFraud,
  CreditIncome,
  CreditRisk,
  CreditScore,
} from "walkback/workflows/credit-decision";
import type { Answers } from "./credit.js";
import { asGraphTakesIt, type Saver } from "./savers.js";

const State = Annotation.Root({
  application: Annotation<CreditApplication>,
  score: Annotation<CreditScore>,
  income: Annotation<CreditIncome>,
  fraud: Annotation<CreditFraud>,
  risk: Annotation<CreditRisk>,
  decision: Annotation<CreditDecision>,
});
type State = typeof State.State;

/** The same five agents as plain functions in a hand-written graph: no contracts, versions, guard or journal. */
export function plainGraph({ score, income, fraud, risk, decision }: Answers, letters: Set<string>, checkpointer: Saver) {
  const about = ({ application: { id: applicationId } }: State) => ({ applicationId });
  return new StateGraph(State)
    .addNode("calculate-score", async (state) => ({ score: { ...score, ...about(state) } }))
    .addNode("verify-income", async (state) => ({ income: { ...income, ...about(state) } }))
    .addNode("detect-fraud", async (state) => ({ fraud: { ...fraud, ...about(state) } }))
    .addNode("assess-risk", async (state) => ({ risk: { ...risk, ...about(state) } }))
    .addNode("decide-credit", async (state) => {
      const { applicationId } = state.risk;
      letters.add(applicationId);
      return { decision: { ...decision, applicationId } };
    })
    .addEdge(START, "calculate-score")
    .addEdge(START, "verify-income")
    .addEdge(START, "detect-fraud")
    .addEdge(["calculate-score", "verify-income"], "assess-risk")
    .addEdge(["assess-risk", "detect-fraud"], "decide-credit")
    .addEdge("decide-credit", END)
    .compile({ checkpointer: asGraphTakesIt(checkpointer) });
}
