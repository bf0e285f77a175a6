import { writeSync } from "node:fs";
import { createOrchestrator } from "walkback";
import { creditWorkflow, sqliteBank } from "walkback/workflows/credit-decision";
import { anApplication } from "../../../workflows/credit-decision/support.js";

/** Decides one application, and says how the run ended. */
const bank = sqliteBank({ file: ":memory:" });
const workflow = creditWorkflow(bank);
const orchestrator = createOrchestrator({ workflows: [workflow] });
const { status } = await orchestrator.start(workflow, anApplication());
await orchestrator.close();
await bank.close();
writeSync(1, status);
