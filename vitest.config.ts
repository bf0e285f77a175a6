import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

/** `npm test` runs everything but the long tier; `npm run test:long` (`--mode long`) runs only that. */
const LONG_TIER = "test/crash/**/*.long.test.ts";

export default defineConfig(({ mode }) => ({
  resolve: {
    // The public names resolve to the sources, so tests and examples read like a user's code.
    alias: [
      { find: /^walkback$/, replacement: source("index.ts") },
      { find: /^walkback\/testing$/, replacement: source("testing/index.ts") },
      { find: /^walkback\/workflows\/credit-decision$/, replacement: source("workflows/credit-decision/index.ts") },
    ],
  },
  test: {
    include: mode === "long" ? [LONG_TIER] : ["test/**/*.test.ts"],
    exclude: mode === "long" ? configDefaults.exclude : [...configDefaults.exclude, LONG_TIER],
    environment: "node",
    globals: false,
    pool: "forks",
    testTimeout: mode === "long" ? 600_000 : 20_000,
    hookTimeout: 20_000,
    teardownTimeout: 5_000,
    restoreMocks: true,
    unstubEnvs: true,
    coverage: { provider: "v8", include: ["src/**/*.ts"], exclude: ["src/cli/**"], reporter: ["text-summary", "html"] },
  },
}));
