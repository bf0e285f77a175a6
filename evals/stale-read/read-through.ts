export interface ReadThrough {
  get(key: string): Promise<unknown>;
  delete(key: string): void;
}

/** A cache in front of `load`: an entry is served until it is `ttlMs` old. What is not found is not remembered. */
export function readThrough(source: { load(key: string): Promise<unknown>; readonly ttlMs: number; now(): number }): ReadThrough {
  const entries = new Map<string, { readonly value: unknown; readonly loadedAt: number }>();
  return {
    async get(key) {
      const entry = entries.get(key);
      if (entry && source.now() - entry.loadedAt < source.ttlMs) return entry.value;
      const value = await source.load(key);
      if (value !== undefined) entries.set(key, { value, loadedAt: source.now() });
      return value;
    },
    delete: (key) => void entries.delete(key),
  };
}
