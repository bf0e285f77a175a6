import { writeSync } from "node:fs";
import { type BrokenAgent, runBrokenAgent } from "../broken-agent.js";

/** Runs the agent as its arguments say, and tells what each run came to. */
const [agent = "{}", runs = "1"] = process.argv.slice(2);
for (const outcome of await runBrokenAgent(JSON.parse(agent) as BrokenAgent, Number(runs))) writeSync(1, `${outcome}\n`);
