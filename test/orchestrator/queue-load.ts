/** The runs of a full queue: mixed priorities, three tenants and none, and some whose deadline comes before their turn. */
export interface LoadedJob {
  readonly number: number;
  readonly priority: number;
  readonly tenant: string | undefined;
  readonly isLate: boolean;
}

export const LEASE_MS = 1_000;

const TENANTS = ["north", "south", "west", undefined];

/** The same ones each time: a linear congruential generator is random enough to mix them. */
export function jobs(count: number): readonly LoadedJob[] {
  let state = 1;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  return Array.from({ length: count }, (_, number) => ({
    number,
    priority: 1 + random(10),
    tenant: TENANTS[random(TENANTS.length)],
    isLate: number % 50 === 49,
  }));
}

export function runIdOf(number: number): string {
  return `00000000-0000-7000-8000-${String(number).padStart(12, "0")}`;
}
