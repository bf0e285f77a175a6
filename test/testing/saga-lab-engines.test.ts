import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type SagaEngine, type SagaScenario, sagaLab, walkbackEngine } from "walkback/testing";

/** The engine, run from the sources. */
function fromSource({ name, command, args = [] }: SagaEngine): SagaEngine {
  return { name, command, args: ["--import", "tsx", ...args] };
}

function program(name: string, path: string): SagaEngine {
  return fromSource({ name, command: process.execPath, args: [path] });
}

async function verdictOn(engine: SagaEngine, scenario: SagaScenario) {
  const { verdicts } = await sagaLab(engine, { scenarios: [scenario] });
  const [verdict] = verdicts;
  if (!verdict) throw new Error("no verdict");
  return { ...verdict, lines: verdict.log.map(({ action, step, outcome, life }) => `${life}: ${action} ${step} ${outcome}`) };
}

describe("walkback", () => {
  const walkback = fromSource(walkbackEngine);

  test("fail: undoes A and C although B cannot be undone, and reports B", async () => {
    const { passed, left, doubled, reported } = await verdictOn(walkback, "fail");

    expect({ passed, left, doubled, reported }).toEqual({ passed: true, left: ["B"], doubled: [], reported: "right" });
  });

  test("crash: undoes everything once, the undo in flight included", async () => {
    const { passed, left, lines } = await verdictOn(walkback, "crash");

    expect({ passed, left }).toEqual({ passed: true, left: [] });
    expect(lines.filter((line) => line.includes("undo B"))).toEqual(["1: undo B done", "2: undo B repeated"]);
    expect(lines.at(-1)).toBe("2: undo A done");
  });

  test("parallel: waits for what is on its way before it undoes it", async () => {
    const { passed, left, lines } = await verdictOn(walkback, "parallel");

    expect({ passed, left }).toEqual({ passed: true, left: [] });
    expect(lines.filter((line) => line.includes("A1"))).toEqual(["1: perform A1 done", "1: undo A1 done"]);
  });
});

describe("a saga written by hand on LangGraph", () => {
  const langgraph = program("langgraph", fileURLToPath(new URL("./saga-lab/langgraph-program.ts", import.meta.url)));

  test("fail: leaves A standing, since the undo of B stops the compensation", async () => {
    const { passed, left, lines } = await verdictOn(langgraph, "fail");

    expect({ passed, left }).toEqual({ passed: false, left: ["A", "B"] });
    expect(lines.at(-1)).toBe("1: undo B refused");
  });

  test("crash: goes on, but does the whole compensation again", async () => {
    const { passed, left, doubled } = await verdictOn(langgraph, "crash");

    expect({ passed, left, doubled }).toEqual({ passed: false, left: [], doubled: ["undo B", "undo C"] });
  });

  test("parallel: passes, since the superstep is a barrier", async () => {
    expect(await verdictOn(langgraph, "parallel")).toMatchObject({ passed: true, left: [] });
  });
});

test("the engine in the documentation gets the verdicts that stand there", async () => {
  const page = await readFile(new URL("../../docs/saga-lab.md", import.meta.url), "utf8");
  const source = /```ts\n(\/\/ try-and-catch\.mts\n[^`]+)```/.exec(page)?.[1] ?? "";
  const promised = /```text\n([^`]+)```/.exec(page)?.[1];
  const folder = await mkdtemp(join(tmpdir(), "saga-docs-"));
  try {
    const path = join(folder, "try-and-catch.mts");
    await writeFile(path, source);

    const { verdicts } = await sagaLab(program("try-and-catch", path));

    expect(verdicts.map(({ scenario, passed, findings }) => `${scenario}: ${passed ? "passed" : findings.join(" ")}\n`).join("")).toBe(
      promised,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
