import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 60_000 }); // other processes do the work, on machines that may be busy

test("the minimal example ships one order and walks the other back", async () => {
  const lines = await run("examples/minimal.ts");

  expect(lines).toEqual([
    "Lisbon: sent by bike",
    "Atlantis: book-courier gave up (NO_ROUTE): it has sunk; undone: charge",
    "charged: Map(1) { 'to-Lisbon' => 1200 }",
  ]);
});

test("the hand-written graph books one trip and gives the other back", async () => {
  const lines = await run("examples/hand-written-graph.ts");

  expect(lines[0]).toBe("Ada travels: WB 7 to Lisbon, then Grand Hotel Lisbon");
  expect(lines[1]).toBe("Bob stays at home: charge-card gave up (CARD_DECLINED): the card does not cover 420 euros");
  expect(lines.slice(2, -1).sort()).toEqual(["  room for Bob: undone", "  seat for Bob: undone"]);
  expect(lines.at(-1)).toMatch(/^In the books: (seat for Ada, room for Ada|room for Ada, seat for Ada), charge for Ada$/);
});

/** Runs an example the way its reader would, and returns the lines it prints. */
async function run(example: string): Promise<readonly string[]> {
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", example], {
    cwd,
    env: { ...process.env, NO_COLOR: "1" },
  });
  return stdout.trimEnd().split("\n");
}
