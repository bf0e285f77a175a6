import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  type BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointTuple,
  uuid6,
} from "@langchain/langgraph-checkpoint";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";

interface Opened extends AsyncDisposable {
  readonly checkpointer: BaseCheckpointSaver;
}

type Open = () => Promise<Opened>;
type Values = Readonly<Record<string, unknown>>;

/** What every checkpointer of ours must do beyond LangGraph's own suites, whatever it is made of. `open` gives an empty one. */
export function checkpointerConformance(name: string, open: Open): void {
  describe(`a checkpointer in ${name}`, () => {
    describe("branches of a fork", () => keepsBranchesApart(open));
    describe("values", () => keepsValues(open));
    describe("what JSON would lose", () => refusesWhatJsonLoses(open));
    describe("channels", () => writesWhatChanged(open));
    describe("versions of channels", () => makesVersions(open));
    describe("a list", () => lists(open));
    describe("threads", () => keepsThreads(open));
    describe("many at once", () => servesMany(open));
    describe("a history", () => keepsHistories(open));
  });
}

function keepsBranchesApart(open: Open): void {
  const siblings = async (checkpointer: BaseCheckpointSaver, version: () => string | number) => {
    const parent = await save(checkpointer, aThread(), { topic: "tea", list: ["x".repeat(200)] }, { topic: version(), list: version() });
    const branch = (name: string) => {
      const values = { topic: `${name}'s`, list: ["x".repeat(200), name.repeat(100)] };
      return save(checkpointer, parent, values, { topic: version(), list: version() });
    };
    return { parent, left: await branch("left"), right: await branch("right") };
  };

  test.each<[string, () => string | number]>([
    ["the same whole number", () => 2],
    ["the same text", () => "00000000000000000000000000000002.0"],
  ])("read back their own values, though their channels have %s as version", async (_what, version) => {
    await using store = await open();
    const { parent, left, right } = await siblings(store.checkpointer, version);

    expect(await valuesAt(store.checkpointer, parent)).toEqual({ topic: "tea", list: ["x".repeat(200)] });
    expect(await valuesAt(store.checkpointer, left)).toEqual({ topic: "left's", list: ["x".repeat(200), "left".repeat(100)] });
    expect(await valuesAt(store.checkpointer, right)).toEqual({ topic: "right's", list: ["x".repeat(200), "right".repeat(100)] });
  });

  test("go on from their own values when a channel did not change", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const { left, right } = await siblings(checkpointer, () => 2);
    const goesOn = async (from: RunnableConfig) => {
      const before = await valuesAt(checkpointer, from);
      return save(checkpointer, from, { ...before, more: 1 }, { topic: 2, list: 2, more: 3 }, { more: 3 });
    };

    const [leftNext, rightNext] = [await goesOn(left), await goesOn(right)];

    expect(await valuesAt(checkpointer, leftNext)).toMatchObject({ topic: "left's", more: 1 });
    expect(await valuesAt(checkpointer, rightNext)).toMatchObject({ topic: "right's", more: 1 });
  });

  test("each has its parent, and their writes are their own", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const { parent, left, right } = await siblings(checkpointer, () => 2);
    await checkpointer.putWrites(left, [["topic", "from the left"]], "task");
    await checkpointer.putWrites(right, [["topic", "from the right"]], "task");

    const tuples = await Promise.all([left, right].map((config) => checkpointer.getTuple(config)));

    expect(tuples.map((tuple) => tuple?.parentConfig)).toEqual([parent, parent]);
    expect(tuples.map((tuple) => tuple?.pendingWrites)).toEqual([
      [["task", "topic", "from the left"]],
      [["task", "topic", "from the right"]],
    ]);
  });
}

function keepsValues(open: Open): void {
  const bytes = Uint8Array.from({ length: 1_000 }, (_, index) => index % 256);
  const long = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key ${index}`, "é".repeat(index)]));

  test.each<[string, unknown, unknown?]>([
    ["text, however odd", "\u0000 \ud800 \u2028 \u{1f600} '\"\\"],
    ["nothing", null],
    ["undefined", undefined],
    ["a number", -1.5e-7],
    ["an empty list", []],
    ["an object with keys that mean something elsewhere", { constructor: 1, toString: "x", lc: "1", "": [], "a.b": {} }],
    ["a large object", long],
    ["undefined within", { a: [undefined, 1], b: undefined, c: "c".repeat(500) }],
    ["a Set", new Set([1, "two", { three: 3 }])],
    [
      "a Map",
      new Map<unknown, unknown>([
        ["a", new Set(["b"])],
        [{ key: 1 }, 2],
      ]),
    ],
    ["a regular expression", /a+b/giu],
    ["bytes", bytes],
    ["no bytes", new Uint8Array()],
    ["a Buffer, as bytes", Buffer.from(bytes), bytes],
    ["a part of a larger Buffer, as bytes", Buffer.from(bytes).subarray(100, 900), bytes.subarray(100, 900)],
    ["bytes within", { file: { name: "a", content: bytes } }],
    ["a date, as text (LangGraph's way)", { at: new Date(0) }, { at: "1970-01-01T00:00:00.000Z" }],
    ["nesting a hundred times deep and more", Array.from({ length: 300 }).reduce((inner) => [inner], "deep")],
  ])("are kept in a channel and in a write: %s", async (_what, value, expected = value) => {
    await using store = await open();
    const { checkpointer } = store;

    const config = await save(checkpointer, aThread(), { value });
    await checkpointer.putWrites(config, [["value", value]], "task");

    const tuple = await checkpointer.getTuple(config);
    expect(tuple?.checkpoint.channel_values).toEqual({ value: expected });
    expect(Object.keys(tuple?.checkpoint.channel_values ?? {})).toEqual(["value"]);
    expect(tuple?.pendingWrites).toEqual([["task", "value", expected]]);
  });

  test("are kept when they are messages of LangChain, with their class", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const messages = [
      new HumanMessage({ id: "1", content: "How much? ".repeat(50) }),
      new AIMessage({ id: "2", content: "", tool_calls: [{ id: "c", name: "price", args: { of: "tea" }, type: "tool_call" }] }),
    ];

    const first = await save(checkpointer, aThread(), { messages: messages.slice(0, 1) });
    const second = await save(checkpointer, first, { messages });

    const [before, after] = [await valuesAt(checkpointer, first), await valuesAt(checkpointer, second)];
    expect(before).toEqual({ messages: messages.slice(0, 1) });
    expect(after).toEqual({ messages });
    expect((after["messages"] as unknown[]).map((message) => (message as object).constructor)).toEqual([HumanMessage, AIMessage]);
  });

  test("are what they were when they were put, though their maker goes on to change them", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const values = { bytes: new Uint8Array(500), list: [{ a: 1 }] };

    const first = save(checkpointer, aThread(), values, { bytes: "1.a", list: "1.a" });
    values.bytes.fill(1);
    values.list.push({ a: 2 });
    const second = save(checkpointer, await first, values, { bytes: "2.a", list: "2.a" });
    values.bytes.fill(2, 250);
    const third = save(checkpointer, await second, values, { bytes: "3.a", list: "3.a" });

    expect(await valuesAt(checkpointer, await first)).toEqual({ bytes: new Uint8Array(500), list: [{ a: 1 }] });
    expect(await valuesAt(checkpointer, await second)).toEqual({ bytes: new Uint8Array(500).fill(1), list: [{ a: 1 }, { a: 2 }] });
    expect(await valuesAt(checkpointer, await third)).toEqual({ bytes: values.bytes, list: [{ a: 1 }, { a: 2 }] });
  });

  test("belong to their reader, who may change them", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const config = await save(checkpointer, aThread(), { list: [1], bytes: new Uint8Array(3) });

    const values = (await valuesAt(checkpointer, config)) as { list: number[]; bytes: Uint8Array };
    values.list.push(2);
    values.bytes.fill(9);

    expect(await valuesAt(checkpointer, config)).toEqual({ list: [1], bytes: new Uint8Array(3) });
  });
}

function refusesWhatJsonLoses(open: Open): void {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  const refused: [string, unknown][] = [
    ["a bigint", 1n],
    ["a bigint within", { amount: [{ cents: 1n }] }],
    ["NaN", Number.NaN],
    ["an infinity", { score: Number.NEGATIVE_INFINITY }],
    ["a bigint behind something else that is not plain", { nothing: undefined, amount: 1n }],
    ["NaN behind a Set", [new Set([1]), Number.NaN]],
    ["a bigint in a Set", new Set([1n])],
    ["NaN in a Map", { scores: new Map([["a", Number.NaN]]) }],
    ["a bigint in a message", [new HumanMessage({ content: "hi", additional_kwargs: { amount: 1n } })]],
    [
      "a bigint in an instance of a class",
      new (class Money {
        readonly cents = 1n;
      })(),
    ],
    ["an invalid date", { at: new Date(Number.NaN) }],
    ["a cycle", cycle],
    ["a cycle through a Map", { map: new Map([["self", cycle]]) }],
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
  ];

  test.each(refused)("is refused, and nothing of the checkpoint is kept: %s", async (_what, value) => {
    await using store = await open();
    const { checkpointer } = store;
    const thread = aThread();

    const put = save(checkpointer, thread, { fine: "x".repeat(200), wrong: value });

    await expect(put).rejects.toThrow(expect.objectContaining({ code: "STATE_NOT_SERIALIZABLE" }));
    expect(await checkpointer.getTuple(thread)).toBeUndefined();
    expect(await listed(checkpointer, thread)).toEqual([]);
  });

  test.each(refused)("is refused in a write, and nothing of the task is kept: %s", async (_what, value) => {
    await using store = await open();
    const { checkpointer } = store;
    const config = await save(checkpointer, aThread(), { fine: 1 });

    const put = checkpointer.putWrites(
      config,
      [
        ["fine", 2],
        ["wrong", value],
      ],
      "task",
    ); // prettier-ignore

    await expect(put).rejects.toThrow(
      expect.objectContaining({ code: "STATE_NOT_SERIALIZABLE", details: { channel: "wrong", found: expect.any(String) } }),
    );
    expect((await checkpointer.getTuple(config))?.pendingWrites).toEqual([]);
  });

  test("the same object in two places is no cycle", async () => {
    await using store = await open();
    const shared = { a: new Set([1]) };

    const config = await save(store.checkpointer, aThread(), { twice: [shared, shared] });

    expect(await valuesAt(store.checkpointer, config)).toEqual({ twice: [shared, shared] });
  });
}

function writesWhatChanged(open: Open): void {
  test("that are not named as new are those of the checkpoint before", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const first = await save(checkpointer, aThread(), { kept: "before", changed: "before" }, { kept: "1.a", changed: "1.a" });

    const second = await save(
      checkpointer,
      first,
      { kept: "ignored", changed: "after" },
      { kept: "1.a", changed: "2.a" },
      { changed: "2.a" },
    );

    expect(await valuesAt(checkpointer, second)).toEqual({ kept: "before", changed: "after" });
  });

  test("that are gone are gone, and come back only with a value", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const versions = { kept: "1.a", gone: "1.a" };
    const first = await save(checkpointer, aThread(), { kept: 1, gone: "gone".repeat(50) }, versions);

    const second = await save(checkpointer, first, { kept: 1 }, { ...versions, gone: "2.a" }, { gone: "2.a" });
    const third = await save(checkpointer, second, { kept: 1 }, { ...versions, gone: "2.a" }, {});

    expect(await valuesAt(checkpointer, second)).toEqual({ kept: 1 });
    expect(await valuesAt(checkpointer, third)).toEqual({ kept: 1 });
  });

  test("are all written when nobody says which are new", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const first = await save(checkpointer, aThread(), { a: 1, b: 1 }, { a: 1, b: 1 }, null);

    const second = await save(checkpointer, first, { a: 2, b: 2 }, { a: 1, b: 1 }, null);

    expect(await valuesAt(checkpointer, second)).toEqual({ a: 2, b: 2 });
  });

  test("of a checkpoint that is put again are those of the last time", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const thread = aThread();
    const checkpoint = aCheckpoint({ list: ["a".repeat(200)] }, { list: "1.a" });
    await checkpointer.put(thread, checkpoint, METADATA, { list: "1.a" } as unknown as ChannelVersions);

    const again = { ...checkpoint, channel_values: { list: ["b".repeat(200)] } };
    const config = await checkpointer.put(thread, again, { ...METADATA, step: 1 }, { list: "1.a" } as unknown as ChannelVersions);

    expect(await valuesAt(checkpointer, config)).toEqual({ list: ["b".repeat(200)] });
    expect(await listed(checkpointer, thread)).toMatchObject([{ metadata: { step: 1 } }]);
  });

  test("a task's first write stands, a repeated one changes nothing; an error and an interrupt are replaced", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const config = await save(checkpointer, aThread(), {});

    await checkpointer.putWrites(
      config,
      [
        ["a", 1],
        ["b", 1],
      ],
      "task",
    ); // prettier-ignore
    await checkpointer.putWrites(
      config,
      [
        ["a", 2],
        ["b", 2],
        ["c", 2],
      ],
      "task",
    ); // prettier-ignore
    await checkpointer.putWrites(config, [["__error__", "first"]], "other");
    await checkpointer.putWrites(config, [["__error__", "second"]], "other");

    expect((await checkpointer.getTuple(config))?.pendingWrites).toEqual([
      ["other", "__error__", "second"],
      ["task", "a", 1],
      ["task", "b", 1],
      ["task", "c", 2],
    ]);
  });
}

function makesVersions(open: Open): void {
  test("differ on every branch and sort as text, over a thousand steps and after numbers", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const next = (current: unknown) => checkpointer.getNextVersion(current as number | undefined) as unknown as string;

    const versions = [next(undefined)];
    while (versions.length < 1_200) versions.push(next(versions.at(-1)));

    expect(versions.toSorted()).toEqual(versions);
    expect(new Set(Array.from({ length: 1_000 }, () => next(versions[0]))).size).toBeGreaterThan(990);
    expect(next(7) > next(6)).toBe(true);
    expect(next(10) > next(9)).toBe(true);
  });
}

function lists(open: Open): void {
  const COUNT = 130;
  const aLongThread = async (checkpointer: BaseCheckpointSaver, count = COUNT) => {
    const thread = aThread();
    const configs: RunnableConfig[] = [];
    for (let step = 0; step < count; step++) {
      const checkpoint = aCheckpoint({ set: new Set([step]) }, { set: `${step}` });
      const metadata = {
        ...METADATA,
        step,
        source: step % 2 === 0 ? ("loop" as const) : ("update" as const),
        tags: { third: step % 3 === 0 },
      };
      configs.push(await checkpointer.put(configs.at(-1) ?? thread, checkpoint, metadata, { set: step }));
    }
    return { thread, configs };
  };
  const steps = async (checkpointer: BaseCheckpointSaver, thread: RunnableConfig, options?: CheckpointListOptions) =>
    (await listed(checkpointer, thread, options)).map(({ metadata }) => metadata?.step);
  const downFrom = (from: number, to: number, by = 1) =>
    Array.from({ length: Math.floor((from - to) / by) + 1 }, (_, index) => from - index * by);

  test("has all there are, newest first, each with its values", async () => {
    await using store = await open();
    const { thread } = await aLongThread(store.checkpointer);

    const found = await listed(store.checkpointer, thread);

    expect(found.map(({ metadata }) => metadata?.step)).toEqual(downFrom(COUNT - 1, 0));
    expect(found.map(({ checkpoint }) => checkpoint.channel_values["set"])).toEqual(downFrom(COUNT - 1, 0).map((step) => new Set([step])));
  });

  test("keeps to a limit, to what came before a checkpoint, and to a filter, alone and together", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const { thread, configs } = await aLongThread(checkpointer);
    const before = configs[100] as RunnableConfig;

    expect(await steps(checkpointer, thread, { limit: 60 })).toEqual(downFrom(129, 70));
    expect(await steps(checkpointer, thread, { limit: 0 })).toEqual([]);
    expect(await steps(checkpointer, thread, { before })).toEqual(downFrom(99, 0));
    expect(await steps(checkpointer, thread, { filter: { source: "update" } })).toEqual(downFrom(129, 1, 2));
    expect(await steps(checkpointer, thread, { filter: { tags: { third: true } } })).toEqual(downFrom(129, 0, 3));
    expect(await steps(checkpointer, thread, { filter: { source: "nobody's" } })).toEqual([]);
    expect(await steps(checkpointer, thread, { before, limit: 30, filter: { source: "loop" } })).toEqual(downFrom(98, 40, 2));
  });

  test("loads only what is asked for", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const { thread } = await aLongThread(checkpointer);
    const loads = vi.spyOn((checkpointer as unknown as { serde: { loadsTyped(): unknown } }).serde, "loadsTyped");

    for await (const { metadata } of checkpointer.list(thread)) if (metadata?.step === 126) break;
    await listed(checkpointer, thread, { limit: 4 });

    expect(loads.mock.calls.length).toBeLessThanOrEqual(10);
    loads.mockRestore();
  });

  test("spans all threads and namespaces when none is named, though their checkpoints have the same ids", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const ids = [uuid6(0), uuid6(1)];
    const places = Array.from({ length: 60 }, (_, index) => aThread(index % 2 === 0 ? "" : "child"));
    for (const id of ids) for (const place of places) await checkpointer.put(place, { ...aCheckpoint({}, {}), id }, METADATA, {});

    const found = await listed(checkpointer, {});

    expect(found.map(({ checkpoint }) => checkpoint.id)).toEqual([...places.map(() => ids[1]), ...places.map(() => ids[0])]);
    expect(new Set(found.map(({ config }) => JSON.stringify(config))).size).toBe(120);
    expect(await listed(checkpointer, {}, { limit: 70 })).toHaveLength(70);
  });

  test("goes on while others write", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const { thread, configs } = await aLongThread(checkpointer, 60);
    const seen: unknown[] = [];

    for await (const { metadata } of checkpointer.list(thread)) {
      seen.push(metadata?.step);
      if (seen.length < 5) await save(checkpointer, configs.at(-1) as RunnableConfig, { set: 1 });
    }

    expect(seen).toEqual(downFrom(59, 0));
  });
}

function keepsThreads(open: Open): void {
  test("that are deleted are gone in all their namespaces, and the others are not", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const [thread, other] = [aThread(), aThread()];
    const inside = { configurable: { ...thread.configurable, checkpoint_ns: "child" } };
    const values = { text: "the same text in both threads ".repeat(20) };
    for (const place of [thread, inside, other]) {
      const config = await save(checkpointer, place, values);
      await checkpointer.putWrites(config, [["text", "x".repeat(100)]], "task");
    }

    await checkpointer.deleteThread(thread.configurable["thread_id"]);

    expect(await checkpointer.getTuple(thread)).toBeUndefined();
    expect(await checkpointer.getTuple(inside)).toBeUndefined();
    expect(await listed(checkpointer, {})).toHaveLength(1);
    expect(await checkpointer.getTuple(other)).toMatchObject({
      checkpoint: { channel_values: values },
      pendingWrites: [["task", "text", "x".repeat(100)]],
    });
  });

  test("that were deleted can begin anew, without anything of before", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const thread = aThread();
    const old = await save(checkpointer, thread, { a: 1 });
    await checkpointer.putWrites(old, [["a", 2]], "task");

    await checkpointer.deleteThread(thread.configurable["thread_id"]);
    await save(checkpointer, thread, { b: 1 });

    expect(await listed(checkpointer, thread)).toMatchObject([{ checkpoint: { channel_values: { b: 1 } }, pendingWrites: [] }]);
    expect(await checkpointer.getTuple(old)).toBeUndefined();
  });

  test("nobody knows have nothing, and deleting one changes nothing", async () => {
    await using store = await open();

    await store.checkpointer.deleteThread("nobody's");

    expect(await store.checkpointer.getTuple(aThread())).toBeUndefined();
    expect(await listed(store.checkpointer, aThread())).toEqual([]);
  });
}

function servesMany(open: Open): void {
  test("two hundred puts over twenty threads all arrive, each in its own", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const threads = Array.from({ length: 20 }, () => aThread());
    const text = (thread: number, step: number) => `thread ${thread}, step ${step}: ${"x".repeat(step * 100)}`;

    const puts = threads.flatMap((thread, which) =>
      Array.from({ length: 10 }, async (_, step) => {
        const config = await save(checkpointer, thread, { text: text(which, step) }, undefined, undefined, uuid6(step));
        await checkpointer.putWrites(config, [["text", text(which, step)]], `task-${step}`);
        return config;
      }),
    );
    const configs = await Promise.all(puts);

    for (const [index, config] of configs.entries()) {
      const [which, step] = [Math.floor(index / 10), index % 10];
      expect(await checkpointer.getTuple(config)).toMatchObject({
        checkpoint: { channel_values: { text: text(which, step) } },
        pendingWrites: [[`task-${step}`, "text", text(which, step)]],
      });
    }
    expect(await listed(checkpointer, {})).toHaveLength(200);
  });

  test("one refused checkpoint among many fails alone", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const threads = Array.from({ length: 10 }, () => aThread());

    const outcomes = await Promise.allSettled(
      threads.map((thread, index) => save(checkpointer, thread, { value: index === 3 ? 1n : index })),
    );

    expect(outcomes.map(({ status }) => status)).toEqual(threads.map((_, index) => (index === 3 ? "rejected" : "fulfilled")));
    expect(await listed(checkpointer, {})).toHaveLength(9);
  });
}

/** How a value may become the next one. */
const edits = {
  append: (list: readonly unknown[], item: unknown) => [...list, item],
  prepend: (list: readonly unknown[], item: unknown) => [item, ...list],
  drop: (list: readonly unknown[]) => list.slice(0, -1),
  slide: (list: readonly unknown[], item: unknown) => [...list.slice(1), item],
  halve: (list: readonly unknown[]) => list.slice(0, Math.floor(list.length / 2)),
  replaceMiddle: (list: readonly unknown[], item: unknown) =>
    list.map((each, index) => (index === Math.floor(list.length / 2) ? item : each)),
  keep: (list: readonly unknown[]) => list,
  restart: (_list: readonly unknown[], item: unknown) => [item],
} as const;

type Edit = keyof typeof edits;

function keepsHistories(open: Open): void {
  const item = fc.oneof(
    fc.string({ maxLength: 300, unit: "grapheme" }),
    fc.record({ role: fc.constantFrom("human", "ai"), content: fc.string({ maxLength: 400 }) }),
    fc.integer(),
    fc.array(fc.string({ maxLength: 20 }), { maxLength: 20 }),
  );
  const step = fc.record({
    edit: fc.constantFrom(...(Object.keys(edits) as Edit[])),
    item,
    channel: fc.constantFrom("list", "text", "object", "set"),
    /** How far back its parent lies: usually none. */
    back: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(8) }),
    gone: fc.oneof({ weight: 12, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  });

  test("of values that grow, shrink, slide and change reads back exactly, at every checkpoint of every branch", async () => {
    const history = fc.array(step, { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        await using store = await open();
        const { checkpointer } = store;
        const known: { readonly config: RunnableConfig; readonly values: Values; readonly versions: Record<string, unknown> }[] = [
          { config: aThread(), values: {}, versions: {} },
        ];
        for (const [index, { edit, item: added, channel, back, gone }] of steps.entries()) {
          const from = known.at(-1 - Math.min(back, known.length - 1)) as (typeof known)[number];
          const version = checkpointer.getNextVersion(from.versions[channel] as number | undefined);
          const versions = { ...from.versions, [channel]: version };
          const { [channel]: before, ...others } = from.values;
          const values = gone ? others : { ...others, [channel]: shaped(channel, edits[edit](unshaped(before), added)) };
          const config = await save(checkpointer, from.config, values, versions, { [channel]: version }, uuid6(index));
          known.push({ config, values, versions });
        }
        for (const { config, values } of known.slice(1)) expect(await valuesAt(checkpointer, config)).toEqual(values);
        const found = await listed(checkpointer, known[0]?.config as RunnableConfig);
        expect(found.map(({ checkpoint }) => checkpoint.channel_values)).toEqual(
          known
            .slice(1)
            .toReversed()
            .map(({ values }) => values),
        );
      }),
      { numRuns: Number(process.env["WALKBACK_PROPERTY_RUNS"] ?? 40) },
    );
  });

  test("of five hundred messages, added one at a time, reads back at every step", { timeout: 60_000 }, async () => {
    await using store = await open();
    const { checkpointer } = store;
    const messages: string[] = [];
    const configs: RunnableConfig[] = [aThread()];
    for (let step = 0; step < 500; step++) {
      messages.push(`${step}: ${"word ".repeat(1 + ((step * 7919) % 40))}`);
      configs.push(await save(checkpointer, configs.at(-1) as RunnableConfig, { messages }));
    }

    for (const [step, config] of configs.entries())
      if (step % 7 === 1 || step > 495) expect(await valuesAt(checkpointer, config)).toEqual({ messages: messages.slice(0, step) });
    expect(await valuesAt(checkpointer, configs.at(-1) as RunnableConfig)).toEqual({ messages });
  });

  test("of a value that only ever loses its end, a letter at a time, reads back at every step", async () => {
    await using store = await open();
    const { checkpointer } = store;
    const text = Array.from({ length: 400 }, (_, index) => index.toString(36)).join(" ");
    const configs: RunnableConfig[] = [aThread()];
    for (let step = 0; step < 200; step++)
      configs.push(await save(checkpointer, configs.at(-1) as RunnableConfig, { text: text.slice(0, -5 * step - 1) }));

    for (const [step, config] of configs.slice(1).entries())
      expect(await valuesAt(checkpointer, config)).toEqual({ text: text.slice(0, -5 * step - 1) });
  });
}

const METADATA = { source: "loop" as const, step: 0, parents: {} };

let threads = 0;

function aThread(namespace = "") {
  threads += 1;
  return { configurable: { thread_id: `thread-${threads}`, checkpoint_ns: namespace } };
}

function aCheckpoint(values: Values, versions: Readonly<Record<string, unknown>>): Checkpoint {
  const channel_versions = versions as Checkpoint["channel_versions"];
  return { v: 4, id: uuid6(-1), ts: new Date().toISOString(), channel_values: { ...values }, channel_versions, versions_seen: {} };
}

/** Puts a checkpoint after another one; every channel is new unless it is said which are, or `null`: nobody says. */
function save(
  checkpointer: BaseCheckpointSaver,
  after: RunnableConfig,
  values: Values,
  versions: Readonly<Record<string, unknown>> = Object.fromEntries(
    Object.keys(values).map((name) => [name, checkpointer.getNextVersion(undefined)]),
  ),
  changed: Readonly<Record<string, unknown>> | null = versions,
  id = uuid6(-1),
): Promise<RunnableConfig> {
  const checkpoint = { ...aCheckpoint(values, versions), id };
  const put = checkpointer.put.bind(checkpointer) as (...args: readonly unknown[]) => Promise<RunnableConfig>;
  return changed === null ? put(after, checkpoint, METADATA) : put(after, checkpoint, METADATA, changed);
}

async function valuesAt(checkpointer: BaseCheckpointSaver, config: RunnableConfig): Promise<Values> {
  return (await checkpointer.getTuple(config))?.checkpoint.channel_values ?? {};
}

async function listed(
  checkpointer: BaseCheckpointSaver,
  config: RunnableConfig,
  options?: CheckpointListOptions,
): Promise<CheckpointTuple[]> {
  const found: CheckpointTuple[] = [];
  for await (const tuple of checkpointer.list(config, options)) found.push(tuple);
  return found;
}

/** The same list as the kind of value that the channel holds. */
function shaped(channel: string, list: readonly unknown[]): unknown {
  switch (channel) {
    case "text":
      return list.map((each) => JSON.stringify(each)).join("\n");
    case "object":
      return Object.fromEntries(list.map((each, index) => [`key ${index}`, each]));
    case "set":
      return new Set(list.map((each) => JSON.stringify(each)));
    default:
      return list;
  }
}

function unshaped(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (typeof value === "string") return value === "" ? [] : value.split("\n").map((line) => JSON.parse(line) as unknown);
  if (value instanceof Set) return [...value].map((each) => JSON.parse(String(each)) as unknown);
  return Array.isArray(value) ? value : Object.values(value as object);
}
