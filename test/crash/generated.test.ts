import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isTerminal } from "walkback";
import { crashes, programs } from "./generate.js";
import { aHouse } from "./house.js";

describe.concurrent("whatever the program is and wherever it is killed, every run ends and no invariant is violated", () => {
  // Two halves side by side; fast-check prints the seed of the one that fails.
  test.each(["one half", "the other"])("%s", { timeout: 150_000 }, async () => {
    const property = fc.asyncProperty(programs("generated"), crashes, async (program, crash) => {
      await using house = await aHouse();
      await house.start([program], crash, { next: "carry" });

      const runs = await house.finish();

      expect(runs.map(({ status }) => status).filter((status) => !isTerminal(status))).toEqual([]);
      expect(await house.check()).toEqual([]);
    });

    await fc.assert(property, { numRuns: 25, interruptAfterTimeLimit: 120_000 });
  });
});
