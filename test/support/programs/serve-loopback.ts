import { type LoopbackFunction, type LoopbackStep, loopbackProvider } from "../../../src/testing/index.js";

// Serves the steps given as JSON, or says back what it was asked. Writes its environment as the first line, and then a line
// for each request; ends with its input.
const [, , steps] = process.argv;
const echo: LoopbackFunction = ({ asked }) => asked?.messages.at(-1)?.text ?? "";
const answer: readonly LoopbackStep[] | LoopbackFunction =
  steps === undefined ? counted(echo) : (JSON.parse(steps) as LoopbackStep[]).map(counted);

await using provider = await loopbackProvider({ answer, apiKey: "sk-of-the-loopback" });
write(provider.environment);
for await (const _ of process.stdin);

function counted(step: LoopbackStep): LoopbackFunction {
  return (request) => {
    write({ number: request.number });
    return typeof step === "function" ? step(request) : step;
  };
}

function write(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
