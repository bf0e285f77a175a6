import { expect, test } from "vitest";
import { aFolder, jsonLines, SHOP } from "./support/cli.js";

/** A shop whose sales have failed so often that nobody asks for one any more. */
async function aShopWithoutSales() {
  const folder = aFolder();
  const orders = folder.file("orders.json", JSON.stringify(Array.from({ length: 6 }, (_, n) => ({ id: `o-${n}`, amountCents: 500 }))));
  await folder.cli("run", SHOP, "--input", orders, "--concurrency", "1", "--inject", "fail:sell-order");
  return { ...folder, orders };
}

test("breakers lists what is open since when and why, and what each has counted", async () => {
  using shop = await aShopWithoutSales();

  const { code, out } = await shop.cli("breakers");
  const lines = jsonLines(await shop.cli("breakers", "--json"));

  expect(code).toBe(0);
  expect(out).toMatch(/^breaker +state +since +counted +next probe +why\n/);
  expect(out).toMatch(/\nreserve-stock +closed +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +0 failed in a row\n/);
  expect(out).toMatch(/\nsell-order +open +[-\d]+ [:\d]+ +5 failed in a row +[-\d]+ [:\d]+ +5 failures in a row\n/);
  expect(lines).toMatchObject([
    { name: "reserve-stock", state: "closed", trippedByHand: false },
    { name: "sell-order", state: "open", trippedByHand: false, why: "5 failures in a row", tally: { calls: 5, failed: 5 } },
  ]);
});

test("a breaker that is reset lets the next run through", async () => {
  using shop = await aShopWithoutSales();
  const run = () => shop.cli("run", SHOP, "--input", shop.orders, "--limit", "1", "--json");
  expect(jsonLines(await run())).toMatchObject([{ status: "rolled-back", failure: { code: "BREAKER_OPEN" } }]);

  const { code, out } = await shop.cli("breakers", "reset", "sell-order", "--reason", "the till is mended");

  expect(code).toBe(0);
  expect(out).toMatch(/\nsell-order +closed /);
  expect(jsonLines(await run())).toMatchObject([{ status: "completed" }]);
  const history = await shop.cli("breakers", "--history", "sell-order");
  expect(history.out).toMatch(
    /closed +open +sell-order in \w{8} +5 failures in a row\n.* open +closed +hand +reset by hand: the till is mended\n$/,
  );
  expect(jsonLines(await shop.cli("breakers", "--history", "sell-order", "--json"))).toMatchObject([
    { from: "closed", to: "open", by: "sell-order", runId: expect.any(String) },
    { from: "open", to: "closed", by: "hand", why: "reset by hand: the till is mended" },
  ]);
});

test("a breaker that is tripped keeps every run from the agent, for as long as was said", async () => {
  using shop = await aShopWithoutSales();
  await shop.cli("breakers", "reset", "sell-order");

  const { out } = await shop.cli("breakers", "trip", "reserve-stock", "--for", "10m");
  const forEver = await shop.cli("breakers", "trip", "sell-order");
  const [run] = jsonLines(await shop.cli("run", SHOP, "--input", shop.orders, "--limit", "1", "--json"));

  expect(out).toMatch(/\nreserve-stock +open .* tripped by hand\n$/);
  expect(forEver.out).toContain("when it is reset");
  expect(run).toMatchObject({ status: "rolled-back", failure: { code: "BREAKER_OPEN" } });
  const [tripped] = jsonLines(await shop.cli("breakers", "--json"));
  const { since, nextProbeAt } = tripped as { since: string; nextProbeAt: string };
  expect(Date.parse(nextProbeAt) - Date.parse(since)).toBe(600_000);
});

test("a breaker that is not there is refused, with those there are", async () => {
  using shop = await aShopWithoutSales();

  for (const words of [
    ["reset", "sell"],
    ["trip", "sell"],
    ["--history", "sell"],
  ]) {
    const { code, err } = await shop.cli("breakers", ...words);

    expect(err).toBe('error: There is no breaker "sell". There are: reserve-stock, sell-order.\n');
    expect(code).toBe(2);
  }
  const { err } = await shop.cli("breakers", "reset", "sell", "--json");
  expect(JSON.parse(err)).toMatchObject({ error: { code: "BREAKER_UNKNOWN", details: { known: ["reserve-stock", "sell-order"] } } });
  expect((await shop.cli("breakers", "trip", "sell-order", "--for", "soon")).code).toBe(2);
});
