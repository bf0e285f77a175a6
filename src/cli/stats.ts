import type { RunStatus } from "../contracts/run.js";
import type { Breaker } from "../limits/breaker-book.js";
import { dollars, tokenCount } from "../limits/money.js";
import type { Percentiles } from "../observe/percentiles.js";
import type { Stats } from "../orchestrator/stats.js";
import { breakersText } from "./breakers.js";
import { openRecords } from "./house.js";
import { paint, paintStatus } from "./paint.js";
import { print } from "./print.js";
import { EXIT } from "./problem.js";
import { duration } from "./progress.js";
import { pausedText, waitersText } from "./queue.js";
import type { Settings } from "./settings.js";
import { drawTable } from "./table.js";

export interface StatsCommandOptions {
  /** How far to look back, in milliseconds; 24 hours when left out. */
  readonly since?: number;
}

/** Shows health by numbers. */
export async function statsCommand({ since }: StatsCommandOptions, settings: Settings): Promise<number> {
  await using records = openRecords(settings);
  const stats = await records.stats({ since: since === undefined ? undefined : new Date(Date.now() - since) });
  print(settings.json ? JSON.stringify(stats) : statsText(stats, settings));
  return EXIT.fine;
}

function statsText(stats: Stats, settings: Settings): string {
  const since = `Since ${stats.since.replace("T", " ").slice(0, 19)}`;
  const sections = [
    `${paint.bold(since)}: ${runsText(stats)}`,
    ...(stats.agents.length === 0 ? [] : [agentsTable(stats)]),
    ...(stats.spend.total.calls === 0 ? [] : [spendText(stats)]),
    queueText(stats, settings),
    breakersSummary(stats.breakers),
  ];
  return sections.join("\n\n");
}

function runsText({ runs }: Stats): string {
  const { accepted, byStatus, ended, successRate, degraded, degradedShare, durationMs } = runs;
  const found = (Object.keys(byStatus) as RunStatus[]).filter((status) => byStatus[status] > 0);
  const counts = found.map((status) => `${byStatus[status]} ${paintStatus(status)}`);
  const lines = [`${accepted} ${accepted === 1 ? "run" : "runs"} accepted${counts.length === 0 ? "" : `: ${counts.join(", ")}`}`];
  if (successRate === undefined || degradedShare === undefined) return lines.join("");
  const also = degraded === 0 ? "" : `, ${degraded} (${percent(degradedShare)}) with an answer from a lower tier`;
  lines.push(`Of the ${ended} that ended ${percent(successRate)} were completed${also}.`);
  lines.push(`They took ${spread(durationMs)}.`);
  return lines.join("\n");
}

/** What was spent stands beside the first tier of its agent. */
function agentsTable({ agents, spend }: Stats): string {
  const rows = agents.map(({ agent, tier, calls, failed, latencyMs }, index) => {
    const isFirst = agents[index - 1]?.agent !== agent;
    const spent = spend.byAgent.find(({ name }) => name === agent);
    const cells = {
      agent: isFirst ? agent : "",
      tier: tier ?? "",
      calls: String(calls),
      failed: failed === 0 ? "0" : paint.red(String(failed)),
      ...(latencyMs && { p50: duration(latencyMs.p50), p95: duration(latencyMs.p95), p99: duration(latencyMs.p99) }),
      spent: spent && isFirst ? dollars(spent.microDollars) : "",
    };
    return { cells };
  });
  const has = (column: "tier" | "spent") => rows.some(({ cells }) => cells[column] !== "");
  const columns = ["agent", ...(has("tier") ? ["tier"] : []), "calls", "failed", "p50", "p95", "p99", ...(has("spent") ? ["spent"] : [])];
  return drawTable(columns, rows);
}

function spendText({ spend: { total } }: Stats): string {
  const { microDollars, tokens, calls } = total;
  return `${dollars(microDollars)} and ${tokenCount(tokens)} were spent in ${calls} paid ${calls === 1 ? "call" : "calls"}.`;
}

function queueText({ queue, waitedMs }: Stats, settings: Settings): string {
  const { paused, longestWaitMs } = queue;
  const waiting = longestWaitMs === undefined ? "" : ` The first has waited for ${duration(longestWaitMs)}.`;
  const waited = waitedMs === undefined ? "" : ` Those who had their turn waited ${spread(waitedMs)}.`;
  return `${paused ? `${paint.yellow(pausedText(settings))}\n` : ""}${waitersText(queue)}${waiting}${waited}`;
}

function breakersSummary(breakers: readonly Breaker[]): string {
  const notClosed = breakers.filter(({ state }) => state !== "closed");
  if (notClosed.length > 0) return breakersText(notClosed);
  return breakers.length === 0 ? "There are no breakers yet." : `All breakers are closed (${breakers.length}).`;
}

function spread(percentiles: Percentiles | undefined): string {
  if (percentiles === undefined) return "";
  const { p50, p95, p99 } = percentiles;
  return `${duration(p50)} (p50), ${duration(p95)} (p95), ${duration(p99)} (p99)`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share === 0 || share === 1 ? 0 : 1)}%`;
}
