import { DEFAULT_PRIORITY, LOWEST_PRIORITY, type NewRun, type TenantLimits } from "../checkpoint/ports.js";
import { InputInvalid } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { Run } from "../contracts/run.js";
import { checkOptions } from "../limits/check-options.js";
import { QueueLimits } from "../limits/queue-limits.js";

export interface QueueOptions extends QueueLimits, QueueListener {}

/** Who wants to know what becomes of runs that are carried without anybody waiting for their promise. */
export interface QueueListener {
  /** Called with each run that had its turn here and has come to rest. */
  readonly onRest?: ((run: Run) => void) | undefined;
  /** Called for a run that could not be carried here, or when the store could not be asked. */
  readonly onError?: ((thrown: unknown, runId: RunId | undefined) => void) | undefined;
}

export interface QueueSettings extends QueueListener {
  readonly maxConcurrent: number;
  readonly maxQueued: number;
  readonly ageingMs: number;
  readonly perTenant: TenantLimits;
  readonly pollMs: number;
}

/** Throws `CONFIG_INVALID`. */
export function queueSettings({ onRest, onError, ...options }: QueueOptions): QueueSettings {
  const checked = checkOptions(QueueLimits, "queue", options);
  const { maxConcurrent = 64, maxQueued = 10_000, ageingMs = 60_000, perTenant = {}, pollMs = 1_000 } = checked;
  return { maxConcurrent, maxQueued, ageingMs, perTenant, pollMs, onRest, onError };
}

/** A run's place among the others. */
export interface PlaceOptions {
  /** 1 (highest) to 10; 5 when left out. */
  readonly priority?: number;
  /** For whom it is. Tenants take turns, and those without one count as one. */
  readonly tenant?: string;
  /** Still waiting for its turn then, the run ends `canceled` with `DEADLINE_EXCEEDED`. A date, or ISO 8601. */
  readonly deadline?: Date | string;
}

const MAX_TENANT_LENGTH = 200;

/** Throws `INPUT_INVALID`. */
export function placeOf(contract: string, options: PlaceOptions): Required<Pick<NewRun, "priority" | "tenant" | "deadline">> {
  const { priority = DEFAULT_PRIORITY, tenant, deadline } = options;
  if (!Number.isInteger(priority) || priority < 1 || priority > LOWEST_PRIORITY)
    throw invalid(contract, "priority", `must be a whole number from 1 (highest) to ${LOWEST_PRIORITY}, not ${priority}`);
  if (tenant !== undefined && (tenant === "" || tenant.length > MAX_TENANT_LENGTH))
    throw invalid(contract, "tenant", `must be a text of 1 to ${MAX_TENANT_LENGTH} characters`);
  if (tenant !== undefined && /\p{Cc}/u.test(tenant)) throw invalid(contract, "tenant", "must not have control characters");
  const at = deadline === undefined ? undefined : new Date(deadline);
  if (at && Number.isNaN(at.getTime())) throw invalid(contract, "deadline", `must be a date or a time in ISO 8601, not "${deadline}"`);
  return { priority, tenant, deadline: at?.toISOString() };
}

function invalid(contract: string, option: string, message: string): InputInvalid {
  const issues = [{ path: `/${option}`, message }];
  return new InputInvalid(`The run cannot be accepted: ${option} ${message}.`, { contract, issues });
}
