/** A bound on numbers that moved, in words, and whether it lets fewer numbers in than before. */
export interface BoundChange {
  readonly change: string;
  readonly tighter: boolean;
}

type Numbers = Readonly<Record<string, unknown>>;

/** Compares the lowest and the highest number of two JSON Schemas, whichever keyword says them: `> 0` became `>= 0` is looser. */
export function boundChanges(older: Numbers, newer: Numbers): readonly BoundChange[] {
  return SIDES.flatMap((side) => {
    const before = boundOf(older, side);
    const after = boundOf(newer, side);
    if (before.value === after.value && before.excluded === after.excluded) return [];
    const tighter = after.value === before.value ? after.excluded : after.value > before.value;
    return [{ change: `${side.included} ${describe(before, side)} became ${describe(after, side)}`, tighter }];
  });
}

const SIDES = [
  { included: "minimum", excluded: "exclusiveMinimum", sign: 1 },
  { included: "maximum", excluded: "exclusiveMaximum", sign: -1 },
] as const;
type Side = (typeof SIDES)[number];

interface Bound {
  /** Times the side's sign, so that the greater one is the tighter on both sides; negative infinity is no bound. */
  readonly value: number;
  readonly excluded: boolean;
}

function boundOf(schema: Numbers, { included, excluded, sign }: Side): Bound {
  const read = (limit: unknown) => (typeof limit === "number" ? limit * sign : Number.NEGATIVE_INFINITY);
  const inner = read(schema[included]);
  const outer = read(schema[excluded]);
  return outer >= inner && Number.isFinite(outer) ? { value: outer, excluded: true } : { value: inner, excluded: false };
}

function describe({ value, excluded }: Bound, { sign }: Side): string {
  return Number.isFinite(value) ? `${value * sign}${excluded ? " (not itself)" : ""}` : "none";
}
