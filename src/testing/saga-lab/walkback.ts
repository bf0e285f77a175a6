import { fileURLToPath } from "node:url";
import type { SagaEngine } from "./lab.js";

/** Walkback itself, to be judged like any other. */
export const walkbackEngine: SagaEngine = Object.freeze({
  name: "walkback",
  command: process.execPath,
  args: [fileURLToPath(new URL("./walkback-program.js", import.meta.url))],
});
