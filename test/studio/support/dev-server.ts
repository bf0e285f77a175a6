import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client } from "@langchain/langgraph-sdk";

const ROOT = realpathSync(fileURLToPath(new URL("../../..", import.meta.url)));
const READY_WITHIN_MS = 60_000;

/** `langgraphjs dev` on loopback, with all that it writes in a folder of its own. */
export interface DevServer extends AsyncDisposable {
  readonly client: Client;
  /** The store of the graphs it serves. */
  readonly store: string;
  /** What the shop did outside, line by line. */
  shopLog(): readonly string[];
  /** What the server printed so far. */
  output(): string;
}

/** Starts it with the graphs of the project's own `langgraph.json` and the shop, and waits until it answers. */
export async function startDevServer(): Promise<DevServer> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "walkback-studio-")));
  const [store, log, port] = [join(folder, "studio.db"), join(folder, "shop.log"), await freePort()];
  writeFileSync(log, "");
  writeFileSync(join(folder, "langgraph.json"), JSON.stringify(configIn(folder)));

  const server = launch(folder, port, { WALKBACK_STORE: store, SHOP_LOG: log });
  const stop = async () => {
    await server.kill();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilReady(url, server);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    client: new Client({ apiUrl: url, apiKey: null }),
    store,
    shopLog: () => readFileSync(log, "utf8").split("\n").filter(Boolean),
    output: server.output,
    [Symbol.asyncDispose]: stop,
  };
}

/** The server resolves graphs, and keeps its own files, next to its configuration. */
function configIn(folder: string) {
  const config = JSON.parse(readFileSync(join(ROOT, "langgraph.json"), "utf8")) as { readonly graphs: Record<string, string> };
  const graphs = { ...config.graphs, "ship-order": "./test/studio/support/shop-studio.ts:graph" };
  const moved = Object.entries(graphs).map(([name, path]) => [name, relative(folder, join(ROOT, path))]);
  return { ...config, graphs: Object.fromEntries(moved) as Record<string, string> };
}

interface Launched {
  readonly child: ChildProcess;
  output(): string;
  /** Kills it with everything it started. */
  kill(): Promise<void>;
}

function launch(folder: string, port: number, env: Readonly<Record<string, string>>): Launched {
  const flags = ["--no-browser", "--no-reload", "--host", "127.0.0.1", "--port", `${port}`, "--config", join(folder, "langgraph.json")];
  const child = spawn(process.execPath, [join(ROOT, "node_modules/.bin/langgraphjs"), "dev", ...flags], {
    cwd: ROOT, // where tsx finds tsconfig.json
    env: { ...process.env, ...env, LANGGRAPH_CLI_NO_ANALYTICS: "1", LANGSMITH_TRACING: "false", LANGCHAIN_TRACING_V2: "false" },
    detached: true, // a process group of its own
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (chunk: string) => chunks.push(chunk));
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const killGroup = () => {
    if (child.pid !== undefined && isRunning(child)) process.kill(-child.pid, "SIGKILL");
  };
  process.once("exit", killGroup);
  return {
    child,
    output: () => chunks.join(""),
    async kill() {
      killGroup();
      await closed; // not before the last of the group has let go of the pipes
      process.removeListener("exit", killGroup);
    },
  };
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

async function untilReady(url: string, { child, output }: Launched): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (isRunning(child) && Date.now() < deadline) {
    const answer = await fetch(`${url}/ok`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    if (answer?.ok) return;
    await pause(100);
  }
  const what = isRunning(child) ? `did not answer within ${READY_WITHIN_MS} ms` : `ended with code ${child.exitCode}`;
  throw new Error(`langgraphjs dev ${what}. It said:\n${output()}`);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (typeof address === "object" && address) return address.port;
  throw new Error("No free port on loopback.");
}
