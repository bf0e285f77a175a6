import { parseArgs } from "node:util";
import { startVitest } from "vitest/node";

const HELP = `Flips single bits of a store's file, and cuts it off, many times more often than npm test does, and says what noticed each.
Exits with 1 when one was missed.

  npm run test:damage -- [--flips 1000] [--truncations 100] [--seed 1]

  --flips        how many bits to flip, each in a copy of its own (1000)
  --truncations  how many copies to cut off, at the end of the file and of its log (100)
  --seed         where (the time of day)`;

const { values: options } = parseArgs({
  options: {
    flips: { type: "string", default: "1000" },
    truncations: { type: "string", default: "100" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    help: { type: "boolean", default: false },
  },
});

if (options.help) process.stdout.write(`${HELP}\n`);
else await main();

async function main(): Promise<void> {
  process.stdout.write(`seed ${options.seed}\n`);
  Object.assign(process.env, {
    WALKBACK_FLIPS: options.flips,
    WALKBACK_TRUNCATIONS: options.truncations,
    WALKBACK_SEED: options.seed,
    WALKBACK_REPORT: "1",
  });
  const vitest = await startVitest("test", ["test/checkpoint/damage.test.ts"], { watch: false, disableConsoleIntercept: true });
  await vitest.close();
}
