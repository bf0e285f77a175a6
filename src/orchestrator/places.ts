import type { RunId } from "../contracts/ids.js";

/** The places for runs in this process. A run that is under way has one by itself; before that it must be taken. */
export class Places {
  #taken = 0;
  #closed = false;

  constructor(
    private readonly underway: ReadonlyMap<RunId, unknown>,
    private readonly max: number,
  ) {}

  get free(): number {
    return this.#closed ? 0 : Math.max(0, this.max - this.underway.size - this.#taken);
  }

  /** Takes so many; they must be free. */
  take(count: number): void {
    this.#taken += count;
  }

  giveBack(count: number): void {
    this.#taken -= count;
  }

  /** No place is free from here on. */
  close(): void {
    this.#closed = true;
  }
}
