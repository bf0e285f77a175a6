import { COST_OF_BAD_RISK } from "./policy.js";

/** 600 points stand for odds of 5 good to 1 bad, where lending just pays; 40 more points double the odds. */
const POINTS_AT_THRESHOLD = 600;
const POINTS_TO_DOUBLE = 40;
const MIN_POINTS = 300;
const MAX_POINTS = 850;

/** Points for a probability of default: 300 to 850, never more for a higher probability. */
export function pointsFor(probabilityOfDefault: number): number {
  const odds = (1 - probabilityOfDefault) / probabilityOfDefault;
  const points = POINTS_AT_THRESHOLD + POINTS_TO_DOUBLE * Math.log2(odds / COST_OF_BAD_RISK);
  return Math.round(Math.min(MAX_POINTS, Math.max(MIN_POINTS, points)));
}
