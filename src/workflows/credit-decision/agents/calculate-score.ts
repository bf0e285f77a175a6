import { completed, defineAgent } from "../../../index.js";
import { CreditApplication } from "../application.js";
import type { Bank } from "../bank.js";
import { CreditScore } from "../contracts.js";
import { inquireAtBureau } from "../effects.js";
import { pointsFor } from "../points.js";
import { reasonsFor } from "../reason-words.js";
import { contributions, probabilityOfDefault, type Scorecard } from "../scorecard.js";
import { APPLICATION_SCORECARD } from "../scorecard-weights.js";

/** Scores an application, and leaves the inquiry at the credit bureau that a score is paid for with. */
export const calculateScore = (bank: Bank, scorecard: Scorecard = APPLICATION_SCORECARD) =>
  defineAgent({
    name: "calculate-score",
    description: "Scores the application by the scorecard: points, probability of default, and what told against the applicant.",
    consumes: { application: CreditApplication },
    produces: CreditScore,
    effects: [inquireAtBureau(bank)],
    execute: async ({ application }, { effects }) => {
      const { id: applicationId, amountCents, durationMonths } = application;
      const score = scoreOf(scorecard, application);
      await effects.perform("inquire-at-bureau", { applicationId, amountCents, durationMonths });
      return completed(score);
    },
  });

export function scoreOf(scorecard: Scorecard, application: CreditApplication): CreditScore {
  const probability = probabilityOfDefault(scorecard, application);
  return {
    applicationId: application.id,
    points: pointsFor(probability),
    probabilityOfDefault: probability,
    reasons: reasonsFor(application, contributions(scorecard, application)),
  };
}
