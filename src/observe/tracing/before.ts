/** The moment so many milliseconds before another one, in ISO 8601. */
export function before(at: string, ms: number): string {
  return new Date(Date.parse(at) - Math.max(0, ms)).toISOString();
}
