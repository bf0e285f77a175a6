import { openAIModel } from "../../../src/agents/model/openai-model.js";

// Asks the model that the environment leads to, and writes what it answers.
const [, , text = ""] = process.argv;
const question = { messages: [{ role: "user" as const, text }], maxOutputTokens: 50 };
const reply = await openAIModel({ model: "gpt-4.1" }).ask(question, { signal: new AbortController().signal });
process.stdout.write(`${reply.text}\n`);
