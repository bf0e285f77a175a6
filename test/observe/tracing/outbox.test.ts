import { expect, test } from "vitest";
import type { LangSmithRun } from "../../../src/observe/tracing/langsmith-run.js";
import { Outbox } from "../../../src/observe/tracing/outbox.js";
import type { NotTaken, Send, Told } from "../../../src/observe/tracing/sender.js";

/** Takes spans, or does not, and keeps what it took. */
function aServer(answer: (request: number) => NotTaken | undefined) {
  const taken: Told[] = [];
  let requests = 0;
  const send: Send = async (batch) => {
    const notTaken = answer(++requests);
    if (!notTaken) taken.push(...batch);
    return notTaken;
  };
  return { taken, open: async () => send, ids: () => taken.map(({ run }) => run.id) };
}

function aSpan(id: string | number, name = "span", method: Told["method"] = "post"): Told {
  return { method, run: { id: String(id), name } as LangSmithRun };
}

const busy: NotTaken = { reason: "it answered 503", transient: true };

test("of too many spans that wait, the oldest are forgotten, and this is said", async () => {
  const problems: string[] = [];
  const server = aServer(() => undefined);
  const outbox = new Outbox(server.open, (problem) => problems.push(problem));

  for (let id = 1; id <= 6_000; id++) outbox.add(aSpan(id));
  await outbox.close(5_000);

  expect(server.ids()).toEqual(Array.from({ length: 5_000 }, (_, index) => String(index + 1_001)));
  expect(new Set(problems)).toEqual(new Set(["more than 5000 spans wait for it, the oldest are forgotten"]));
});

test("what has changed while it could not be sent is told for the first time as it is by then", async () => {
  const server = aServer((request) => (request === 1 ? busy : undefined));
  const outbox = new Outbox(server.open, () => {});

  outbox.add(aSpan("a", "open"));
  await new Promise(setImmediate);
  outbox.add(aSpan("a", "ended", "patch"));
  await outbox.close(5_000);

  expect(server.taken).toEqual([aSpan("a", "ended", "post")]);
});

test("what can never be taken is not sent again", async () => {
  const server = aServer((request) => (request === 1 ? { reason: "it answered 422", transient: false } : undefined));
  const outbox = new Outbox(server.open, () => {});

  outbox.add(aSpan("bad"));
  await new Promise(setImmediate);
  outbox.add(aSpan("good"));
  await outbox.close(5_000);

  expect(server.ids()).toEqual(["good"]);
});

test("closing ends though the server never answers", async () => {
  const outbox = new Outbox(
    async () => () => new Promise(() => {}),
    () => {},
  );
  outbox.add(aSpan("a"));

  await expect(outbox.close(50)).resolves.toBeUndefined();
});
