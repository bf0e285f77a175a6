import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { createOrchestrator } from "walkback";
import { type BrokenAgent, callsIn, runBrokenAgent } from "../support/broken-agent.js";
import { run, start } from "../support/child.js";
import { aFolder } from "../support/store.js";

const HOUR_MS = 3_600_000;

test("processes on one store share one breaker: one probe among them all, and another one only when that is lost", {
  timeout: 180_000,
}, async () => {
  await using folder = await aFolder();
  const [store, world] = [folder.file("store.db"), folder.file("world.txt")];
  const broken = (behavior: BrokenAgent["behavior"], aheadMs: number): BrokenAgent => ({ store, world, behavior, aheadMs });
  const apart = async (agent: BrokenAgent) => (await run("call-a-broken-agent", JSON.stringify(agent), "5")).trim().split("\n");

  expect(await runBrokenAgent(broken("fails", 0), 3)).toEqual(Array(3).fill("AGENT_FAILED"));
  expect(await runBrokenAgent(broken("answers", 0), 2)).toEqual(Array(2).fill("BREAKER_OPEN"));
  expect(callsIn(world)).toBe(3);

  const outcomes = await Promise.all(Array.from({ length: 4 }, () => apart(broken("fails", HOUR_MS))));
  expect(outcomes.flat().toSorted()).toEqual(["AGENT_FAILED", ...Array<string>(19).fill("BREAKER_OPEN")]);
  expect(callsIn(world)).toBe(4);

  const dying = start("call-a-broken-agent", JSON.stringify(broken("hangs", 2 * HOUR_MS)), "1");
  while (callsIn(world) < 5) await delay(20);
  dying.kill("SIGKILL");
  expect(await runBrokenAgent(broken("answers", 2 * HOUR_MS), 5)).toEqual(Array(5).fill("BREAKER_OPEN"));
  expect(callsIn(world)).toBe(5);

  const afterIt = await runBrokenAgent(broken("answers", 3 * HOUR_MS), 5);
  expect(afterIt.toSorted()).toEqual([...Array<string>(4).fill("BREAKER_OPEN"), "completed"]);
  expect(callsIn(world)).toBe(6);
  await using records = createOrchestrator({ store, workflows: [] });
  expect(records.breakers.history("call-bank").map(({ from, to }) => `${from} → ${to}`)).toEqual([
    "closed → open",
    "open → half-open",
    "half-open → open",
    "open → half-open",
    "half-open → half-open",
    "half-open → closed",
  ]);
});
