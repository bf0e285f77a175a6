import type { ArmedFault, BankCall, BankFaultDefinition, Snapshot } from "walkback/workflows/credit-decision";

/** What a served bank shows, and how it is made to misbehave. */
export function viewsOf(url: string) {
  const view = async <T>(path: string, init?: RequestInit): Promise<T> => (await (await fetch(`${url}${path}`, init)).json()) as T; // its own JSON
  return {
    snapshot: () => view<Snapshot>("/books"),
    calls: () => view<readonly BankCall[]>("/calls"),
    faults: () => view<readonly ArmedFault[]>("/faults"),
    misbehave: (...faults: readonly BankFaultDefinition[]) =>
      view<readonly ArmedFault[]>("/faults", { method: "PUT", body: JSON.stringify(faults) }),
    behave: () => fetch(`${url}/faults`, { method: "DELETE" }),
  };
}
