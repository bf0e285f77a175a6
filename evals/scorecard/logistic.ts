/** Fits P(bad) = 1 / (1 + exp(-x·w)) by Newton's method (iteratively reweighted least squares) with a ridge penalty. */
export interface Observations {
  /** One row of regressors each; the first is the constant 1, which is not penalized. */
  readonly rows: readonly (readonly number[])[];
  /** 1 for a bad risk, 0 for a good one. */
  readonly bad: readonly number[];
}

const MAX_STEPS = 50;
const CONVERGED = 1e-9;

/** The weights that minimize the deviance / 2 + `ridge` · |w|² / 2, the constant left out of the penalty. */
export function fitLogistic({ rows, bad }: Observations, ridge: number): readonly number[] {
  let weights = new Array<number>(rows[0]?.length ?? 0).fill(0);
  for (let taken = 0; taken < MAX_STEPS; taken++) {
    const { gradient, curvature } = derivatives({ rows, bad }, weights, ridge);
    const step = solve(curvature, gradient);
    weights = weights.map((weight, column) => weight - at(step, column));
    if (Math.max(...step.map(Math.abs)) < CONVERGED) return weights;
  }
  throw new Error(`The fit did not converge in ${MAX_STEPS} steps. Give it a larger ridge than ${ridge}.`);
}

export function probability(row: readonly number[], weights: readonly number[]): number {
  return 1 / (1 + Math.exp(-row.reduce((sum, value, column) => sum + value * at(weights, column), 0)));
}

function derivatives({ rows, bad }: Observations, weights: readonly number[], ridge: number) {
  const penalty = weights.map((_, column) => (column === 0 ? 0 : ridge));
  const gradient = weights.map((weight, column) => weight * at(penalty, column));
  const curvature = weights.map((_, column) => weights.map((__, other) => (column === other ? at(penalty, column) + 1e-10 : 0)));
  rows.forEach((row, index) => {
    const p = probability(row, weights);
    const present = row.flatMap((value, column) => (value === 0 ? [] : [{ column, value }]));
    for (const { column, value } of present) {
      gradient[column] = at(gradient, column) + value * (p - at(bad, index));
      const line = curvature[column] as number[]; // square, as wide as the weights
      for (const other of present) line[other.column] = at(line, other.column) + value * other.value * p * (1 - p);
    }
  });
  return { gradient, curvature };
}

/** Solves the positive definite system A·x = b by Gaussian elimination. */
function solve(a: readonly (readonly number[])[], b: readonly number[]): readonly number[] {
  const lines = a.map((line, index) => [...line, at(b, index)]);
  lines.forEach((pivot, index) => {
    for (const line of lines.slice(index + 1)) subtract(line, pivot, index);
  });
  const x = new Array<number>(b.length).fill(0);
  for (let index = b.length - 1; index >= 0; index--) {
    const line = lines[index] as number[]; // the index runs over the lines
    const known = x.reduce((sum, value, column) => (column > index ? sum + at(line, column) * value : sum), 0);
    x[index] = (at(line, b.length) - known) / at(line, index);
  }
  return x;
}

function subtract(line: number[], pivot: readonly number[], index: number): void {
  const factor = at(line, index) / at(pivot, index);
  if (factor === 0) return;
  for (let column = index; column < line.length; column++) line[column] = at(line, column) - factor * at(pivot, column);
}

function at(numbers: readonly number[], index: number): number {
  const value = numbers[index];
  if (value === undefined) throw new RangeError(`There is no number ${index} in a list of ${numbers.length}.`);
  return value;
}
