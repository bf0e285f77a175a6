import { parseArgs } from "node:util";
import fc from "fast-check";
import { isTerminal } from "walkback";
import type { Violation } from "../support/invariants.js";
import { crashes, programs } from "./generate.js";
import { aHouse, type Crash } from "./house.js";
import type { Program } from "./program.js";

const HELP = `Kills processes that carry runs, at random points and times, until so many have died, and holds what is left against
the invariants. Exits with 1 on the first violation, with the program that did it.

  npm run test:crash -- [--kills 1000] [--seed 1] [--minutes 20] [--at-once 3]

  --kills    how many processes to kill (1000)
  --seed     for programs and crashes; what is random beyond that is the machine's own timing (the time of day)
  --minutes  stop after so long, whatever has been reached
  --at-once  how many stores to work on side by side (3)`;

const { values: options } = parseArgs({
  options: {
    kills: { type: "string", default: "1000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    minutes: { type: "string", default: "Infinity" },
    "at-once": { type: "string", default: "3" },
    help: { type: "boolean", default: false },
  },
});

/** What one store goes through: its programs run in one process, which is killed, and so is what recovers them. */
interface Ordeal {
  readonly programs: readonly Program[];
  readonly crash: Crash;
  readonly recoveries: readonly Crash[];
  /** Somebody cancels all of it, while it is started or later. */
  readonly cancels: "first" | "later" | "never";
}

const ordeals: fc.Arbitrary<Ordeal> = fc.integer({ min: 2, max: 5 }).chain((count) =>
  fc.record({
    programs: fc.tuple(...Array.from({ length: count }, (_, index) => programs(`program-${index}`))),
    crash: crashes,
    recoveries: fc.array(crashes, { minLength: 1, maxLength: 4 }),
    cancels: fc.constantFrom("first" as const, "later" as const, "never" as const, "never" as const, "never" as const),
  }),
);

const seed = Number(options.seed);
const wantedKills = Number(options.kills);
const deadline = Date.now() + Number(options.minutes) * 60_000;
const startedAt = Date.now();
const counts = { kills: 0, recoveries: 0, runs: 0, performed: 0, undone: 0, repeated: 0, refused: 0, paid: 0, duplicates: 0, orphans: 0 };
const statuses = new Map<string, number>();
const violated: { readonly number: number; readonly ordeal: Ordeal; readonly violations: readonly Violation[] }[] = [];
let next = 0;

if (options.help) process.stdout.write(`${HELP}\n`);
else await main();

async function main(): Promise<void> {
  const progress = setInterval(() => process.stderr.write(`${summary()}\n`), 10_000);
  await Promise.all(Array.from({ length: Number(options["at-once"]) }, worker));
  clearInterval(progress);
  process.stdout.write(`${report()}\n`);
  if (violated.length > 0) process.exitCode = 1;
}

async function worker(): Promise<void> {
  while (counts.kills < wantedKills && Date.now() < deadline && violated.length === 0) {
    const number = next++;
    const [ordeal] = fc.sample(ordeals, { numRuns: 1, seed: seed * 1_000_003 + number });
    if (ordeal) await suffer(number, ordeal);
  }
}

async function suffer(number: number, ordeal: Ordeal): Promise<void> {
  await using house = await aHouse();
  const { cancels } = ordeal;
  const ends = [await house.start(ordeal.programs, ordeal.crash, { next: cancels === "first" ? "cancel" : "carry" })];
  for (const crash of ordeal.recoveries) ends.push(await house.recover(crash, cancels === "later" ? "cancel" : "carry"));
  const runs = await house.finish();
  const found = await house.check();
  const stranded = runs.filter(({ status }) => !isTerminal(status));
  const violations = [
    ...found,
    ...stranded.map(({ runId, status }): Violation => ({ invariant: "I3", run: runId, what: `it stays ${status}` })),
  ];

  counts.kills += ends.filter(({ killed }) => killed).length;
  counts.recoveries += ordeal.recoveries.length + 1;
  counts.runs += runs.length;
  for (const { status } of runs) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  for (const { action, outcome } of house.world.calls()) {
    if (action === "perform" && outcome === "applied") counts.performed += 1;
    if (outcome === "undone" || outcome === "repeated" || outcome === "refused" || outcome === "paid") counts[outcome] += 1;
  }
  counts.duplicates += violations.filter(({ invariant }) => invariant === "I1").length;
  counts.orphans += violations.filter(({ invariant }) => invariant === "I2" || invariant === "I4").length;
  if (violations.length > 0) violated.push({ number, ordeal, violations });
}

function summary(): string {
  const minutes = (Date.now() - startedAt) / 60_000;
  return `${minutes.toFixed(1)} min: ${counts.kills} kills (${(counts.kills / minutes).toFixed(0)} a minute), ${counts.recoveries} recoveries, ${counts.runs} runs, ${counts.performed} effects`;
}

function report(): string {
  const numbers = [...new Set(violated.flatMap(({ violations }) => violations.map(({ invariant }) => invariant)))];
  const lines: readonly (readonly [string, string | number])[] = [
    ["seed", seed],
    ["kills", counts.kills],
    ["recoveries", counts.recoveries],
    ["runs", `${counts.runs} (${[...statuses].map(([status, count]) => `${count} ${status}`).join(", ")})`],
    ["effects performed", counts.performed],
    ["sent again, answered from the first time", counts.repeated],
    ["effects undone", counts.undone],
    ["late calls refused", counts.refused],
    ["paid calls", counts.paid],
    ["duplicates", counts.duplicates],
    ["orphans", counts.orphans],
    ["violated invariants", numbers.length === 0 ? 0 : `${numbers.length} (${numbers.join(", ")})`],
    ["minutes", ((Date.now() - startedAt) / 60_000).toFixed(1)],
  ];
  const failures = violated.map(
    ({ number, ordeal, violations }) =>
      `\nStore ${number} of seed ${seed}:\n${violations.map(({ invariant, run, what }) => `  ${invariant} ${run}: ${what}`).join("\n")}\n${JSON.stringify(ordeal)}`,
  );
  return [...lines.map(([name, value]) => `${name.padEnd(42)}${value}`), ...failures].join("\n");
}
