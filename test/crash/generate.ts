import fc from "fast-check";
import { CRASH_POINTS } from "../../src/contracts/crash-point.js";
import type { Crash } from "./house.js";
import type { EffectPlan, Program, StepPlan } from "./program.js";

/** Workflows nobody would write: up to eight steps of everything there is, in any order, that fail anywhere or nowhere. */
export function programs(name: string): fc.Arbitrary<Program> {
  const onUndoFailure = fc.constantFrom("continue" as const, "stop" as const);
  const settle = fc.constantFrom("retry" as const, "skip" as const, "done" as const);
  const steps = fc.tuple(fc.array(anyStep, { minLength: 1, maxLength: 7 }), anyStep, fc.option(pivot, { freq: 4, nil: undefined }));
  return fc.record({ steps, onUndoFailure, settle }).map(({ steps: [earlier, final, last], ...rest }) => ({
    name,
    ...rest,
    steps: [...earlier.map(wired), last ? pivotal(final, last) : wired(final, earlier.length)],
  }));
}

/** Where or when a process dies, or not at all. */
export const crashes: fc.Arbitrary<Crash> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom(...CRASH_POINTS), fc.integer({ min: 1, max: 6 }))
      .map(([point, time]) => ({ at: `${point}#${time}` })),
  },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 150 }).map((afterMs) => ({ afterMs })) },
);

const anyEffect: fc.Arbitrary<EffectPlan> = fc.record(
  {
    kind: fc.constantFrom("keyed", "findable", "opaque"),
    perform: fc.constantFrom("fails-once", "loses-answer"),
    undo: fc.constantFrom("fails-once", "fails"),
    pauseMs: fc.integer({ min: 0, max: 10 }),
  },
  { requiredKeys: ["kind"] },
);

const pivot = fc.record({ kind: fc.constantFrom("pivot" as const, "irreversible" as const) });

/** Mostly well-behaved, so that runs get somewhere. */
const anyStep = fc.record(
  {
    after: fc.array(fc.nat(6), { maxLength: 2 }),
    effects: fc.array(anyEffect, { maxLength: 2 }),
    pays: fc.nat(2),
    items: fc.option(fc.integer({ min: 1, max: 3 }), { freq: 3, nil: undefined }),
    ends: fc.option(fc.constantFrom("fails" as const, "fails-after" as const, "answers-badly" as const), { freq: 3, nil: undefined }),
    onFailure: fc.option(fc.constantFrom("ask" as const, "skip" as const), { nil: undefined }),
    answer: fc.constantFrom("retry" as const, "use" as const, "skip" as const, "reject" as const),
    compensates: fc.boolean(),
    pauseMs: fc.nat(15),
    failingTiers: fc.option(fc.nat(2), { freq: 3, nil: undefined }),
  },
  { requiredKeys: [] },
);

type AnyStep = typeof anyStep extends fc.Arbitrary<infer Step> ? Step : never;

/** Without what is undefined, and after earlier steps only. */
function wired({ after = [], ...step }: AnyStep, index: number): StepPlan {
  const earlier = [...new Set(after)].filter((other) => other < index);
  return { ...(JSON.parse(JSON.stringify(step)) as StepPlan), ...(earlier.length > 0 ? { after: earlier } : {}) };
}

/** After a point of no return there is nothing to be undone, so it comes last, and its step takes nothing back. */
function pivotal({ after: _, items: __, ...step }: AnyStep, last: EffectPlan): StepPlan {
  const plan = wired(step, 0);
  return { ...plan, compensates: false, effects: [...(plan.effects ?? []), last] };
}
