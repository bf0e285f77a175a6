import * as z from "zod";
import { words } from "../words.js";
import { CONCERN_CODES } from "./codes.js";

/** What does not fit together, by whose evidence it was found. */
export const ABOUT = ["application", "score", "income", "fraud", "risk"] as const;
export const SEVERITIES = ["note", "serious"] as const;
export const MOST_FLAGS = 8;
export const MOST_FINDING = 300;
export const MOST_MEMO = 1_500;

export const flag = z
  .strictObject({
    about: z.enum(ABOUT),
    /** Nothing with a serious flag is approved without a person. */
    severity: z.enum(SEVERITIES),
    code: z.enum(CONCERN_CODES),
    finding: words(MOST_FINDING),
  })
  .readonly();
export type Flag = z.output<typeof flag>;
