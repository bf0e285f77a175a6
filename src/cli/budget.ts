import type { BudgetReport, NamedSum, ScopeBalance } from "../limits/budget-report.js";
import type { Amount } from "../limits/budget-window.js";
import type { BudgetLimit } from "../limits/limit-options.js";
import { dollars, tokenCount } from "../limits/money.js";
import { openRecords } from "./house.js";
import { paint } from "./paint.js";
import { print } from "./print.js";
import { EXIT, misused } from "./problem.js";
import type { Settings } from "./settings.js";
import { drawTable } from "./table.js";

export interface BudgetOptions {
  readonly since?: string;
}

/** Shows what is left of every budget, what is reserved, and who spent what. */
export async function budgetCommand({ since }: BudgetOptions, settings: Settings): Promise<number> {
  await using records = openRecords(settings);
  const report = records.budget(since === undefined ? {} : { since: timeOf(since) });
  print(settings.json ? JSON.stringify(report) : reportText(report));
  return EXIT.fine;
}

/** ISO 8601, or so many minutes, hours or days ago. */
function timeOf(since: string): string {
  const [, count = "", unit = ""] = /^(\d{1,6})([mhd])$/.exec(since) ?? [];
  const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 }[unit];
  const time = unitMs === undefined ? Date.parse(since) : Date.now() - Number(count) * unitMs;
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  throw misused("--since", `--since ${since} is no time. Give one like 2026-11-21T08:00:00Z, or 30m, 6h or 7d for so long ago.`);
}

function reportText({ scopes, since, spend }: BudgetReport): string {
  if (scopes.length === 0 && spend.total.calls === 0) return "Nothing was spent.";
  const { calls } = spend.total;
  const sums = [
    ["agent", spend.byAgent],
    ["model", spend.byModel],
    ["tenant", spend.byTenant],
  ] as const;
  return [
    drawTable(["budget", "window", "spent", "reserved", "remaining", "limit"], scopes.flatMap(scopeRows)),
    "",
    `Since ${since.replace("T", " ").slice(0, 19)}: ${amountText(spend.total)} in ${calls} ${calls === 1 ? "call" : "calls"}.`,
    ...(calls === 0 ? [] : sums.flatMap(([title, list]) => ["", drawTable([title, "spent", "tokens", "calls"], list.map(sumRow))])),
  ].join("\n");
}

/** Tokens get a line of their own where they are limited, or where there is nothing else to see. */
function scopeRows({ scope, window, spent, reserved, remaining, limit }: ScopeBalance) {
  const row = (unit: keyof Amount & keyof BudgetLimit, text: (amount: number) => string, first: boolean) => ({
    cells: {
      budget: first ? scope : "",
      window: first ? window : "",
      spent: text(spent[unit]),
      reserved: text(reserved[unit]),
      remaining: remaining[unit] === undefined ? "" : text(remaining[unit]),
      limit: limit[unit] === undefined ? paint.dim("none") : text(limit[unit]),
    },
  });
  return [row("microDollars", dollars, true), ...(limit.tokens === undefined ? [] : [row("tokens", tokenCount, false)])];
}

function sumRow({ name, microDollars, tokens, calls }: NamedSum) {
  return {
    cells: {
      agent: name,
      model: name,
      tenant: name,
      spent: dollars(microDollars),
      tokens: tokens.toLocaleString("en-US"),
      calls: String(calls),
    },
  };
}

function amountText({ microDollars, tokens }: Amount): string {
  return `${dollars(microDollars)} and ${tokenCount(tokens)}`;
}
