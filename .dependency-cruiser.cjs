// ARCHITECTURE.md draws the house; this file is the same drawing, checked on every commit.

/** What each room of src/ may import besides itself and npm packages. A name is a folder, or a file without its ending. */
const mayImport = {
  contracts: [],
  checkpoint: ["contracts"],
  limits: ["contracts", "checkpoint/ports"],
  config: ["limits", "contracts"],
  agents: ["limits", "checkpoint", "contracts"],
  graph: ["agents", "limits", "checkpoint", "contracts"],
  choreography: ["agents", "limits", "checkpoint", "contracts"],
  observe: ["contracts", "checkpoint/ports", "checkpoint/journal-view"],
  history: ["contracts", "checkpoint/ports", "checkpoint/journal-view"],
  replay: ["graph", "agents", "limits", "checkpoint", "history", "contracts"],
  orchestrator: ["replay", "graph", "choreography", "agents", "limits", "checkpoint", "observe", "history", "contracts"],
  server: ["orchestrator", "graph", "choreography", "agents", "limits", "checkpoint", "observe", "contracts"],
  index: [
    "config",
    "orchestrator",
    "replay",
    "server",
    "graph",
    "choreography",
    "agents",
    "limits",
    "checkpoint",
    "observe",
    "history",
    "contracts",
  ],
  testing: ["index", "graph", "choreography", "agents", "limits", "checkpoint", "observe", "contracts"],
  workflows: ["index"],
  cli: [
    "index",
    "workflows",
    "testing",
    "config",
    "server",
    "orchestrator",
    "replay",
    "graph",
    "choreography",
    "agents",
    "limits",
    "checkpoint",
    "observe",
    "history",
    "contracts",
  ],
};

/** Matches everything under src/room/ as well as a single file src/room.ts. */
const room = (name) => `^src/${name}(/|\\.ts$)`;

const onlyOneWay = Object.entries(mayImport).map(([name, others]) => ({
  name: `one-way-${name}`,
  comment: `src/${name} may import ${others.length === 0 ? "nothing of ours" : others.join(", ")}.`,
  severity: "error",
  from: { path: room(name) },
  to: { path: "^src/", pathNot: [name, ...others].map(room) },
}));

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    ...onlyOneWay,
    {
      name: "known-rooms-only",
      comment: "A new room under src/ is drawn above (and in ARCHITECTURE.md) before anything moves in.",
      severity: "error",
      from: { path: "^src/", pathNot: Object.keys(mayImport).map(room) },
      to: {},
    },
    {
      name: "limits-know-only-the-port-types-of-checkpoint",
      comment: "limits say what they need remembered; the orchestrator hands them something that remembers it.",
      severity: "error",
      from: { path: room("limits") },
      to: { path: room("checkpoint/ports"), dependencyTypesNot: ["type-only"] },
    },
    {
      name: "workflows-are-strangers-to-each-other",
      comment: "A workflow is written as a user would write it: the public surface, npm packages and its own folder.",
      severity: "error",
      from: { path: "^src/workflows/([^/]+)/" },
      to: { path: "^src/workflows/", pathNot: "^src/workflows/$1/" },
    },
    {
      name: "outsiders-use-the-front-door",
      comment: "Examples show what a user can do, so they import what a user can import.",
      severity: "error",
      from: { path: "^examples/" },
      to: { path: "^src/", pathNot: ["^src/index\\.ts$", "^src/testing/index\\.ts$", "^src/workflows/[^/]+/index\\.ts$"] },
    },
    {
      name: "src-stands-alone",
      comment: "Nothing that ships may need what does not.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|evals|examples|bench)/" },
    },
    {
      name: "no-dev-dependencies-in-src",
      comment: "What src imports is installed with the package.",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev"], pathNot: "node_modules/@types/" },
    },
    {
      name: "no-undeclared-packages",
      comment: "A package that only happens to be installed is gone after the next install.",
      severity: "error",
      from: {},
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
    },
    { name: "no-unresolvable", comment: "Every import leads somewhere.", severity: "error", from: {}, to: { couldNotResolve: true } },
    { name: "no-cycles", comment: "Imports point one way.", severity: "error", from: {}, to: { circular: true } },
    {
      name: "no-orphans",
      comment: "A module that imports nothing and that nothing imports is dead; declarations of what the runtime has are not imported.",
      severity: "error",
      from: { orphan: true, path: "^src/", pathNot: "\\.d\\.ts$" },
      to: {},
    },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(dist|coverage|\\.walkback|\\.langgraph_api)/" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
