import * as z from "zod";
import { MAX_TIMER_MS } from "./time.js";

const Count = z.int().nonnegative();

const TenantLimits = z.strictObject({ maxConcurrent: z.int().positive().optional(), maxQueued: Count.optional() }).readonly();

/** How runs wait for their turn. */
export const QueueLimits = z
  .strictObject({
    /** Runs carried at a time in this process; 64 when left out. With 0 it accepts runs and leaves them to others. */
    maxConcurrent: Count.optional(),
    /** How many may wait in the store; 10,000 when left out. */
    maxQueued: Count.optional(),
    /** A run that waits gains one priority for each of these; a minute when left out, `Infinity` for never. */
    ageingMs: z.union([z.number().positive(), z.literal(Number.POSITIVE_INFINITY)], "must be above 0").optional(),
    /** Limits of one tenant's runs. `maxConcurrent` counts all processes on the store. */
    perTenant: TenantLimits.optional(),
    /** How often to look for runs that other processes have accepted, and for deadlines; a second when left out. */
    pollMs: z.number().min(1).max(MAX_TIMER_MS).optional(),
  })
  .readonly();

export type QueueLimits = z.infer<typeof QueueLimits>;
