import { createOrchestrator } from "../orchestrator.js";
import { findPackage } from "./catalog.js";
import { print } from "./print.js";
import { EXIT } from "./problem.js";
import type { Settings } from "./settings.js";

/** Draws a workflow's compiled StateGraph as Mermaid; with `xray` also the inside of the walk-back. */
export async function graphCommand(workflowName: string, options: { readonly xray?: boolean }, settings: Settings): Promise<number> {
  const pkg = await findPackage(workflowName);
  const opened = await pkg.open({ dataDir: undefined });
  try {
    await using orchestrator = createOrchestrator({ workflows: [opened.workflow] });
    const graph = await orchestrator.graph(opened.workflow.name).getGraphAsync({ xray: options.xray ?? false });
    const mermaid = graph.drawMermaid().trimEnd();
    print(settings.json ? JSON.stringify({ workflow: opened.workflow.name, mermaid }) : mermaid);
  } finally {
    await opened.close();
  }
  return EXIT.fine;
}
