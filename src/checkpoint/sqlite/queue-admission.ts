import { QueueFull } from "../../contracts/failure.js";
import type { NewRun, TenantLimits } from "../ports.js";
import type { Ground } from "./ground.js";
import { type QueueTurns, queueTurns } from "./queue-turns.js";

/** Whether a run that is accepted has to wait, and where. Transactions are the caller's. */
export function queueAdmission(ground: Pick<Ground, "database" | "cells">): {
  mustWait(run: NewRun): boolean;
  /** Throws `QUEUE_FULL`. */
  takePlace(run: NewRun): number;
} {
  const { database } = ground;
  const turns: QueueTurns = queueTurns(ground);
  const isWaiting = database
    .prepare<[], number>("SELECT EXISTS (SELECT 1 FROM runs INDEXED BY runs_by_status WHERE status = 'queued')")
    .pluck();
  const countQueued = database.prepare<[], number>("SELECT count(*) FROM runs INDEXED BY runs_by_status WHERE status = 'queued'").pluck();
  const countOfTenant = database
    .prepare<[string], number>("SELECT count(*) FROM runs INDEXED BY runs_by_status WHERE status = 'queued' AND tenant = ?")
    .pluck();
  const isAtLimit = (tenant: string | undefined, { maxConcurrent }: TenantLimits, now: string) =>
    tenant !== undefined && maxConcurrent !== undefined && turns.runningOf(tenant, now) >= maxConcurrent;

  return {
    mustWait({ admission, tenant, deadline, acceptedAt }) {
      if (!admission) return false;
      const late = deadline !== undefined && deadline <= acceptedAt;
      return !admission.begin || late || isWaiting.get() === 1 || turns.isPaused() || isAtLimit(tenant, admission.perTenant, acceptedAt);
    },
    takePlace({ admission, tenant }) {
      const { maxQueued = Number.POSITIVE_INFINITY, perTenant = {} } = admission ?? {};
      const queued = Number(countQueued.get());
      if (queued >= maxQueued) throw full(queued, maxQueued);
      if (tenant !== undefined && perTenant.maxQueued !== undefined) {
        const own = Number(countOfTenant.get(tenant));
        if (own >= perTenant.maxQueued) throw full(own, perTenant.maxQueued, tenant);
      }
      return turns.next();
    },
  };
}

function full(queued: number, maxQueued: number, tenant?: string): QueueFull {
  const whose = tenant === undefined ? "" : ` of ${tenant}`;
  const message = `The queue${whose} is full: ${queued} runs wait, and ${maxQueued} may. Nothing was accepted; try again later, or raise maxQueued.`;
  return new QueueFull(message, { queued, maxQueued, ...(tenant === undefined ? {} : { tenant }) });
}
