import { describe, expect, test, vi } from "vitest";
import { createOrchestrator, type RunEvent } from "walkback";
import { injectFaults } from "walkback/testing";
import { inspectionText } from "../../src/cli/inspection-tree.js";
import { overrideOnFailure } from "../../src/cli/on-failure.js";
import { progressLine, startProgress } from "../../src/cli/progress.js";
import { drawTable } from "../../src/cli/table.js";
import { branch, drawTree } from "../../src/cli/tree.js";
import { workflowPackage } from "./support/shop.js";

const { workflow } = await workflowPackage.open({ dataDir: undefined });

/** The tree of a run with these faults, without what differs from run to run. */
async function treeOf(faults: readonly string[], modes: readonly string[] = [], data = false): Promise<string> {
  await using orchestrator = createOrchestrator({ workflows: [overrideOnFailure(injectFaults(workflow, faults), modes)] });
  const { runId } = await orchestrator.start("shop", { id: "o-1", amountCents: 500 });
  const text = inspectionText(await orchestrator.inspect(runId), { data });
  return text
    .slice(text.indexOf("\n\n") + 2)
    .replace(/\d+ ms|\d\.\d s/g, "N ms")
    .replace(/#[0-9a-f]{8}/g, "#hash");
}

describe("the tree of a run", () => {
  test("shows each version, who made it from what, and what was done outside", async () => {
    expect(await treeOf([])).toBe(
      [
        "├─ v0  input          shop.order@1  #hash",
        "├─ v1  reserve-stock  shop.stock@1  from v0  N ms  #hash",
        "│  └─ did reservation (o-1)",
        "└─ v2  sell-order     shop.receipt@1  from v0, v1  N ms  #hash",
        "   └─ did sale (o-1)",
      ].join("\n"),
    );
  });

  test("shows attempts, the failure, and the walk-back newest first", async () => {
    expect(await treeOf(["flaky:reserve-stock:1", "fail:sell-order:after"])).toBe(
      [
        "├─ v0  input          shop.order@1  #hash",
        "├─ v1  reserve-stock  shop.stock@1  from v0  N ms  #hash",
        "│  ├─ attempt 1 failed after N ms: AGENT_UNAVAILABLE: reserve-stock is not available: injected fault, call 1 of the 1 that fail.",
        "│  └─ did reservation (o-1) → undone",
        "├─ ✗   sell-order",
        "│  ├─ did sale (o-1) → undone",
        "│  ├─ attempt 1 failed after N ms: AGENT_FAILED: sell-order threw: injected fault, after the work was done.",
        "│  └─ failed for good in round 0: AGENT_FAILED",
        "└─ walk-back",
        "   ├─ undid sale (o-1) of sell-order",
        "   └─ undid reservation (o-1) of reserve-stock",
      ].join("\n"),
    );
  });

  test("tells a fallback from an answer, and what was undone to make room for it", async () => {
    const tree = await treeOf(["fail:reserve-stock:after"], ["reserve-stock=skip"]);

    expect(tree).toContain("v1  reserve-stock  shop.stock@1  from v0  by fallback  round 1  #hash");
    expect(tree).toContain("│  └─ undid reservation (o-1)");
    expect(tree).not.toContain("walk-back");
  });

  test("shows the data of each version when asked", async () => {
    expect(await treeOf([], [], true)).toContain(["│  └─ {", '│       "shelf": "A1"', "│     }"].join("\n"));
  });
});

describe("the tree of a run with more to tell", () => {
  const at = "2026-01-01T00:00:00.000Z";

  test("names breakers, gates, and answers of humans", async () => {
    await using orchestrator = createOrchestrator({ workflows: [workflow] });
    const { runId } = await orchestrator.start("shop", { id: "o-1", amountCents: 500 });
    const inspection = await orchestrator.inspect(runId);
    const agent = "sell-order";
    const told: RunEvent[] = [
      {
        type: "gate.rejected",
        agent,
        contract: "shop.receipt@1",
        round: 0,
        issues: [{ path: "/orderId", message: "too short" }],
        runId,
        at,
      },
      { type: "breaker.opened", agent, why: "5 failures in a row", runId, at },
      { type: "breaker.refused", agent, runId, at },
      { type: "run.answered", question: "sell-order#0", decision: "skip", reason: "closed", runId, at },
    ];

    const text = inspectionText({ ...inspection, events: [...inspection.events, ...told] }, { data: false });

    expect(text).toContain("gate rejected shop.receipt@1 of round 0: /orderId: too short");
    expect(text).toContain("breaker opened: 5 failures in a row");
    expect(text).toContain("breaker open: not called");
    expect(text).toContain("a human answered skip: closed");
  });

  test("says that the hash chain holds", async () => {
    await using orchestrator = createOrchestrator({ workflows: [workflow] });
    const { runId } = await orchestrator.start("shop", { id: "o-1", amountCents: 500 });
    const inspection = await orchestrator.inspect(runId);

    expect(inspectionText(inspection, { data: false })).toContain("the hash chain holds");
  });
});

test("a tree keeps text of several lines under its branch", () => {
  expect(drawTree([branch("a\nb", [branch("c")]), branch("d\ne")])).toBe(["├─ a", "│  │  b", "│  └─ c", "└─ d", "   e"].join("\n"));
});

describe("a table", () => {
  const rows = [{ cells: { name: "a rather long name", outcome: "sold", shelf: "A1" } }, { cells: { name: "b" }, note: "it walked back" }];

  test("gives a note the place of the cells that are missing", () => {
    expect(drawTable(["name", "outcome", "shelf"], rows)).toBe(
      ["name                outcome  shelf", "a rather long name  sold     A1", "b                   it walked back"].join("\n"),
    );
  });

  test("on a narrow screen leaves out the last columns, then cuts the first", () => {
    const columns = ["name", "a", "b", "c", "d", "e"];
    const wide = [{ cells: { name: "a name of more than thirty letters", a: "1", b: "2", c: "3", d: "4", e: "5" } }];

    expect(drawTable(columns, wide, 60)).toContain("a name of more than thirty letters  1  2  3  4  5");
    expect(drawTable(columns, wide, 40)).toContain("a name of more than thirt…  1  2  3  4");
    expect(drawTable(columns, wide, 20)).toContain("a name of more than thirt…  1  2  3");
  });
});

describe("progress", () => {
  test("counts, and guesses the time left when it knows how many there are", () => {
    expect(progressLine({ done: 50, failed: 2, total: 150, elapsedMs: 5_000 })).toBe("50/150 · 2 failed · 10/s · ETA 10.0 s");
    expect(progressLine({ done: 3, failed: 0, total: undefined, elapsedMs: 2_000 })).toBe("3 done · 1.5/s");
    expect(progressLine({ done: 0, failed: 0, total: 10, elapsedMs: 10 })).toBe("0/10");
    expect(progressLine({ done: 0, failed: 0, total: 1, elapsedMs: 12_300 })).toBe("0/1 · 12.3 s");
  });

  test("shows with a single row, too, that time goes by", () => {
    vi.useFakeTimers();
    const written: string[] = [];

    using _ = startProgress({ total: 1, enabled: true, now: () => Date.now(), write: (text) => written.push(text) });
    vi.advanceTimersByTime(61_000);
    vi.useRealTimers();

    expect(written.at(-1)).toContain("0/1 · 1 min 1 s");
  });

  test("writes nothing in a pipe", () => {
    const written: string[] = [];

    startProgress({ total: 1, enabled: false, write: (text) => written.push(text) })[Symbol.dispose]();

    expect(written).toEqual([]);
  });
});
