import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));
/** They look at what a process loads, and at what is switched on when it begins. */
const ALONE = ["test/observe/tracing/**/*.test.ts"];
const OUTSIDE = /^(OPENAI|LANGSMITH|LANGCHAIN|WALKBACK_MODEL)_/;

export default defineConfig({
  resolve: {
    // The public names resolve to the sources, so tests and examples read like a user's code.
    alias: [
      { find: /^walkback$/, replacement: source("index.ts") },
      { find: /^walkback\/testing$/, replacement: source("testing/index.ts") },
      { find: /^walkback\/workflows\/credit-decision$/, replacement: source("workflows/credit-decision/index.ts") },
    ],
  },
  test: {
    environment: "node",
    globals: false,
    pool: "forks",
    maxWorkers: Math.max(2, availableParallelism() - 1), // many tests wait for processes of their own
    testTimeout: 30_000,
    hookTimeout: 20_000,
    teardownTimeout: 5_000,
    restoreMocks: true,
    unstubEnvs: true,
    // The models and the tracing of whoever runs the tests are no part of them.
    env: Object.fromEntries(Object.keys(process.env).flatMap((name) => (OUTSIDE.test(name) ? [[name, ""]] : []))),
    // Most files share a process with others, which saves loading LangGraph a hundred and fifty times.
    projects: [
      { extends: true, test: { name: "together", include: ["test/**/*.test.ts"], exclude: ALONE, isolate: false } },
      { extends: true, test: { name: "alone", include: ALONE } },
    ],
    coverage: { provider: "v8", include: ["src/**/*.ts"], exclude: ["src/cli/**"], reporter: ["text-summary", "html"] },
  },
});
