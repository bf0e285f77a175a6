import { relative } from "node:path";
import type { Run } from "../contracts/run.js";
import type { Sample, WorkflowPackage } from "../graph/workflow.js";
import type { Orchestrator } from "../orchestrator.js";
import { injectFaults } from "../testing/index.js";
import { DEFAULT_WORKFLOW, findPackage } from "./catalog.js";
import { degradedRuns } from "./degraded.js";
import { type House, openHouse } from "./house.js";
import { inspectionText } from "./inspection-tree.js";
import { paint } from "./paint.js";
import { print } from "./print.js";
import { EXIT } from "./problem.js";
import { duration } from "./progress.js";
import { jsonLine, resultsTable, tableRow } from "./results.js";
import { commandLine, type Settings } from "./settings.js";

/** What `npm start` shows: the samples that ship with the project, one run's tree, and what to try next. */
export async function samplesCommand(settings: Settings): Promise<number> {
  const startedAt = performance.now();
  const pkg = await findPackage(DEFAULT_WORKFLOW);
  await using house = await openHouse(settings, pkg);
  const conductor = conductorOf(house);
  const runs = await Promise.all(pkg.samples.map((sample) => conductor(sample).start(pkg.name, sample.input)));
  const degraded = degradedRuns(house.events, settings);
  const why = await Promise.all(runs.map(degraded.see));
  if (settings.json) {
    for (const [index, run] of runs.entries()) print(jsonLine({ row: index + 1, run }, why[index] ?? []));
    return EXIT.fine;
  }
  print(`${paint.bold(pkg.name)}: ${pkg.description}\n`);
  print(sampleTable(pkg, runs));
  degraded.tell();
  print(
    paint.dim(`\n${runs.length} runs in ${duration(performance.now() - startedAt)}, kept in ${relative(process.cwd(), settings.store)}\n`),
  );
  const told = runs.find(({ status }) => status === "rolled-back") ?? runs[0];
  if (!told) return EXIT.fine;
  print(inspectionText(await house.orchestrate(house.workflow).inspect(told.runId), { data: false }));
  print(`\n${nextSteps(house, told, settings)}`);
  return EXIT.fine;
}

/** Samples with the same faults share an orchestrator, all share the store. */
function conductorOf(house: House): (sample: Sample) => Orchestrator {
  const byFaults = new Map<string, Orchestrator>();
  return ({ inject = [] }) => {
    const faults = inject.join();
    const orchestrator = byFaults.get(faults) ?? house.orchestrate(injectFaults(house.workflow, inject));
    byFaults.set(faults, orchestrator);
    return orchestrator;
  };
}

function sampleTable(pkg: WorkflowPackage, runs: readonly Run[]): string {
  const rows = runs.map((run, index) => tableRow(run, { sample: pkg.samples[index]?.title ?? "" }, pkg));
  return resultsTable("sample", rows);
}

function nextSteps({ workflow }: House, told: Run, settings: Settings): string {
  const last = workflow.agents.at(-1)?.name ?? "";
  const failing = ["run", workflow.name, "--samples", "--inject", `fail:${last}`];
  const steps = [
    { about: "everything on record about that run, with the data of each version", words: ["inspect", told.runId, "--data"] },
    { about: `let ${last} fail in every run: each walks back, and after five failures its breaker opens`, words: failing },
    { about: "the graph with its gates, agents and walk-back, as Mermaid", words: ["graph", workflow.name] },
  ];
  const lines = steps.map(({ about, words }) => `  ${paint.cyan(commandLine(settings, ...words))}\n    ${paint.dim(about)}`);
  return `${paint.bold("Three things to try next")}\n${lines.join("\n")}`;
}
