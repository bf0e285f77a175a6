import { describe, expect, test } from "vitest";
import { openAIModel } from "walkback";
import { loopbackProvider } from "walkback/testing";
import { aDesk, call } from "./support.js";

const asks = (...toolCalls: readonly ReturnType<typeof call>[]) => ({ toolCalls });
const finish = call("finish", { status: "completed", reasonCode: "OK", summary: "Done.", handles: ["fares-1", "book-1"] });

describe.each([true, false])("over the wire (as a stream: %s), an agent with tools", (stream) => {
  test("is understood in all that it says: broken calls, several at once, prose, results and errors", async () => {
    await using provider = await loopbackProvider({
      answer: [
        asks(call("book", "{card: visa"), call("fares", { city: "Rome" })),
        "Let me think about it.",
        asks(call("refund"), call("book", { card: "visa" })),
        asks(finish),
      ],
    });
    const model = openAIModel({ model: "gpt-4.1-mini", baseURL: provider.url, apiKey: "sk-test-key", stream });
    await using desk = aDesk([], { tool: { model }, orchestrator: { limits: { unknownPrice: "dearest" } } });

    const run = await desk.start();

    expect(run).toMatchObject({ status: "completed", output: { fareCents: 120_04, seat: "1A" } });
    expect(desk.airline.asked).toEqual(["fare Rome", "book t-1 by visa"]);
    expect(provider.requests[3]?.asked?.messages.map(({ role }) => role)).toEqual([
      ...["system", "user"],
      ...["assistant", "tool", "tool"],
      ...["assistant", "user"],
      ...["assistant", "tool", "tool"],
    ]);
    expect(desk.orchestrator.budget().spend.total).toMatchObject({ calls: 4, tokens: 480 });
  });

  test("that is cut off in the middle of a call is asked again, and nothing of the call is made", async () => {
    await using provider = await loopbackProvider({
      answer: [
        { ...asks(call("book", { card: "gift card" })), fault: "reset-mid-body" },
        asks(call("fares", { city: "Rome" }), call("book", { card: "visa" })),
        asks(finish),
      ],
    });
    const model = openAIModel({ model: "gpt-4.1-mini", baseURL: provider.url, apiKey: "sk-test-key", stream });
    await using desk = aDesk([], { tool: { model }, retries: 1, orchestrator: { limits: { unknownPrice: "dearest" } } });

    const run = await desk.start();

    expect(run.status).toBe("completed");
    expect(desk.airline.asked).toEqual(["fare Rome", "book t-1 by visa"]);
  });
});
