/** Micro-dollars for people: at least cents, as exact as they are. */
export function dollars(microDollars: number): string {
  const [whole = "", fraction = ""] = (Math.abs(microDollars) / 1e6).toFixed(6).split(".");
  const exact = fraction.replace(/0{1,4}$/, "");
  return `${microDollars < 0 ? "-" : ""}$${Number(whole).toLocaleString("en-US")}.${exact}`;
}

export function tokenCount(tokens: number): string {
  return `${tokens.toLocaleString("en-US")} tokens`;
}
