import { type Profiler, Session } from "node:inspector/promises";
import { findSourceMap } from "node:module";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Meter, stopwatch } from "./measure.js";

/** Where the time went: a share of all samples in which the process was not idle. */
export interface HotSpot {
  /** A function with its place, or a package. */
  readonly where: string;
  readonly share: number;
}

/** Self times, most first. */
export interface Profile {
  readonly functions: readonly HotSpot[];
  /** Functions of Walkback alone. */
  readonly ours: readonly HotSpot[];
  readonly packages: readonly HotSpot[];
}

const SAMPLE_EVERY_US = 200;

/** A meter that takes a CPU profile of the work besides. */
export function profiler(): { readonly meter: Meter; taken(): Profile } {
  let taken: Profiler.Profile | undefined;
  const meter: Meter = async (work) => {
    const session = new Session();
    session.connect();
    await session.post("Profiler.enable");
    await session.post("Profiler.setSamplingInterval", { interval: SAMPLE_EVERY_US });
    return stopwatch(async () => {
      await session.post("Profiler.start");
      await work();
      taken = (await session.post("Profiler.stop")).profile;
      session.disconnect();
    });
  };
  return {
    meter,
    taken() {
      if (!taken) throw new Error("Nothing was profiled.");
      const functions = sharesBy(taken, placeOf);
      const ours = sharesBy(taken, (frame, caller) => (packageOf(frame) === OURS ? placeOf(frame, caller) : "others"));
      return { functions, ours: ours.filter(({ where }) => where !== "others"), packages: sharesBy(taken, packageOf) };
    },
  };
}

/** Self time by whatever a call frame (with its caller) is counted under, most first. */
function sharesBy({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile, nameOf: Naming): readonly HotSpot[] {
  const callers = new Map(nodes.flatMap(({ callFrame, children = [] }) => children.map((child) => [child, callFrame])));
  const names = new Map(nodes.map(({ id, callFrame }) => [id, isWork(callFrame) ? nameOf(callFrame, callers.get(id)) : undefined]));
  const spent = new Map<string, number>();
  let total = 0;
  for (const [index, id] of samples.entries()) {
    const name = names.get(id);
    if (name === undefined) continue;
    const us = timeDeltas[index] ?? 0;
    spent.set(name, (spent.get(name) ?? 0) + us);
    total += us;
  }
  return [...spent].map(([where, us]) => ({ where, share: us / total })).sort((one, other) => other.share - one.share);
}

type CallFrame = Profiler.ProfileNode["callFrame"];
type Naming = (frame: CallFrame, caller: CallFrame | undefined) => string;

/** Neither waiting nor the profiler itself. */
function isWork({ functionName, url }: CallFrame): boolean {
  return functionName !== "(idle)" && !(functionName === "dispatch" && url === "");
}

/** `name file:line` in the source as it was written; what is native is told apart by who calls it. */
function placeOf(frame: CallFrame, caller: CallFrame | undefined): string {
  const name = frame.functionName || "(anonymous)";
  if (frame.url) return `${name} ${original(frame)}`;
  return caller?.url ? `${name} (native) in ${placeOf(caller, undefined)}` : name;
}

const OURS = "walkback";

function packageOf({ url, functionName }: CallFrame): string {
  const dependency = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (dependency !== undefined) return dependency;
  const folder = /\/(src|dist|bench)\//.exec(url.replace(ROOT, "/"))?.[1];
  if (folder !== undefined) return folder === "bench" ? "bench" : OURS;
  if (url.startsWith("node:")) return "node";
  return functionName.startsWith("(") ? functionName : "native (SQLite, fsync, hashes, …)";
}

const ROOT = new URL("../", import.meta.url).href;

/** The transpiled code is one long line, so the place comes from its source map. */
function original({ url, lineNumber, columnNumber }: CallFrame): string {
  if (!url.startsWith("file:")) return `${url}:${lineNumber + 1}`;
  const path = fileURLToPath(url);
  const entry = findSourceMap(path)?.findEntry(lineNumber, columnNumber);
  const line = entry && "originalLine" in entry ? entry.originalLine : lineNumber;
  return `${relative(fileURLToPath(ROOT), path).replace(/.*node_modules\//, "")}:${line + 1}`;
}
