import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { completed, modelAgent, openAIModel } from "walkback";
import { type RawAnswer, rawServer } from "../../support/raw-server.js";
import { ask, QUESTION } from "./asking.js";
import { APPROVE, aDesk, INSTRUCTIONS, judge, Opinion } from "./desk.js";
import { DONE, sse } from "./foreign-answers.js";

const chunk = (delta: object, finish_reason: string | null) => ({
  id: "chatcmpl-1",
  model: "m",
  choices: [{ index: 0, delta, finish_reason }],
});
const OPINION = sse(chunk({ content: JSON.stringify(APPROVE) }, null), chunk({}, "stop"), DONE);
const WHOLE = JSON.stringify({
  choices: [{ index: 0, message: { role: "assistant", content: JSON.stringify(APPROVE) }, finish_reason: "stop" }],
});
const bytesOf = (text: string) => Array.from(Buffer.from(text), (byte) => Buffer.from([byte]));

const unheard: unknown[] = [];
const hear = (reason: unknown) => unheard.push(reason);
beforeEach(() => {
  unheard.length = 0;
  process.on("unhandledRejection", hear);
});
afterEach(() => {
  process.off("unhandledRejection", hear);
  expect(unheard).toEqual([]);
});

/** A desk whose model has half a second for each of two tries, and rules in code below it. */
function deskOf(baseURL: string, timeoutMs = 500) {
  const model = openAIModel({ model: "premium", provider: "openai", apiKey: "sk-of-no-account", baseURL });
  const premium = modelAgent({ name: "premium", model, instructions: INSTRUCTIONS, answer: Opinion, limits: { timeoutMs } });
  const basic = { name: "basic", execute: async () => completed({ verdict: "no decision" as const, confidence: 0 }) };
  return aDesk(judge({ tiers: [premium, basic] }));
}

describe("limits.timeoutMs holds", () => {
  test.each<[string, RawAnswer]>([
    ["a stream that drips byte by byte", { pieces: bytesOf(OPINION), everyMs: 100 }],
    ["a document that drips byte by byte", { pieces: bytesOf(WHOLE), everyMs: 100 }],
    ["comments without end", { pieces: Array.from({ length: 600 }, () => Buffer.from(": OPENROUTER PROCESSING\n\n")), everyMs: 50 }],
    ["spaces without end", { pieces: Array.from({ length: 600 }, () => Buffer.from(" ")), everyMs: 50 }],
    ["an error whose body never ends", { status: 400, pieces: [Buffer.from('{"error":')], ending: "silence" }],
    ["headers and no more", { pieces: [], ending: "silence" }],
  ])("for %s: each try hangs up, and the next tier answers", async (_, answer) => {
    await using server = await rawServer(answer);
    await using desk = await deskOf(server.url);

    const run = await desk.start();

    expect(run).toMatchObject({ status: "completed", degraded: true, versions: [{}, { tier: "basic" }, {}] });
    expect(server.requests.length).toBeGreaterThan(0);
    await expect.poll(() => server.hungUp).toBe(server.requests.length);
  });

  test("for a server that takes the connection and says nothing at all", async () => {
    const sockets = new Set<Socket>();
    const silent = createServer({ allowHalfOpen: true }, (socket) => sockets.add(socket.resume()));
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    await using desk = await deskOf(`http://127.0.0.1:${(silent.address() as AddressInfo).port}/v1`);

    const run = await desk.start();

    expect(run).toMatchObject({ status: "completed", degraded: true });
    await expect.poll(() => [...sockets].filter(({ readableEnded, destroyed }) => readableEnded || destroyed).length).toBeGreaterThan(1);
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  test("and an answer that is slow, but in time, is an answer", async () => {
    await using server = await rawServer({
      pieces: [Buffer.from(": busy\n\n"), ...bytesOf(OPINION)],
      everyMs: 1,
    });
    await using desk = await deskOf(server.url, 20_000);

    expect(await desk.start()).toMatchObject({ status: "completed", degraded: false });
  });
});

/** Node's own fetch keeps a spare connection beside one that it had to close, for four seconds. */
const AT_A_TIME = 8;

async function twoHundredTimes(once: () => Promise<unknown>): Promise<void> {
  const worker = async () => {
    for (let time = 0; time < 200 / AT_A_TIME; time++) await once();
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}

describe("no connection is left behind", () => {
  test("by an end after which the server does not close", async () => {
    await using server = await rawServer({ pieces: [Buffer.from(OPINION)], ending: "silence" });

    expect((await ask(server.url)).reply?.finishReason).toBe("stop");
    await expect.poll(() => server.hungUp).toBe(1);
  });

  test.each<[string, RawAnswer]>([
    ["answers", { pieces: [Buffer.from(OPINION)] }],
    ["answers that the server does not close", { pieces: [Buffer.from(OPINION)], ending: "silence" }],
    ["errors", { status: 500, pieces: [Buffer.from('{"error":{"message":"no"}}')] }],
    ["broken answers", { pieces: [Buffer.from(OPINION.slice(0, 80))], ending: "reset" }],
  ])("by 200 %s", async (_, answer) => {
    await using server = await rawServer(answer);

    await twoHundredTimes(() => ask(server.url));

    expect(server.requests).toHaveLength(200);
    await expect.poll(server.connections).toBeLessThanOrEqual(2 * AT_A_TIME);
  });

  test("by 200 questions that are given up", async () => {
    await using server = await rawServer({ pieces: [Buffer.from(sse(chunk({ content: "Well" }, null)))], ending: "silence" });
    const model = openAIModel({ model: "premium", apiKey: "sk-of-no-account", baseURL: server.url });
    const failures: unknown[] = [];

    await twoHundredTimes(async () => {
      const controller = new AbortController();
      const asked = model.ask(QUESTION, { signal: controller.signal, onText: () => controller.abort() });
      failures.push(await asked.catch((thrown: unknown) => thrown));
    });

    expect(failures).toHaveLength(200);
    for (const failure of failures) expect(failure).toMatchObject({ code: "MODEL_DISCONNECTED", usageUnknown: true });
    await expect.poll(() => server.hungUp).toBe(200);
    await expect.poll(server.connections).toBeLessThanOrEqual(2 * AT_A_TIME);
  });
});
