import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { aFolder, jsonLines, SHOP, startCli } from "./support/cli.js";
import { bookIn } from "./support/shop.js";

const GOOD = '{"id":"a","amountCents":100}\n{"id":"b","amountCents":200}\n';

describe("run", () => {
  test("prints a line of JSON for each row, in order, with the promised keys", async () => {
    using folder = aFolder();

    const outcome = await folder.cli("run", SHOP, "--input", folder.file("orders.jsonl", GOOD), "--json");

    const lines = jsonLines(outcome);
    expect(outcome).toMatchObject({ code: 0, err: "" });
    expect(lines).toMatchObject([
      { status: "completed", output: { orderId: "a" }, failure: null, row: 1 },
      { status: "completed", output: { orderId: "b" }, failure: null, row: 2 },
    ]);
    expect(Object.keys(lines[0] ?? {})).toEqual(["runId", "status", "output", "failure", "versions", "durationMs", "row"]);
  });

  test("runs the good rows beside a bad one, and reports it with row, path and reason", async () => {
    using folder = aFolder();
    const file = folder.file(
      "orders.jsonl",
      '{"id":"a","amountCents":100}\n{"id":"b","amountCents":-1}\n{"id":"c"\n{"id":"d","amountCents":4}\n',
    );

    const table = await folder.cli("run", SHOP, "--input", file);
    const json = await folder.cli("run", SHOP, "--input", file, "--json");

    expect(table).toMatchObject({ code: 1, out: expect.stringContaining("2 sold, 2 rejected") });
    expect(table.err).toContain("error: row 2: The input does not fit shop.order@1: /amountCents: ");
    expect(table.err).toContain("error: row 3: The input does not fit shop.order@1: the line is not JSON");
    expect(json.code).toBe(1);
    expect(jsonLines(json)).toMatchObject([
      { status: "completed", row: 1 },
      { runId: null, status: "rejected", row: 2, failure: { code: "INPUT_INVALID", details: { issues: [{ path: "/amountCents" }] } } },
      { runId: null, status: "rejected", row: 3, failure: { code: "INPUT_INVALID" } },
      { status: "completed", row: 4 },
    ]);
  });

  test("exits 2 when every row is bad", async () => {
    using folder = aFolder();

    expect(await folder.cli("run", SHOP, "--input", folder.file("orders.json", "[1, 2]"))).toMatchObject({ code: 2 });
  });

  test("walks every run back under an injected fault, exits 1 and leaves the shop's book balanced", async () => {
    using folder = aFolder();

    const { code, out } = await folder.cli("run", SHOP, "--input", folder.file("orders.jsonl", GOOD), "--inject", "fail:sell-order:after");

    expect(code).toBe(1);
    expect(out).toContain("AGENT_FAILED in sell-order");
    expect(out).toContain("2 rolled-back (AGENT_FAILED)");
    expect(bookIn(folder.path).filter((line) => line.endsWith(" a"))).toEqual([
      "reservation a",
      "sale a",
      "undo sale a",
      "undo reservation a",
    ]);
  });

  test("goes on with a fallback when told to skip, and takes only as many rows as asked for", async () => {
    using folder = aFolder();
    const file = folder.file("orders.jsonl", GOOD);

    const outcome = await folder.cli(
      "run",
      SHOP,
      "--input",
      file,
      "--limit",
      "1",
      "--inject",
      "fail:reserve-stock",
      "--on-failure",
      "reserve-stock=skip",
      "--json",
    );

    expect(outcome.code).toBe(0);
    expect(jsonLines(outcome)).toMatchObject([{ output: { orderId: "a", shelf: "unknown" } }]);
  });
});

describe("run --idempotency-key", () => {
  const KEYED = ["--idempotency-key", "id", "--json"];

  test("finds the runs of a file again instead of selling its orders twice", async () => {
    using folder = aFolder();
    const first = await folder.cli("run", SHOP, "--input", folder.file("orders.jsonl", GOOD), ...KEYED);
    const book = bookIn(folder.path);

    const grown = folder.file("orders.jsonl", `${GOOD}{"id":"c","amountCents":300}\n`);
    const second = await folder.cli("run", SHOP, "--input", grown, ...KEYED);

    expect(second).toMatchObject({ code: 0, err: "" });
    expect(jsonLines(second).slice(0, 2)).toEqual(jsonLines(first));
    expect(bookIn(folder.path)).toEqual([...book, "reservation c", "sale c"]);
  });

  test("rejects a row without the field, and one that says something else under a key of before", async () => {
    using folder = aFolder();
    await folder.cli("run", SHOP, "--input", folder.file("orders.jsonl", GOOD), ...KEYED);
    const book = bookIn(folder.path);
    const file = folder.file("orders.jsonl", '{"id":"a","amountCents":999}\n{"amountCents":1}\n{"id":"b","amountCents":200}\n');

    const outcome = await folder.cli("run", SHOP, "--input", file, ...KEYED);

    expect(outcome.code).toBe(1);
    expect(jsonLines(outcome)).toMatchObject([
      { status: "rejected", row: 1, failure: { code: "KEY_REUSED" } },
      { status: "rejected", row: 2, failure: { code: "INPUT_INVALID", details: { issues: [{ path: "/id" }] } } },
      { status: "completed", row: 3 },
    ]);
    expect(bookIn(folder.path)).toEqual(book);
  });
});

describe("wrong input exits 2 with one line that says what to do", () => {
  test.each([
    ["an unknown workflow", ["run", "credit-decison", "--samples"], /There is no workflow "credit-decison"\. Known: credit-decision/],
    ["a module that is not there", ["run", "./no.js", "--samples"], /There is no module .*no\.js/],
    ["a missing file", ["run", SHOP, "--input", "no-such.csv"], /There is no file no-such\.csv/],
    ["no input at all", ["run", SHOP], /--input FILE \(- for standard input\) or --samples/],
    ["an unknown agent", ["run", SHOP, "--samples", "--inject", "fail:nobody"], /the agents are reserve-stock, sell-order/],
    ["a skip without a fallback", ["run", SHOP, "--samples", "--on-failure", "sell-order=skip"], /sell-order has no fallback/],
    ["an unknown mode", ["run", SHOP, "--samples", "--on-failure", "sell-order=hope"], /one of rollback, skip, cached, ask/],
    ["a limit of nothing", ["run", SHOP, "--samples", "--limit", "0"], /'0' is invalid\. It must be a whole number above 0/],
    ["an unknown option", ["run", SHOP, "--sample"], /unknown option '--sample'/],
    ["an unknown command", ["rum"], /There is no command "rum"\. Known: run, inspect/],
    ["a store that is not there", ["list"], /There is no store .*store\.db\. Run a workflow first/],
    ["a recovery of a store that is not there", ["recover"], /There is no store .*store\.db\. Run a workflow first/],
    ["a run without a name", ["inspect", ""], /Say which run/],
    ["an unknown contract", ["contracts", "shop.price", "--workflow", SHOP], /There is no contract shop\.price\. Known: shop\.order@1/],
  ])("%s", async (_, words, message) => {
    using folder = aFolder();

    const { code, out, err } = await folder.cli(...words);

    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(message);
    expect(err).toMatch(/^error: /);
    expect(err).not.toContain("    at ");
  });

  test.each([
    ["an empty file", "orders.csv", "", /is empty/],
    ["a table with other columns", "orders.csv", "name,price\nx,1\n", /other columns: id, amount are missing/],
    ["a file that is not JSON", "orders.json", "{", /is not JSON/],
  ])("%s", async (_, name, text, message) => {
    using folder = aFolder();

    const { code, out, err } = await folder.cli("run", SHOP, "--input", folder.file(name, text));

    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(message);
  });

  test("as an object with --json, options included", async () => {
    using folder = aFolder();

    const missing = await folder.cli("run", SHOP, "--input", "no-such.csv", "--json");
    const option = await folder.cli("run", SHOP, "--nonsense", "--json");

    expect(JSON.parse(missing.err)).toMatchObject({ error: { code: "INPUT_INVALID", details: { argument: "--input" } } });
    expect(JSON.parse(option.err)).toMatchObject({ error: { message: "unknown option '--nonsense'" } });
  });
});

describe("a run afterwards", () => {
  test("is listed, and inspected by the end of its id", async () => {
    using folder = aFolder();
    await folder.cli("run", SHOP, "--input", folder.file("orders.jsonl", GOOD), "--inject", "fail:sell-order");

    const listed = await folder.cli("list", "--status", "rolled-back", "--json");
    const runId = String(jsonLines(listed)[0]?.["runId"]);
    const inspected = await folder.cli("inspect", runId.slice(-8));
    const inspection = await folder.cli("inspect", runId, "--json");

    expect(jsonLines(listed)).toHaveLength(2);
    expect((await folder.cli("list")).out).toContain(runId);
    expect(inspected).toMatchObject({ code: 0, out: expect.stringContaining(`Run ${runId}`) });
    expect(inspected.out).toContain("undid reservation");
    expect(jsonLines(inspection)).toMatchObject([{ run: { runId, status: "rolled-back" } }]);
  });

  test("is not found by an id nobody has, or that many have", async () => {
    using folder = aFolder();
    await folder.cli("run", SHOP, "--input", folder.file("orders.jsonl", GOOD));

    expect(await folder.cli("inspect", "ffffffff")).toMatchObject({ code: 2, err: expect.stringContaining("There is no run ffffffff") });
    const [first] = jsonLines(await folder.cli("list", "--json"));
    const shared = String(first?.["runId"]).slice(0, 6);
    expect(await folder.cli("inspect", shared)).toMatchObject({ code: 2, err: expect.stringContaining(`2 runs are called ${shared}`) });
  });
});

describe("a run that asks a human", () => {
  const ASKING = ["--inject", "fail:reserve-stock", "--on-failure", "reserve-stock=ask"];

  test("stands in the inbox with the commands that answer, and one of them carries it on", async () => {
    using folder = aFolder();
    const started = await folder.cli("run", SHOP, "--samples", "--limit", "1", ...ASKING, "--json");
    const runId = String(jsonLines(started)[0]?.["runId"]);

    const inbox = await folder.cli("inbox");
    const resumed = await folder.cli("resume", runId, "--decision", "retry", "--workflow", SHOP, "--json");

    expect(started.code).toBe(0);
    expect(jsonLines(started)).toMatchObject([{ status: "waiting", questions: [{ id: "reserve-stock#0" }] }]);
    expect(inbox.out).toContain(`npx walkback resume ${runId} --decision retry`);
    expect(resumed.code).toBe(0);
    expect(jsonLines(resumed)).toMatchObject([{ status: "completed", output: { orderId: "s-1", shelf: "A1" } }]);
    expect((await folder.cli("inbox")).out).toContain("Nobody is waiting");
  });

  test("goes on with the output it is given", async () => {
    using folder = aFolder();
    const [waiting] = jsonLines(await folder.cli("run", SHOP, "--samples", "--limit", "1", ...ASKING, "--json"));
    const output = `@${folder.file("answer.json", '{"shelf":"Z9"}')}`;

    const resumed = await folder.cli("resume", String(waiting?.["runId"]), "--decision", "use", "--output", output, "--workflow", SHOP);

    expect(resumed).toMatchObject({ code: 0, out: expect.stringContaining('"shelf": "Z9"') });
  });

  test("can be canceled, which is not a failure of the command", async () => {
    using folder = aFolder();
    const [waiting] = jsonLines(await folder.cli("run", SHOP, "--samples", "--limit", "1", ...ASKING, "--json"));
    const runId = String(waiting?.["runId"]);

    expect(await folder.cli("cancel", runId, "--reason", "no longer wanted", "--workflow", SHOP)).toMatchObject({ code: 0 });
    expect(await folder.cli("cancel", runId, "--workflow", SHOP)).toMatchObject({ code: 2, err: expect.stringContaining("already ended") });
  });

  test("refuses an answer that cannot be used, and names what is missing", async () => {
    using folder = aFolder();
    const [waiting] = jsonLines(await folder.cli("run", SHOP, "--samples", "--limit", "1", ...ASKING, "--json"));
    const runId = String(waiting?.["runId"]);

    const allowed = '"bogus" is not possible here, only retry, use, skip, reject';
    expect(await folder.cli("resume", runId, "--decision", "bogus")).toMatchObject({ code: 2, err: expect.stringContaining(allowed) });
    expect(await folder.cli("resume", runId, "--decision", "skip", "--workflow", SHOP)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/reason/),
    });
    expect(await folder.cli("resume", runId, "--decision", "use", "--output", "{", "--workflow", SHOP)).toMatchObject({ code: 2 });
    expect(await folder.cli("resume", runId, "--decision", "retry")).toMatchObject({
      code: 2,
      err: expect.stringContaining("--workflow PATH"),
    });
  });
});

describe("a run that could not be walked back", () => {
  async function aStuckRun(folder: ReturnType<typeof aFolder>) {
    const file = folder.file("orders.jsonl", '{"id":"stuck","amountCents":100}\n');
    const table = await folder.cli("run", SHOP, "--input", file, "--inject", "fail:sell-order");
    return { table, runId: String(jsonLines(await folder.cli("list", "--json"))[0]?.["runId"]) };
  }

  test("is told by its question, by the inbox once, and by inspect with each attempt", async () => {
    using folder = aFolder();

    const { table, runId } = await aStuckRun(folder);

    const inbox = await folder.cli("inbox");
    const tree = await folder.cli("inspect", runId);
    expect(table).toMatchObject({ code: 1, out: expect.stringContaining("undo-failed in reserve-stock") });
    expect(table.err).toMatch(/1 waits for a human: npx walkback inbox/);
    expect(inbox.out).toContain('- "reservation" of reserve-stock (stuck) could not be undone: the till is closed.');
    expect(tree.out).toContain("could not undo reservation (stuck) of reserve-stock: the till is closed.");
    expect(tree.out).toContain("parked, asked a human (walk-back#1)");
  });

  test("says which answers there are before it asks for a reason", async () => {
    using folder = aFolder();
    const { runId } = await aStuckRun(folder);

    const refused = await folder.cli("resume", runId, "--decision", "reject", "--workflow", SHOP);

    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('"reject" is not possible here, only retry, skip, done') });
  });

  test("ends when a human has undone it by hand, which is no failure of the answer", async () => {
    using folder = aFolder();
    const { runId } = await aStuckRun(folder);

    const settled = await folder.cli("resume", runId, "--decision", "done", "--workflow", SHOP, "--json");

    expect(settled.code).toBe(0);
    expect(jsonLines(settled)).toMatchObject([{ status: "rolled-back" }]);
    expect((await folder.cli("inspect", runId)).out).toContain("was undone by hand");
  });
});

describe("a run that another process holds", () => {
  test("is left to it by recover and cancel, which say so", async () => {
    using folder = aFolder();
    const file = folder.file("orders.jsonl", '{"id":"a","amountCents":100}\n');
    const held = startCli(
      folder.path,
      ...["--store", join(folder.path, "store.db"), "run", SHOP, "--input", file, "--inject", "slow:sell-order:8000"],
    );
    await vi.waitFor(() => expect(bookIn(folder.path)).toEqual(["reservation a"]), { timeout: 15_000, interval: 50 });

    const recovered = await folder.cli("recover", "--workflow", SHOP);
    const elsewhere = await folder.cli("recover");
    const [run] = jsonLines(await folder.cli("list", "--json"));
    const canceled = await folder.cli("cancel", String(run?.["runId"]), "--workflow", SHOP);

    held.child.kill("SIGKILL");
    await held.ended;
    expect(recovered).toMatchObject({ code: 0, out: expect.stringMatching(/^1 run is held by another process; if it has died/) });
    expect(elsewhere).toMatchObject({ code: 0, out: expect.stringContaining("1 of shop cannot be carried on from here") });
    expect(canceled.err).toContain("if that process is dead, at the next npx walkback recover");
  }, 30_000);
});

describe("looking at a workflow", () => {
  test("graph draws gates, agents and the walk-back; xray its inside", async () => {
    using folder = aFolder();

    const plain = await folder.cli("graph", SHOP);
    const inside = await folder.cli("graph", SHOP, "--xray");

    for (const node of ["reserve-stock", "gate-sell-order", "sell-order", "settle", "walk-back"])
      expect(plain.out).toContain(`${node}(${node})`);
    expect(inside.out).toContain("subgraph walk-back");
    expect(jsonLines(await folder.cli("graph", SHOP, "--json"))).toEqual([{ workflow: "shop", mermaid: plain.out.trimEnd() }]);
  });

  test("contracts lists them with who makes and uses them, and shows one as JSON Schema", async () => {
    using folder = aFolder();

    const list = await folder.cli("contracts", "--workflow", SHOP, "--json");
    const one = await folder.cli("contracts", "shop.order", "--workflow", SHOP);

    expect(jsonLines(list)).toMatchObject([
      { id: "shop.order@1", madeBy: "(input)", usedBy: ["reserve-stock", "sell-order"] },
      { id: "shop.receipt@1", madeBy: "sell-order", usedBy: ["(output)"] },
      { id: "shop.stock@1", madeBy: "reserve-stock", usedBy: ["sell-order"] },
    ]);
    expect(JSON.parse(one.out)).toMatchObject({ $id: "shop.order@1", required: ["id", "amountCents"] });
    expect(one.err).toContain("no order is above 10,000");
  });
});
