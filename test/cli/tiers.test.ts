import { join } from "node:path";
import { expect, test } from "vitest";
import { jsonLine } from "../../src/cli/results.js";
import { aTieredShop, BEHAVIORS, safe, tier } from "../graph/tiered.js";
import { aFolder } from "./support/cli.js";

test("a degraded run is one in the list, in its own picture, and in a line of JSON", async () => {
  using folder = aFolder();
  const shop = aTieredShop([tier("premium", BEHAVIORS.fails), safe], {}, { store: join(folder.path, "store.db") });
  const run = await shop.start();
  await shop.orchestrator.close();

  const list = await folder.cli("list");
  const picture = await folder.cli("inspect", run.runId);

  expect(list.out).toMatch(/completed, degraded +\S+ +tiered@1/);
  expect(picture.out).toMatch(/^completed, degraded in /m);
  expect(picture.out).toMatch(/make-price +shop\.price@1 +from v0 +by emergency +tier emergency/);
  expect(picture.out).toContain("fell from premium to emergency: AGENT_FAILED: make-price threw: it broke.");
  expect(JSON.parse(jsonLine({ row: 1, run }, []))).toMatchObject({
    status: "completed",
    degraded: true,
    versions: [{}, { tier: "emergency" }, {}],
  });
});
