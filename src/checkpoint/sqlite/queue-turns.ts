import type { JsonValue } from "../../contracts/json-value.js";
import { QUEUE_CELL, type TenantLoad } from "../ports.js";
import type { Ground } from "./ground.js";

/** The clock of the queue, and what each tenant has had of it. Transactions are the caller's. */
export interface QueueTurns {
  isPaused(): boolean;
  /** One more; it orders the places of those who wait, and who was served last. */
  next(): number;
  /** What the tenants have under way, all processes together. */
  loads(tenants: ReadonlySet<string | undefined>, now: string): Map<string | undefined, TenantLoad>;
  runningOf(tenant: string, now: string): number;
  /** Of all tenants. */
  running(now: string): number;
  /** A run of this tenant begins. */
  serve(tenant: string | undefined): number;
}

/** A run whose process has died takes nobody's place. */
const CARRIED = "FROM runs WHERE status = 'running' AND holder IS NOT NULL AND lease_until > ?";

export function queueTurns({ database, cells }: Pick<Ground, "database" | "cells">): QueueTurns {
  const countRunning = database.prepare<[string], { tenant: string | null; running: number }>(
    `SELECT tenant, count(*) AS running ${CARRIED} GROUP BY tenant`,
  );
  const countOfTenant = database.prepare<[string, string], number>(`SELECT count(*) ${CARRIED} AND tenant = ?`).pluck();
  const countAll = database.prepare<[string], number>(`SELECT count(*) ${CARRIED}`).pluck();
  const cell = () => cellOf(cells.find(QUEUE_CELL));
  const servedKey = (tenant: string | undefined) => `${QUEUE_CELL}/served/${tenant ?? ""}`;
  const next = (): number => {
    const { turn = 0, ...rest } = cell();
    cells.put(QUEUE_CELL, { ...rest, turn: turn + 1 });
    return turn + 1;
  };
  return {
    isPaused: () => cell().paused === true,
    next,
    loads(tenants, now) {
      const running = new Map(countRunning.all(now).map((row) => [row.tenant ?? undefined, row.running]));
      const load = (tenant: string | undefined) => ({
        running: running.get(tenant) ?? 0,
        served: Number(cells.find(servedKey(tenant)) ?? 0),
      });
      return new Map([...tenants].map((tenant) => [tenant, load(tenant)]));
    },
    runningOf: (tenant, now) => Number(countOfTenant.get(now, tenant)),
    running: (now) => Number(countAll.get(now)),
    serve(tenant) {
      const turn = next();
      cells.put(servedKey(tenant), turn);
      return turn;
    },
  };
}

type QueueCell = { readonly paused?: boolean; readonly turn?: number };

/** Written here, and by whoever pauses the queue. */
function cellOf(cell: JsonValue | undefined): QueueCell {
  return (cell ?? {}) as QueueCell;
}
