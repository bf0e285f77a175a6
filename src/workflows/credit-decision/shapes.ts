import * as z from "zod";

/** What several contracts are made of. */
export const applicationId = z.string().min(1);
export const cents = z.int().nonnegative();
export const share = z.number().min(0).max(1);
export const sentence = z.string().min(1).max(300);
export const grade = z.enum(["A", "B", "C", "D", "E"]);

/** Why, for a program (`code`) and for the applicant (`text`). */
export const reason = z.strictObject({ code: z.string().regex(/^[a-z][a-z0-9-]*$/), text: sentence }).readonly();
export type Reason = z.output<typeof reason>;
