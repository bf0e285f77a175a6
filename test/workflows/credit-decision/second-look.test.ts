import { describe, expect, test } from "vitest";
import { AgentUnavailable, createOrchestrator } from "walkback";
import { creditWorkflow, type Letter, type Review, type Reviews } from "walkback/workflows/credit-decision";
import { aBank, anApplication } from "./support.js";

const agrees: Review = async () => [];
const objects: Review = async ({ decision }) => [{ code: "odd-purpose", text: `A person looks at ${decision.applicationId}.` }];
const down: Review = async () => Promise.reject(new AgentUnavailable("the model is down", { agent: "decide-credit" }));

/** Decides an application for so much, and tells which letters the bank has sent and struck. */
async function decide(reviews: Reviews, amountCents: number) {
  await using bank = aBank();
  const workflow = creditWorkflow(bank, reviews);
  const agents = workflow.agents.map((agent) => ({ ...agent, limits: { ...agent.limits, retries: 0 } }));
  await using orchestrator = createOrchestrator({ workflows: [{ ...workflow, agents }] });
  const run = await orchestrator.start("credit-decision", anApplication({ amountCents }));
  const letters = (await bank.snapshot()).offers.map(({ entry }) => (entry as Letter).kind);
  const tier = run.versions.find(({ agent }) => agent === "decide-credit")?.tier;
  return { run, tier, letters };
}

describe("a second look at an approval", () => {
  test("without anybody who can be asked, the rules decide alone and nothing is degraded", async () => {
    const { run, tier, letters } = await decide({}, 3_000_00);

    expect(run).toMatchObject({ status: "completed", degraded: false, output: { outcome: "approve" } });
    expect(tier).toBe("basic");
    expect(letters).toEqual(["offer"]);
  });

  test.each<[string, Reviews, string, string]>([
    ["agrees", { premium: agrees, standard: objects }, "approve", "premium"],
    ["objects: a person decides", { premium: objects }, "refer", "premium"],
    ["is down, and the cheaper one agrees", { premium: down, standard: agrees }, "approve", "standard"],
  ])("%s", async (_what, reviews, outcome, by) => {
    const { run, tier } = await decide(reviews, 3_000_00);

    expect(run).toMatchObject({ status: "completed", degraded: by !== "premium", output: { outcome } });
    expect(tier).toBe(by);
  });

  test("when all who could look are down, the rules alone approve small loans only; others are referred, and no offer is out", async () => {
    const small = await decide({ premium: down, standard: down }, 2_000_00);
    const large = await decide({ premium: down, standard: down }, 3_000_00);

    expect(small).toMatchObject({ tier: "basic", run: { degraded: true, output: { outcome: "approve" } }, letters: ["offer"] });
    expect(large).toMatchObject({ tier: "cautious", run: { degraded: true, output: { outcome: "refer", limitCents: 0 } } });
    expect(large.letters).toEqual(["referral"]);
  });
});
