import Table from "cli-table3";
import { type Figure, holds, type Target } from "./benchmark.js";
import type { Environment } from "./environment.js";
import type { HotSpot, Profile } from "./profile.js";

/** What one benchmark found. */
export interface Finding {
  readonly name: string;
  readonly description: string;
  readonly settings: string;
  readonly figures: readonly Figure[];
}

/** Everything a reader needs to judge the figures. */
export interface Results {
  readonly quick: boolean;
  readonly environment: Environment;
  readonly findings: readonly Finding[];
}

export function resultsTable({ quick, environment, findings }: Results): string {
  const { at, commit, code, node, cpu, os, sqlite, disk, fsyncMs, load } = environment;
  const table = new Table({ head: ["", "", "ours", "peer", "ratio", "from to", "pairs", "target", ""], style: PLAIN, colAligns: ALIGNED });
  for (const { name, figures } of findings) {
    for (const [index, figure] of figures.entries()) table.push([index === 0 ? name : "", ...cellsOf(figure)]);
  }
  return [
    ...(quick ? ["QUICK: too few repeats to be quoted."] : []),
    `${at}, commit ${commit} (${code}), Node ${node}, ${cpu}, ${os}`,
    `SQLite ${sqlite}, WAL, synchronous=FULL on both sides; ${disk}, ${fsyncMs.toFixed(2)} ms an fsync; load average ${load.toFixed(2)} at the start`,
    ...findings.map(({ name, settings }) => `${name}: ${settings}`),
    table.toString(),
    'Figures are medians; "ratio" is the median of ours / peer, pair by pair, and "from to" its lowest and highest.',
  ].join("\n");
}

export function profileTable(name: string, { functions, ours, packages }: Profile, top: number): string {
  const rows = (title: string, spots: readonly HotSpot[]) => [
    title,
    ...spots.slice(0, top).map(({ where, share }) => `  ${(share * 100).toFixed(1).padStart(5)} %  ${where}`),
  ];
  return [
    `${name}, our side alone, self time as a share of the time not idle`,
    ...rows("By function", functions),
    ...rows("By function of ours", ours),
    ...rows("By package", packages),
  ].join("\n");
}

function cellsOf(figure: Figure): string[] {
  const { what, unit, ours, peer, peerName, ratio, lowest, highest, pairs, target } = figure;
  return [
    what,
    `${short(ours)} ${unit}`.trim(),
    `${short(peer)} ${unit}`.trim().concat(`  ${peerName}`),
    short(ratio),
    pairs === 1 ? "" : `${short(lowest)} to ${short(highest)}`,
    String(pairs),
    target ? inWords(target) : "",
    target ? (holds(figure) ? "holds" : "MISSED") : "",
  ];
}

function inWords(target: Target): string {
  const bound = "atLeast" in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`;
  return target.of === "ours" ? `ours ${bound}` : bound;
}

/** Three digits are more than the noise leaves. */
function short(figure: number): string {
  if (!Number.isFinite(figure)) return "–";
  return figure >= 100 ? Math.round(figure).toLocaleString("en-US") : String(Number(figure.toPrecision(3)));
}

const PLAIN = { head: [], border: [], compact: true };
const ALIGNED = ["left", "left", "right", "right", "right", "right", "right", "right", "left"] as const satisfies ("left" | "right")[];
