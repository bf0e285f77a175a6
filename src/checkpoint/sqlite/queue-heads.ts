import type { RunId } from "../../contracts/ids.js";
import type { BeginNext, QueueDepth, QueueHead } from "../ports.js";
import type { Ground } from "./ground.js";

/** Those who are first in the queue, each found through the index: what it costs does not grow with those behind them. */
export function queueHeads({ database }: Pick<Ground, "database">) {
  const queued = "FROM runs INDEXED BY runs_by_status WHERE status = 'queued'";
  const nextPriority = database.prepare<[number], number | null>(`SELECT min(priority) ${queued} AND priority > ?`).pluck();
  const nextTenant = database
    .prepare<[number, string], string>(`SELECT tenant ${queued} AND priority = ? AND tenant > ? ORDER BY tenant LIMIT 1`)
    .pluck();
  const first = database.prepare<[number, string | null, string, string], HeadRow>(
    `SELECT run_id, priority, tenant, queue_place, accepted_at ${queued} AND priority = ? AND tenant IS ?
       AND workflow IN (SELECT value FROM json_each(?)) AND run_id NOT IN (SELECT value FROM json_each(?)) ORDER BY queue_place LIMIT 1`,
  );
  const groups = database.prepare<[], DepthRow>(
    `SELECT priority, tenant, count(*) AS queued, min(queue_place) AS place ${queued} GROUP BY priority, tenant`,
  );
  const acceptedAt = database
    .prepare<[number, string | null, number], string>(`SELECT accepted_at ${queued} AND priority = ? AND tenant IS ? AND queue_place = ?`)
    .pluck();

  function* priorities(): Generator<number> {
    for (let after = 0; ; ) {
      const next = nextPriority.get(after) as number | null;
      if (next === null) return;
      yield next;
      after = next;
    }
  }
  /** Null for those without one. */
  function* tenantsOf(priority: number): Generator<string | null> {
    yield null;
    for (let after: string | undefined = ""; ; ) {
      after = nextTenant.get(priority, after) as string | undefined;
      if (after === undefined) return;
      yield after;
    }
  }
  const firstOf = (
    priority: number,
    tenant: string | null,
    { workflows, except }: Pick<BeginNext, "workflows" | "except">,
  ): QueueHead[] => {
    const row = first.get(priority, tenant, JSON.stringify(workflows), JSON.stringify(except));
    return row ? [headOf(row)] : [];
  };

  return {
    all: (wanted: Pick<BeginNext, "workflows" | "except">): readonly QueueHead[] =>
      [...priorities()].flatMap((priority) => [...tenantsOf(priority)].flatMap((tenant) => firstOf(priority, tenant, wanted))),
    /** The heads once one of them is gone. */
    without: (heads: readonly QueueHead[], gone: QueueHead, wanted: Pick<BeginNext, "workflows" | "except">): readonly QueueHead[] => [
      ...heads.filter((head) => head !== gone),
      ...firstOf(gone.priority, gone.tenant ?? null, wanted),
    ],
    depths: (): readonly QueueDepth[] =>
      groups.all().map(({ priority, tenant, queued: count, place }) => ({
        priority,
        tenant: tenant ?? undefined,
        queued: count,
        oldestAcceptedAt: acceptedAt.get(priority, tenant, place) as string, // the group has a first
      })),
  };
}

interface HeadRow {
  readonly run_id: string;
  readonly priority: number;
  readonly tenant: string | null;
  readonly queue_place: number;
  readonly accepted_at: string;
}

interface DepthRow extends Pick<HeadRow, "priority" | "tenant"> {
  readonly queued: number;
  readonly place: number;
}

function headOf({ run_id, priority, tenant, queue_place, accepted_at }: HeadRow): QueueHead {
  return { runId: run_id as RunId, priority, tenant: tenant ?? undefined, place: queue_place, acceptedAt: accepted_at };
}
