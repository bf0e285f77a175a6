import type { Program } from "./program.js";

/** A keyed effect and a call that costs money, then a findable effect beside an agent's own work, then one more. */
export const HAPPY: Program = {
  name: "happy",
  steps: [
    { effects: [{ kind: "keyed" }], pays: 1 },
    { after: [0], effects: [{ kind: "findable" }] },
    { after: [0], compensates: true, pays: 1 },
    { effects: [{ kind: "keyed" }] },
  ],
};

/** The same, and the last step fails when it has done everything. */
export const WALKED_BACK: Program = {
  ...HAPPY,
  name: "walked-back",
  steps: [...HAPPY.steps.slice(0, -1), { effects: [{ kind: "keyed" }], ends: "fails-after" }],
};

/** A step asks a human when it has done all its work, is told to try again, and its effects stand only once. */
export const ASKS: Program = {
  name: "asks",
  steps: [
    { effects: [{ kind: "keyed" }] },
    { after: [0], effects: [{ kind: "findable" }], ends: "fails-after", onFailure: "ask", answer: "retry" },
    { effects: [{ kind: "irreversible" }] },
  ],
};

/** Branches side by side, one of which gets its answer wrong at first, and a fan-out. */
export const PARALLEL: Program = {
  name: "parallel",
  steps: [
    { effects: [{ kind: "keyed" }], ends: "answers-badly" },
    { effects: [{ kind: "findable" }], items: 3 },
    { effects: [{ kind: "keyed", perform: "loses-answer" }], compensates: true },
    { effects: [{ kind: "keyed" }] },
  ],
};

/** An undo that never works again until somebody mends it. */
export const STUCK: Program = {
  name: "stuck",
  settle: "retry",
  steps: [{ effects: [{ kind: "keyed", undo: "fails" }] }, { effects: [{ kind: "findable", undo: "fails-once" }] }, { ends: "fails" }],
};

/** A step whose first two tiers fail when they have done all their work, and the third does not; then one more step. */
export const TIERED: Program = {
  name: "tiered",
  steps: [
    { effects: [{ kind: "keyed" }, { kind: "findable" }], pays: 1, compensates: true, failingTiers: 2 },
    { after: [0], effects: [{ kind: "keyed" }] },
  ],
};
