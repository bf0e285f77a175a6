import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { aFolder, jsonLines, SHOP, startCli } from "./support/cli.js";

const ORDERS = Array.from({ length: 40 }, (_, index) => `{"id":"o-${index}","amountCents":100}\n`).join("");

describe.concurrent("the command line in a process of its own", () => {
  test("decides the samples when nothing is said, and suggests commands that work", async () => {
    using folder = aFolder();

    const { code, out, err } = await startCli(folder.path).ended;

    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("AGENT_FAILED in decide-credit");
    expect(out).toContain("└─ walk-back");
    expect(out).not.toContain("\u001B[");
    expect(existsSync(join(folder.path, ".walkback/store.db"))).toBe(true);
    const [, suggested = ""] = out.match(/npx walkback (inspect .*)/) ?? [];
    expect(await startCli(folder.path, ...suggested.split(" ")).ended).toMatchObject({
      code: 0,
      out: expect.stringContaining("rolled-back"),
    });
  });

  test("reads standard input, and finds out what it is", async () => {
    using folder = aFolder();
    const { child, ended } = startCli(folder.path, "run", SHOP, "--input", "-", "--json");

    child.stdin.end("id,amount\na,1\nb,none\n");

    const outcome = await ended;
    expect(outcome).toMatchObject({ code: 1, err: "" });
    expect(jsonLines(outcome)).toMatchObject([{ status: "completed" }, { status: "rejected", row: 2 }]);
  });

  test("ends quietly when nobody reads on", async () => {
    using folder = aFolder();
    const { child, ended } = startCli(folder.path, "run", SHOP, "--input", folder.file("orders.jsonl", ORDERS), "--json");

    child.stdout.once("data", () => child.stdout.destroy());

    expect(await ended).toMatchObject({ code: 0, err: "" });
  });

  test("stops at Ctrl-C: what is under way ends, what was done is printed, the code is 130", async () => {
    using folder = aFolder();
    const file = folder.file("orders.jsonl", ORDERS);
    const { child, ended } = startCli(
      folder.path,
      "run",
      SHOP,
      "--input",
      file,
      "--json",
      "--concurrency",
      "2",
      "--inject",
      "slow:sell-order:150",
    );

    child.stdout.once("data", () => child.kill("SIGINT"));

    const outcome = await ended;
    const lines = jsonLines(outcome);
    expect(outcome).toMatchObject({ code: 130, err: expect.stringContaining("Stopping") });
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(40);
    expect(outcome.err).toContain(`Rows ${lines.length + 1} to 40 were not begun; run them from a file of their own`);
    const left = lines.filter(({ status }) => status !== "completed");
    expect(left.every(({ status }) => status === "running")).toBe(true);
    expect(outcome.err.includes(`${left.length} ${left.length === 1 ? "run was" : "runs were"} stopped half-way. Carry on`)).toBe(
      left.length > 0,
    );
    const recovered = jsonLines(await startCli(folder.path, "recover", "--workflow", SHOP, "--json").ended);
    expect(recovered.map(({ runId, status }) => [runId, status]).sort()).toEqual(left.map(({ runId }) => [runId, "completed"]).sort());
  });

  test("stopped in the middle of a stream, says from where on; with a key the same command may be run again", async () => {
    using folder = aFolder();
    const words = ["run", SHOP, "--input", "-", "--json", "--idempotency-key", "id"];
    const { child, ended } = startCli(folder.path, ...words);
    child.stdout.once("data", () => child.kill("SIGINT"));

    child.stdin.write('{"id":"a","amountCents":100}\n');

    const outcome = await ended;
    expect(outcome).toMatchObject({
      code: 130,
      err: expect.stringContaining("Rows after 1 were not begun; run them with the same command"),
    });
    expect(jsonLines(outcome)).toMatchObject([{ status: "completed", row: 1 }]);
  });

  test("says its version and its commands without opening anything", async () => {
    using folder = aFolder();

    const version = await startCli(folder.path, "--version").ended;
    const help = await startCli(folder.path, "run", "--help").ended;

    expect(version).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    expect(help).toMatchObject({ code: 0, out: expect.stringContaining("--inject <fault>") });
    expect(existsSync(join(folder.path, ".walkback"))).toBe(false);
  });
});
