import { completed, defineAgent } from "../../../index.js";
import { CreditApplication } from "../application.js";
import type { Bank } from "../bank.js";
import { CreditFraud } from "../contracts.js";
import { openFraudCase } from "../effects.js";
import { combined, fraudSignals } from "../fraud-signals.js";

/**
 * Weighs the signals of fraud. A verdict that is less than 0.7 sure is refused by the gate behind this agent, and
 * `inconclusive` takes its place, which refers the application to a person. Only the gate's refusal is answered like that:
 * an agent that broke has found nothing out, so the run walks back.
 *
 * A referral for a weak signal leaves no screening on file: the refused round's entry among the fraud cases is struck with the
 * round, and a fallback performs no effect. What stands instead is the referral in the letters book, which names no suspicion;
 * the signals are in the run's own version of `credit.fraud`.
 */
export const detectFraud = (bank: Bank) =>
  defineAgent({
    name: "detect-fraud",
    description: "Looks for what does not fit together in the application.",
    consumes: { application: CreditApplication },
    produces: CreditFraud,
    effects: [openFraudCase(bank)],
    repairRounds: 0,
    onFailure: "skip",
    fallback: ({ application }, failure) =>
      failure?.code === "CONTRACT_VIOLATED" ? { ...fraudOf(application), verdict: "inconclusive" as const } : undefined,
    execute: async ({ application }, { effects }) => {
      const fraud = fraudOf(application);
      const { applicationId, verdict, signals } = fraud;
      await effects.perform("open-fraud-case", { applicationId, verdict, signals: signals.map(({ name }) => name) });
      return completed(fraud);
    },
  });

/** The likelier verdict and how sure it is, which may be too little. */
export function fraudOf(application: CreditApplication): CreditFraud {
  const signals = fraudSignals(application);
  const suspicion = combined(signals);
  const verdict = suspicion >= 0.5 ? "suspected" : "clear";
  const confidence = verdict === "suspected" ? suspicion : Math.round((1 - suspicion) * 1000) / 1000;
  return { applicationId: application.id, verdict, confidence, signals };
}
