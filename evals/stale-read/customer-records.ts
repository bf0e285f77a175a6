import type { Clock } from "./clock.js";
import { type DrawName, drawWhole } from "./draw.js";
import { readThrough } from "./read-through.js";
import type { Settings } from "./settings.js";

/** One record for each customer, in sections that are overwritten in place. */
export interface CustomerRecords {
  read<Section>(customer: string, section: string): Promise<Section>;
  write(customer: string, section: string, content: unknown): Promise<void>;
}

/** One way over the network, in milliseconds. */
const WAY_MS = [2, 12] as const;

/** The record service, behind the cache that the settings name. */
export function customerRecords(clock: Clock, { seed, cache: kind, ttlMs }: Settings): CustomerRecords {
  const sections = new Map<string, unknown>();
  const way = (...name: DrawName) => clock.sleep(drawWhole(WAY_MS, seed, "way", ...name));
  let calls = 0;

  async function load(key: string): Promise<unknown> {
    const call = calls++;
    await way(call, "there");
    const content = sections.get(key);
    await way(call, "back");
    return content;
  }
  async function store(key: string, content: unknown): Promise<void> {
    const call = calls++;
    await way(call, "there");
    sections.set(key, content);
    await way(call, "back");
  }

  const cache = readThrough({ load, ttlMs, now: clock.now });
  return {
    read: (customer, section) => (kind === "none" ? load : cache.get)(`${customer}/${section}`) as Promise<never>, // the reader knows the section
    async write(customer, section, content) {
      await store(`${customer}/${section}`, content);
      if (kind === "invalidated") cache.delete(`${customer}/${section}`);
    },
  };
}
