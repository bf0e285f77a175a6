import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createOrchestrator, type Orchestrator, type Run } from "walkback";
import { type Batch, runRows } from "../../src/cli/batch.js";
import { all } from "./support/cli.js";
import { workflowPackage } from "./support/shop.js";

const { workflow } = await workflowPackage.open({ dataDir: undefined });

/** Counts what is under way; each run takes as long as `work` says. */
function aCountingOrchestrator(work: (row: number) => Promise<void>) {
  const seen = { now: 0, most: 0, started: 0 };
  async function start(_: unknown, input: unknown): Promise<Run> {
    seen.started++;
    seen.most = Math.max(seen.most, ++seen.now);
    await work(input as number);
    seen.now--;
    return { runId: String(input), status: "completed" } as Run; // the batch looks no further
  }
  return { seen, orchestrator: { ...createOrchestrator({ workflows: [workflow] }), start } as Orchestrator };
}

async function* numbers(count: number) {
  for (let row = 1; row <= count; row++) yield { row, input: row };
}

function aBatch(batch: Pick<Batch, "orchestrator"> & Partial<Batch>): Batch {
  const never = new AbortController().signal;
  return { workflow, concurrency: 4, stop: never, ...batch };
}

/** Work that waits until it is let go. */
function aGate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await turn();
}

describe("a batch", () => {
  test("keeps the order of the rows, and no more runs under way than allowed", async () => {
    const { orchestrator, seen } = aCountingOrchestrator((row) => turns(row % 7));

    const results = await all(runRows(numbers(200), aBatch({ orchestrator })));

    expect(results.map(({ row }) => row)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    expect(seen.most).toBe(4);
  });

  test("does not run ahead of a slow row without bound", async () => {
    const gate = aGate();
    const { orchestrator, seen } = aCountingOrchestrator((row) => (row === 1 ? gate.opened : Promise.resolve()));
    const results = runRows(numbers(5_000), aBatch({ orchestrator }));

    const first = results.next();
    await turns(2_000);

    expect(seen.started).toBeGreaterThan(100);
    expect(seen.started).toBeLessThan(1_000);
    gate.open();
    expect((await first).value).toMatchObject({ row: 1 });
    await results.return(undefined);
  });

  test("that is stopped starts nothing more and finishes what is under way", async () => {
    const gate = aGate();
    const stop = new AbortController();
    const { orchestrator, seen } = aCountingOrchestrator(() => gate.opened);
    const results = all(runRows(numbers(100), aBatch({ orchestrator, stop: stop.signal })));
    await turns(20);

    stop.abort();
    gate.open();

    expect((await results).map(({ row }) => row)).toEqual([1, 2, 3, 4]);
    expect(seen.started).toBe(4);
  });

  test("ends with the error of a store that fails, which is no row's fault", async () => {
    const { orchestrator } = aCountingOrchestrator((row) => (row === 2 ? Promise.reject(new Error("disk full")) : Promise.resolve()));

    await expect(all(runRows(numbers(4), aBatch({ orchestrator })))).rejects.toThrow("disk full");
  });
});
