import { describe, expect, test } from "vitest";
import type { Inspection } from "walkback";
import { inspectionText } from "../../src/cli/inspection-tree.js";
import { aFolder, jsonLines, SHOP } from "./support/cli.js";
import { bookIn } from "./support/shop.js";

/** A folder with one run of the shop in it. */
async function aRun(...flags: readonly string[]) {
  const folder = aFolder();
  const input = folder.file("order.json", JSON.stringify({ id: "o-1", amountCents: 500 }));
  const [run] = jsonLines(await folder.cli("run", SHOP, "--input", input, "--json", ...flags));
  return { ...folder, runId: String(run?.["runId"]) };
}

describe("fork", () => {
  test("carries a new run on from a version of another one, with other data", async () => {
    using shop = await aRun();

    const fork = await shop.cli("fork", shop.runId, "--from", "1", "--set", '{"shelf":"B2"}', "--workflow", SHOP, "--json");

    const [run] = jsonLines(fork);
    expect(fork.code).toBe(0);
    expect(run).toMatchObject({ status: "completed", output: { orderId: "o-1", shelf: "B2" } });
    expect(bookIn(shop.path)).toEqual(["reservation o-1", "sale o-1", "sale o-1"]);
    expect((await shop.cli("inspect", String(run?.["runId"]))).out).toContain(`forked from ${shop.runId} at v1`);
  });

  test("takes its changes from a file, and tells a person what became of it", async () => {
    using shop = await aRun();
    const change = shop.file("change.json", '{"amountCents":700}');

    const { code, out } = await shop.cli("fork", shop.runId.slice(-8), "--from", "v0", "--set", `@${change}`, "--workflow", SHOP);

    expect(code).toBe(0);
    expect(out).toContain(`Forked from ${shop.runId} at v0`);
    expect(out).toContain("completed");
  });

  test.each([
    [["--from", "7"], /has no version 7; its last one is 2/],
    [["--from", "0", "--set", '{"amountCents":-1}'], /would not keep shop\.order@1: \/amountCents/],
    [["--from", "0", "--set", "{"], /What --set gives cannot be read/],
    [[], /--from/],
  ])("with %j is wrong input, and nothing is created", async (flags, message) => {
    using shop = await aRun();

    const fork = await shop.cli("fork", shop.runId, "--workflow", SHOP, ...flags);

    expect(fork).toMatchObject({ code: 2, err: expect.stringMatching(message) });
    expect(jsonLines(await shop.cli("list", "--json"))).toHaveLength(1);
  });
});

describe("replay", () => {
  test("finds no difference, and does nothing outside", async () => {
    using shop = await aRun();

    const text = await shop.cli("replay", shop.runId, "--workflow", SHOP);
    const json = await shop.cli("replay", shop.runId, "--from", "1", "--workflow", SHOP, "--json");

    expect(text).toMatchObject({
      code: 0,
      out: expect.stringContaining("v0 to v0 as recorded, 2 rounds were worked again\nNothing differs."),
    });
    expect(jsonLines(json)).toEqual([
      { runId: shop.runId, from: 1, worked: 1, differs: null, status: { recorded: "completed", replayed: "completed" } },
    ]);
    expect(bookIn(shop.path)).toEqual(["reservation o-1", "sale o-1"]);
  });

  test("of a run that was made to fail or to go on otherwise needs none of the faults", async () => {
    using failed = await aRun("--inject", "fail:sell-order:after");
    using skipped = await aRun("--inject", "fail:reserve-stock", "--on-failure", "reserve-stock=skip");

    const replays = [
      await failed.cli("replay", failed.runId, "--workflow", SHOP, "--json"),
      await skipped.cli("replay", skipped.runId, "--workflow", SHOP, "--json"),
    ];

    expect(replays.map(({ code }) => code)).toEqual([0, 0]);
    expect(replays.flatMap(jsonLines)).toMatchObject([
      { differs: null, status: { recorded: "rolled-back", replayed: "rolled-back" } },
      { differs: null, status: { recorded: "completed", replayed: "completed" } },
    ]);
  });

  test("with another agent from a file shows the first version that differs", async () => {
    using shop = await aRun();
    const file = shop.file(
      "other.mjs",
      'export default async () => ({ [Symbol.for("walkback.completion")]: true, status: "completed", output: { shelf: "C3" } });',
    );

    const { code, out } = await shop.cli("replay", shop.runId, "--agent", `reserve-stock=${file}`, "--workflow", SHOP);

    expect(code).toBe(1);
    expect(out).toContain("The first difference: v1 reserve-stock answers otherwise");
    expect(out).toContain('replace /shelf: "C3"');
    expect(out).toContain('recorded  {"shelf":"A1"}');
  });

  test("refuses a file or a name that cannot stand in for an agent", async () => {
    using shop = await aRun();
    const nothing = shop.file("nothing.mjs", "export default 7;");
    const broken = shop.file("broken.mjs", "export default (");
    const specs = ["reserve-stock", "nobody=x.mjs", "reserve-stock=missing.mjs", `reserve-stock=${nothing}`, `reserve-stock=${broken}`];

    const outcomes = [];
    for (const spec of specs) outcomes.push(await shop.cli("replay", shop.runId, "--agent", spec, "--workflow", SHOP));

    expect(outcomes.map(({ code }) => code)).toEqual([2, 2, 2, 2, 2]);
    expect(outcomes.map(({ err }) => err)).toEqual([
      expect.stringContaining("write NAME=FILE with one of the agents reserve-stock, sell-order"),
      expect.stringContaining("write NAME=FILE"),
      expect.stringContaining("there is no file"),
      expect.stringContaining("no execute function and no agent"),
      expect.stringContaining("cannot be imported"),
    ]);
  });

  test("of a version that is not there is wrong input", async () => {
    using shop = await aRun();

    const replay = await shop.cli("replay", shop.runId, "--from", "9", "--workflow", SHOP);

    expect(replay).toMatchObject({ code: 2, err: expect.stringContaining("has no version 9") });
  });
});

test("inspect names the programs that carried a run on and had not made it", async () => {
  using shop = await aRun();
  const [inspection] = jsonLines(await shop.cli("inspect", shop.runId, "--json")) as unknown as [Inspection];
  const event = { type: "run.carried-on", workflow: "shop", version: 2, runId: inspection.run.runId, at: "" } as const;

  const text = inspectionText({ ...inspection, events: [event, event, ...inspection.events] }, { data: false });

  expect(text.split("carried on by shop@2")).toHaveLength(2);
});
