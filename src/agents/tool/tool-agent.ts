import type { Contract, InferInput } from "../../contracts/contract.js";
import type { AgentContext, ContractMap, Inputs, LiveTier } from "../agent.js";
import type { Completion } from "../completion.js";
import { MAX_OUTPUT_TOKENS } from "../model/call-model.js";
import type { ChatModel, OfferedTool } from "../model/chat-model.js";
import { fromOutside, opening } from "../model/opening.js";
import type { Route } from "./ending.js";
import { type Finish, offeredFinish } from "./finish.js";
import { withAskedMemory } from "./ladder.js";
import { type LoopOptions, workLoop } from "./loop.js";
import type { ResultOf } from "./results.js";
import { FINISH, type Tool } from "./tool.js";
import { checkToolAgent } from "./tool-agent-options.js";
import { createWorkbench, type WorkbenchOptions } from "./workbench.js";

/** A tier whose work is a conversation with a model that uses tools. */
export interface ToolAgentDefinition<Consumes extends ContractMap, Produces extends Contract> extends Pick<LiveTier, "name" | "limits"> {
  readonly model: ChatModel;
  /** Fixed text: what comes from outside belongs into `input`. */
  readonly instructions: string;
  readonly tools: readonly Tool[];
  /** As the agent has it: types what `input` and `output` are given, where TypeScript does not know the agent yet (inside of `defineAgent`). */
  readonly consumes?: Consumes;
  /** As the agent has it; types what `output` gives. */
  readonly produces?: Produces;
  /** What the model is shown; all that the agent consumes when left out. */
  input?(inputs: Inputs<Consumes>): unknown;
  /** Makes the product of the results that `finish` named: numbers come from there, never from the model's words. */
  output(finish: Finish, resultOf: ResultOf, inputs: Inputs<Consumes>): InferInput<Produces>;
  /** `repair` when left out. */
  readonly onPartial?: Route;
  /** `next-tier` when left out. */
  readonly onBlocked?: Route;
  /** How often the model may be asked; 12 when left out. */
  readonly steps?: number;
  /** Tokens, in and out together, after which the model is not asked again; without a limit when left out. */
  readonly maxTokens?: number;
  /** How often an identical call is answered with its first answer before the loop is given up; 2 when left out. */
  readonly repeats?: number;
  /** For one answer of the model; 1024 when left out. */
  readonly maxOutputTokens?: number;
  /** A longer result is cut for the model, in characters of JSON; 16,000 when left out. */
  readonly resultChars?: number;
}

/**
 * Makes a tier of a model that uses tools: `defineAgent({ …, effects, tiers: [toolAgent({ name: "premium", model, tools, … })] })`.
 * It ends only by a valid `finish`; prose, a refusal or a limit is never an answer. The tier is passed over while its model is
 * not available. Throws `OPTION_INVALID`.
 */
export function toolAgent<Consumes extends ContractMap, Produces extends Contract>(
  definition: ToolAgentDefinition<Consumes, Produces>,
): LiveTier<Consumes, Produces> {
  checkToolAgent(definition);
  const { name, limits, model, tools, input } = definition;
  const { loop, bench } = withDefaults(definition);
  const performs = tools.flatMap(({ effect }) => (effect ? [effect.name] : []));
  const system = [definition.instructions, HOW_TO_WORK].join("\n\n");
  return Object.freeze({
    name,
    limits,
    performs,
    available: () => model.available(),
    execute: (inputs: Inputs<Consumes>, context: AgentContext) => {
      const shown = input ? input(inputs) : inputs;
      const output = (finish: Finish, resultOf: ResultOf) => definition.output(finish, resultOf, inputs);
      const work = { options: { ...loop, output }, bench: createWorkbench(bench, inputs, context), context };
      // The product is checked against the contract like that of every agent.
      return workLoop(work, opening(system, shown, context.feedback)) as Promise<Completion<InferInput<Produces>>>;
    },
  });
}

const HOW_TO_WORK =
  "You work by calling tools. Each result comes with a handle, by which you name it later. " +
  `You end your work by calling ${FINISH}, alone; nothing else ends it, and prose is not read. ` +
  fromOutside(", and every result of a tool,");

type Settings = Omit<ToolAgentDefinition<ContractMap, Contract>, "consumes" | "produces" | "input" | "output">;
type Plan = { readonly loop: Omit<LoopOptions, "output">; readonly bench: WorkbenchOptions };

function withDefaults({ model, tools, ...given }: Settings): Plan {
  const {
    steps = 12,
    maxTokens = Number.POSITIVE_INFINITY,
    maxOutputTokens = MAX_OUTPUT_TOKENS,
    repeats = 2,
    resultChars = 16_000,
  } = given;
  const { onPartial = "repair", onBlocked = "next-tier" } = given;
  const offered = [...tools.map(offer), offeredFinish];
  return { loop: { model, offered, steps, maxTokens, maxOutputTokens, onPartial, onBlocked }, bench: { tools, repeats, resultChars } };
}

function offer({ name, description, parameters, ladder }: Tool): OfferedTool {
  return { name, description, parameters: withAskedMemory(parameters, ladder) };
}
