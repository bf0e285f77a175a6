import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { type Alert, type AlertOptions, createOrchestrator, type LimitStore, type RunId } from "walkback";
import { aTravelAgency } from "../agents/support.js";
import { aStore } from "../support/store.js";
import { aCall, aClock, aMeter, aSite, failureOf, HOUR } from "./spending.js";

const budgets = { hourly: { microDollars: 1_000 } };
const told = (store: LimitStore) => store.list({ kind: "alert" }).map(({ key, body }) => [key, (body as { percent?: number }).percent]);

/** Someone who takes alerts by HTTP, and answers as told. */
async function aReceiver(answer: (request: number) => number | "never") {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    bodies.push(await text(request));
    const status = answer(bodies.length);
    if (status !== "never") response.writeHead(status).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hooks/canary-secret-address`,
    bodies,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe("a threshold of a budget", () => {
  test("is told of once in a window, and again in the next", async () => {
    await using store = await aStore();
    const clock = aClock();
    const heard: Alert[] = [];
    const meter = aMeter(store.limits, { budgets, alerts: { onAlert: (alert) => heard.push(alert) } }, clock);
    const spend = (microDollars: number) => meter.spend(aSite(), aCall(microDollars), async () => ({ result: "paid" }));

    for (const microDollars of [400, 100, 100, 200, 200]) await spend(microDollars);
    await failureOf(spend(1));
    await failureOf(spend(1));
    const first = told(store.limits);
    clock.move(2 * HOUR);
    await spend(900);

    expect(first).toEqual([
      ["budget", 50],
      ["budget", 80],
      ["budget", 100],
      ["budget-exceeded", undefined],
    ]);
    expect(told(store.limits).slice(4)).toEqual([
      ["budget", 50],
      ["budget", 80],
    ]);
    expect(heard.map(({ message }) => message).slice(0, 4)).toEqual([
      "50 % of the hourly budget of global are spent: $0.0005 of $0.001.",
      "80 % of the hourly budget of global are spent: $0.0008 of $0.001.",
      "100 % of the hourly budget of global are spent: $0.001 of $0.001.",
      "A call that may take $0.000001 was refused: of the hourly budget of global, $0.001, $0.001 are spent and $0.00 reserved.",
    ]);
  });

  test("is told of by one of the processes that share the store", async () => {
    await using store = await aStore();
    const heard: Alert[] = [];
    const meters = [1, 2, 3].map(() =>
      aMeter(store.limits, { budgets, alerts: { thresholds: [10], onAlert: (alert) => heard.push(alert) } }),
    );

    await Promise.all(meters.map((meter) => meter.spend(aSite(), aCall(300), async () => ({ result: "paid" }))));

    expect(heard).toHaveLength(1);
  });
});

test("a run that costs more than it should is told of once, and so is a call that took more than its bound", async () => {
  await using store = await aStore();
  const meter = aMeter(store.limits, { alerts: { runMicroDollars: 100 } });
  const site = aSite();
  const usage = { inputTokens: 0, outputTokens: 0, microDollars: 90 };

  for (let calls = 0; calls < 3; calls++) await meter.spend(site, aCall(60), async () => ({ result: "paid", usage }));

  expect(store.limits.list({ kind: "alert", runId: site.runId }).map(({ body }) => body)).toMatchObject([
    { kind: "over-bound", agent: "write-report", bound: { microDollars: 60 }, used: { microDollars: 90 } },
    { kind: "run-cost", microDollars: 180, limit: 100 },
  ]);
});

test("a run that hangs is told of while it hangs, and one that does not is not", async () => {
  await using store = await aStore();
  let release = () => {};
  const hanging = new Promise<void>((resolve) => {
    release = resolve;
  });
  let heard: (alert: Alert) => void = () => {};
  const alerted = new Promise<Alert>((resolve) => {
    heard = resolve;
  });
  const alerts: AlertOptions = { slowRunMs: 300, onAlert: (alert) => heard(alert) };
  await using agency = aTravelAgency([], (_, { id }) => (id === "slow" ? hanging : Promise.resolve()), {}, { store, limits: { alerts } });

  const slow = agency.start("slow");
  const alert = await alerted;
  const during = await agency.orchestrator.get(alert.runId);
  release();
  const done = await slow;

  expect(alert).toMatchObject({ kind: "run-slow", limitMs: 300 });
  expect(during.status).toBe("running");
  expect(done).toMatchObject({ runId: alert.runId, status: "completed" });
  expect(told(store.limits)).toEqual([["run-slow", undefined]]);
});

describe("a webhook", () => {
  const runs = async (alerts: AlertOptions, store: LimitStore) => {
    const meter = aMeter(store, { budgets, alerts: { thresholds: [50], ...alerts } });
    const answer = await meter.spend(aSite(), aCall(600), async () => ({ result: "paid" }));
    await meter.close();
    return answer;
  };

  test("is sent each alert as JSON, again when it fails at first, and all of it before the orchestrator is closed", async () => {
    await using store = await aStore();
    await using receiver = await aReceiver((request) => (request === 1 ? 503 : 200));

    await runs({ webhook: { url: receiver.url, headers: { authorization: "canary-secret-header" } } }, store.limits);

    const [first, second, ...others] = receiver.bodies;
    expect(others).toEqual([]);
    expect(second).toBe(first);
    expect(JSON.parse(second ?? "")).toMatchObject({
      kind: "budget",
      scope: "global",
      window: "hour",
      percent: 50,
      spent: 600,
      limit: 1_000,
    });
    expect(second).not.toContain("canary-secret");
  });

  test("that refuses an alert is not asked again, fails no run, and its address is written nowhere", async () => {
    await using store = await aStore();
    await using receiver = await aReceiver(() => 404);

    const answer = await runs({ webhook: { url: receiver.url } }, store.limits);

    expect(answer).toBe("paid");
    expect(receiver.bodies).toHaveLength(1);
    expect(store.limits.list({ kind: "alert" }).map(({ body }) => body)).toMatchObject([
      { kind: "budget" },
      { kind: "undelivered", alert: "budget", reason: "it answered 404" },
    ]);
    expect(JSON.stringify(store.limits.list({ kind: "alert" }))).not.toContain("canary-secret");
  });

  test("that does not answer holds up no call, and the end of the process only for a while", { timeout: 90_000 }, async () => {
    await using store = await aStore();
    await using receiver = await aReceiver(() => "never");
    const alerts = { thresholds: [50], webhook: { url: receiver.url } };
    const meter = aMeter(store.limits, { budgets, alerts });

    const answer = await meter.spend(aSite(), aCall(600), async () => ({ result: "paid" }));
    const beforeClose = told(store.limits);
    await meter.close();

    expect(answer).toBe("paid");
    expect(beforeClose).toEqual([["budget", 50]]);
    expect(told(store.limits)).toEqual([
      ["budget", 50],
      ["undelivered", undefined],
    ]);
  });
});

test("a listener that throws stops nothing", async () => {
  await using store = await aStore();
  const onAlert = () => {
    throw new Error("the pager is broken");
  };
  const meter = aMeter(store.limits, { budgets, alerts: { onAlert } });

  expect(await meter.spend(aSite({ runId: "run" as RunId }), aCall(1_000), async () => ({ result: "paid" }))).toBe("paid");
  expect(told(store.limits)).toHaveLength(3);
});

test("an address that is none is refused at the door", () => {
  expect(() => createOrchestrator({ workflows: [], limits: { alerts: { webhook: { url: "not an address" } } } })).toThrow(
    expect.objectContaining({ code: "CONFIG_INVALID" }),
  );
});
