import type { Fence } from "../ports.js";
import type { RunRows } from "./run-rows.js";
import type { Writer } from "./writer.js";

/**
 * Writes of a run that nobody waits for, although what follows counts on them. They join the next transaction in the order
 * in which they came, so whoever awaits a later write of the same run awaits them, too. When one of them fails, nothing
 * more is written to the run under its epoch.
 */
export class Riding {
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(
    private readonly writer: Writer,
    private readonly rows: RunRows,
  ) {}

  /** The run may have ended: LangGraph's last checkpoint comes after that. */
  write(fence: Fence, statements: () => void, written: () => void = () => {}): void {
    const { runId } = fence;
    const refused = (thrown: unknown) => this.rows.refuse(fence, thrown);
    const run = () => {
      try {
        this.rows.held(fence, { unended: false });
        statements();
      } catch (thrown) {
        refused(thrown); // at once, for what follows in the same transaction
        throw thrown;
      }
    };
    const last = this.writer
      .write(run)
      .then(written, refused)
      .finally(() => {
        if (this.#last.get(runId) === last) this.#last.delete(runId);
      });
    this.#last.set(runId, last);
  }

  /** Resolves when the writes of a run, or of all, that were on their way are on disk or have failed. */
  async settled(runId: string | undefined): Promise<void> {
    if (runId === undefined) await Promise.all(this.#last.values());
    else await this.#last.get(runId);
  }
}
