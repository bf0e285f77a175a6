import type { QueueHead, QueueView, TenantLoad } from "../checkpoint/ports.js";

/** How the queue is ordered. */
export interface QueueRules {
  /** A run that waits gains one priority for each of these. */
  readonly ageingMs: number;
  /** How many runs of one tenant may be carried at a time; those without a tenant are not limited by it. */
  readonly tenantMaxConcurrent?: number | undefined;
}

/**
 * Who is next: the smallest effective priority; among those the tenant with the fewest runs under way, then the one that was
 * served least recently; then who came first. Tenants at their limit are passed over.
 */
export function nextInQueue({ heads, tenants }: QueueView, rules: QueueRules, nowMs: number): QueueHead | undefined {
  const loadOf = ({ tenant }: QueueHead): TenantLoad => tenants.get(tenant) ?? IDLE;
  const ranked = heads
    .filter((head) => mayRun(head, loadOf(head), rules))
    .map((head) => ({ head, rank: [effectivePriority(head, rules, nowMs), loadOf(head).running, loadOf(head).served, head.place] }));
  const [first, ...others] = ranked;
  return first && others.reduce((best, each) => (isBefore(each.rank, best.rank) ? each : best), first).head;
}

/** What a run's priority has become by waiting; never below 1, and never worse for a clock that was set back. */
export function effectivePriority(
  { priority, acceptedAt }: Pick<QueueHead, "priority" | "acceptedAt">,
  { ageingMs }: Pick<QueueRules, "ageingMs">,
  nowMs: number,
): number {
  const waitedMs = Math.max(0, nowMs - Date.parse(acceptedAt));
  return Math.max(1, priority - Math.floor(waitedMs / ageingMs));
}

const IDLE: TenantLoad = { running: 0, served: 0 };

function mayRun({ tenant }: QueueHead, { running }: TenantLoad, { tenantMaxConcurrent }: QueueRules): boolean {
  return tenant === undefined || tenantMaxConcurrent === undefined || running < tenantMaxConcurrent;
}

function isBefore(a: readonly number[], b: readonly number[]): boolean {
  const differing = a.findIndex((value, index) => value !== b[index]);
  return differing >= 0 && (a[differing] ?? 0) < (b[differing] ?? 0);
}
