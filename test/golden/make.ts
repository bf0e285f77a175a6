import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RunId, sqliteStore } from "walkback";
import { textOf } from "../support/archive.js";
import { GOLDEN, type Golden, isThere } from "./golden.js";
import { aShop, SCENARIOS, type Scenario } from "./scenarios.js";

/**
 * Writes the golden runs of this release: `npx tsx test/golden/make.ts`. A file that is there is left as it is, since it is the
 * record of what a release wrote.
 */
const { version: release } = JSON.parse(readFileSync(join(GOLDEN, "../../package.json"), "utf8")) as { readonly version: string };
mkdirSync(join(GOLDEN, release), { recursive: true });
for (const [index, scenario] of SCENARIOS.entries()) {
  const name = `${release}/${scenario.name}`;
  if (isThere(name)) continue;
  await record(scenario, name, `01a1fe79-0000-7000-8000-${String(index + 1).padStart(12, "0")}` as RunId);
  process.stdout.write(`${name}\n`);
}
process.exit(); // some of the runs stand still for ever

async function record({ make, about, broken = [], next }: Scenario, name: string, runId: RunId): Promise<void> {
  const store = sqliteStore(":memory:");
  const shop = aShop(store, runId, broken);
  await make(shop);
  const text = await textOf(store, runId);
  const golden: Golden = {
    about,
    inspection: await shop.orchestrator.inspect(runId),
    rows: [...shop.world.rows].filter(([key]) => key.startsWith(runId)),
    broken: [...shop.world.broken],
    ...(next ? { next } : {}),
  };
  writeFileSync(join(GOLDEN, `${name}.json`), `${JSON.stringify(golden, null, 2)}\n`);
  writeFileSync(join(GOLDEN, `${name}.jsonl`), text);
}
