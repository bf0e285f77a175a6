import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { completed, createOrchestrator, defineAgent, defineContract, defineWorkflow, type JsonValue, type RunId } from "walkback";
import * as z from "zod";
import { applyPatch } from "../history/json-patch.js";
import { aFolder, jsonLines, SHOP } from "./support/cli.js";

const Order = defineContract({ name: "shop.order", version: 1, schema: z.object({ id: z.string(), amountCents: z.int() }) });
const Stock = defineContract({ name: "shop.stock", version: 1, schema: z.object({ shelf: z.string().nullable(), left: z.int() }) });
const Price = defineContract({ name: "shop.price", version: 1, schema: z.object({ cents: z.int(), discount: z.boolean() }) });
const Receipt = defineContract({
  name: "shop.receipt",
  version: 1,
  schema: z.object({ orderId: z.string(), shelf: z.string().nullable() }),
});

/** A shop of an earlier day, which still sold what stands on no shelf. Two of its agents work side by side. */
const earlierShop = defineWorkflow({
  name: "shop",
  input: Order,
  output: Receipt,
  agents: [
    defineAgent({
      name: "price-order",
      consumes: { order: Order },
      produces: Price,
      execute: async () => completed({ cents: 900, discount: true }),
    }),
    defineAgent({
      name: "find-stock",
      consumes: { order: Order },
      produces: Stock,
      execute: async () => completed({ shelf: null, left: 3 }),
    }),
    defineAgent({
      name: "sell-order",
      consumes: { order: Order, stock: Stock, price: Price },
      produces: Receipt,
      execute: async ({ order, stock }) => completed({ orderId: order.id, shelf: stock.shelf }),
    }),
  ],
});

/** A folder whose store holds one run of the earlier shop. */
async function aShopWithARun() {
  const folder = aFolder();
  await using orchestrator = createOrchestrator({ store: join(folder.path, "store.db"), workflows: [earlierShop] });
  const run = await orchestrator.start(earlierShop, { id: "o-1", amountCents: 1_000 });
  const made = (agent: string) => run.versions.findIndex((version) => version.agent === agent);
  return { ...folder, runId: run.runId, stock: made("find-stock"), price: made("price-order") };
}

describe("diff", () => {
  test("shows each contract with who made it and what changed", async () => {
    using shop = await aShopWithARun();

    const { code, out } = await shop.cli("diff", shop.runId, "0", "v3");

    expect(code).toBe(0);
    expect(out).toContain(`Run ${shop.runId}  v0 → v3`);
    expect(out).toContain(`shop.stock  new: v${shop.stock} by find-stock (@1)\n  + /left   3\n  + /shelf  null\n`);
    expect(out).toContain('+ /orderId  "o-1"');
    expect(out).not.toContain("shop.order");
  });

  test("prints a JSON Patch that turns the one state into the other", async () => {
    using shop = await aShopWithARun();

    const { out } = await shop.cli("diff", shop.runId, "0", "3", "--json");

    const patch = JSON.parse(out);
    const input = { "shop.order": { id: "o-1", amountCents: 1_000 } };
    expect(patch.map(({ op, path }: { op: string; path: string }) => `${op} ${path}`).toSorted()).toEqual([
      "add /shop.price",
      "add /shop.receipt",
      "add /shop.stock",
    ]);
    expect(applyPatch(input, patch)).toEqual({
      ...input,
      "shop.price": { cents: 900, discount: true },
      "shop.stock": { shelf: null, left: 3 },
      "shop.receipt": { orderId: "o-1", shelf: null },
    } satisfies JsonValue);
  });

  test("says so when nothing differs", async () => {
    using shop = await aShopWithARun();

    expect(await shop.cli("diff", shop.runId, "2", "2")).toMatchObject({
      code: 0,
      out: expect.stringContaining("No contract has another version."),
    });
    expect((await shop.cli("diff", shop.runId, "2", "2", "--json")).out).toBe("[]\n");
  });

  test.each([
    ["colored where colors are wanted", { FORCE_COLOR: "1" }, true],
    ["plain under NO_COLOR", { FORCE_COLOR: "1", NO_COLOR: "1" }, false],
  ])("is %s", async (_, environment, colored) => {
    vi.stubEnv("NO_COLOR", undefined);
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    vi.resetModules(); // colors are decided once
    const { diffText } = await import("../../src/cli/diff.js");
    using shop = await aShopWithARun();
    await using orchestrator = createOrchestrator({ store: join(shop.path, "store.db"), workflows: [] });

    const text = diffText(await orchestrator.diff(shop.runId, 0, 1));

    expect(text.includes("\u001b[32m+ ")).toBe(colored);
    expect(text.includes("\u001b")).toBe(colored);
  });

  test("shows what was there before, and cuts what is long", async () => {
    const { diffText } = await import("../../src/cli/diff.js");
    const runId = "r" as RunId;
    const head = (number: number) => ({ number, agent: "assess", contract: `loan.risk@${number}`, parents: [0], hash: "" });
    const changes = [
      { path: "/level", before: "low", after: "high" },
      { path: "/why", before: "x".repeat(500) },
    ];

    const text = diffText({
      runId,
      from: 1,
      to: 2,
      patch: [],
      contracts: [{ contract: "loan.risk", before: head(1), after: head(2), changes }],
    });

    expect(text).toContain('loan.risk  v1 by assess (@1) → v2 by assess (@2)\n  ~ /level  "low" → "high"\n  - /why    "xxx');
    expect(text.split("\n").every((line) => line.length < 100)).toBe(true);
  });
});

describe("bisect", () => {
  test("finds the version that breaks a contract of today, and tells each version it looked at", async () => {
    using shop = await aShopWithARun();

    const { code, out, err } = await shop.cli("bisect", shop.runId, "--contract", "shop.stock", "--workflow", SHOP);

    const lines = out.trim().split("\n");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(lines[0]).toMatch(/^v3 {2}broken {2}\/shelf: /);
    expect(lines.at(-2)).toMatch(new RegExp(`^version ${shop.stock} by find-stock broke it \\(looked at [23] versions of 4\\)$`));
    expect(lines.at(-1)).toContain(`diff ${shop.runId} ${shop.stock - 1} ${shop.stock}`);
  });

  test("finds the version at which an expression is no longer true, as JSON", async () => {
    using shop = await aShopWithARun();

    const outcome = await shop.cli("bisect", shop.runId, "--where", "`shop.price`.discount = false", "--json");

    expect(outcome.code).toBe(0);
    expect(jsonLines(outcome)).toMatchObject([
      {
        runId: shop.runId,
        from: 0,
        to: 3,
        reason: "broke",
        found: { number: shop.price, agent: "price-order", contract: "shop.price@1", parents: [0] },
      },
    ]);
  });

  test("asks a script", async () => {
    using shop = await aShopWithARun();
    const script = shop.file("check.mjs", 'export default (state) => !("shop.receipt" in state);');

    const outcome = await shop.cli("bisect", shop.runId, "--script", script, "--from", "1", "--to", "3");

    expect(outcome).toMatchObject({
      code: 0,
      out: expect.stringContaining("version 3 by sell-order broke it (looked at 2 versions of 3)"),
    });
  });

  test("says that nothing breaks, and exits 1 like a search that finds nothing", async () => {
    using shop = await aShopWithARun();

    const holds = await shop.cli("bisect", shop.runId, "--where", "`shop.price`.cents > 0");
    const absent = await shop.cli("bisect", shop.runId, "--where", "`shop.discount`.cents > 0");
    const json = await shop.cli("bisect", shop.runId, "--where", "`shop.price`.cents > 0", "--json");

    expect(holds).toMatchObject({
      code: 1,
      out: expect.stringContaining(
        "nothing breaks up to version 3: at the end `shop.price`.cents > 0 still holds (looked at 1 version of 4)",
      ),
    });
    expect(absent).toMatchObject({
      code: 1,
      out: expect.stringContaining(
        "v3  holds   shop.discount is not there\nnothing breaks up to version 3: at the end there is nothing to judge",
      ),
    });
    expect(json.code).toBe(1);
    expect(jsonLines(json)).toMatchObject([{ found: null, reason: "holds", lookedAt: 1, trail: [{ number: 3, holds: true }] }]);
  });

  test("takes a version that was broken before the search for no culprit", async () => {
    using shop = await aShopWithARun();

    const outcome = await shop.cli("bisect", shop.runId, "--where", "$version.number < 1", "--from", "2");

    expect(outcome.out).toMatch(/version 2 by [a-z-]+ was broken already \(looked at 2 versions of 2\); go further back with --from/);
  });
});

describe("what cannot be used exits 2 with one line that says why", () => {
  test.each([
    ["a version that is not there", ["diff", "RUN", "0", "9"], /Run .* has no version 9; it has versions 0 to 3/],
    ["a version that is no number", ["diff", "RUN", "0", "last"], /'last' is invalid.*It must be the number of a version/],
    ["one version alone", ["diff", "RUN", "0"], /missing required argument 'to'/],
    ["a run that is not there", ["diff", "ffffffff", "0", "1"], /There is no run ffffffff/],
    ["no predicate", ["bisect", "RUN"], /Say with one of --contract NAME, --where EXPRESSION or --script FILE/],
    ["two predicates", ["bisect", "RUN", "--where", "true", "--contract", "a.b"], /Say with only one of/],
    [
      "a contract nobody knows",
      ["bisect", "RUN", "--contract", "shop.prize", "--workflow", SHOP],
      /There is no contract shop\.prize in .* Known: shop\.order@1/,
    ],
    [
      "a contract of a workflow that is not in the catalog",
      ["bisect", "RUN", "--contract", "shop.stock"],
      /Name its module with --workflow PATH/,
    ],
    ["an expression that cannot be read", ["bisect", "RUN", "--where", "a.b >"], /The expression "a\.b >" cannot be read: .*at its end/],
    [
      "an expression that is neither true nor false",
      ["bisect", "RUN", "--where", "`shop.price`.cents"],
      /its value is 900, which is neither true nor false/,
    ],
    ["a script that is not there", ["bisect", "RUN", "--script", "no.mjs"], /The script no\.mjs cannot be used: there is no such file/],
    [
      "a search that ends before it begins",
      ["bisect", "RUN", "--where", "true", "--from", "2", "--to", "1"],
      /--from 2 comes after --to 1/,
    ],
    ["a search past the end", ["bisect", "RUN", "--where", "true", "--to", "4"], /has no version 4/],
  ])("%s", async (_, words, message) => {
    using shop = await aShopWithARun();

    const { code, out, err } = await shop.cli(...words.map((word) => (word === "RUN" ? shop.runId : word)));

    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(message);
    expect(err).toMatch(/^error: /);
    expect(err).not.toContain("    at ");
  });
});

test("the orchestrator answers the same from Node", async () => {
  using shop = await aShopWithARun();
  await using orchestrator = createOrchestrator({ store: join(shop.path, "store.db"), workflows: [] });

  const { patch } = await orchestrator.diff(shop.runId, 0, shop.stock);
  const bisection = await orchestrator.bisect(shop.runId, (state) => !("shop.stock" in state));

  expect(patch).toContainEqual({ op: "add", path: "/shop.stock", value: { shelf: null, left: 3 } });
  expect(bisection).toMatchObject({ reason: "broke", found: { number: shop.stock, agent: "find-stock" } });
  await expect(orchestrator.diff("nobody", 0, 1)).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
});
