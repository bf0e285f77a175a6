import { parseArgs } from "node:util";
import { startVitest } from "vitest/node";

const HELP = `Fills the queue of a real store, kills its worker half-way, lets another one finish, and says what it kept in memory; then
lets workers meet at one queue in many orders. Exits with 1 when something was lost, worked twice or out of turn.

  npm run test:queue -- [--queued 5000] [--interleavings 2000]

  --queued         how many runs wait (5000)
  --interleavings  how many orders of three workers (2000)`;

const { values: options } = parseArgs({
  options: {
    queued: { type: "string", default: "5000" },
    interleavings: { type: "string", default: "2000" },
    help: { type: "boolean", default: false },
  },
});

if (options.help) process.stdout.write(`${HELP}\n`);
else await main();

async function main(): Promise<void> {
  Object.assign(process.env, {
    WALKBACK_QUEUED: options.queued,
    WALKBACK_INTERLEAVINGS: options.interleavings,
    WALKBACK_REPORT: "1",
  });
  const files = ["test/orchestrator/queue-load.test.ts", "test/orchestrator/queue-interleavings.test.ts"];
  const vitest = await startVitest("test", files, { watch: false, disableConsoleIntercept: true });
  await vitest.close();
}
