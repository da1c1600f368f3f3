import { every } from "@/api/every";
import { ApiError } from "@/api/http";
import type { HandoverRefusal } from "@/api/handovers";
import { i18n } from "@/i18n";
import { explain } from "@/load";

const REFUSALS = every<HandoverRefusal>()("another_desk", "take_over_first", "not_waiting", "same_name");

/** Why a signature was not taken, in the reader's words. */
export function refusal(cause: unknown): string {
  const why = cause instanceof ApiError ? REFUSALS.find((each) => each === cause.problem.why) : undefined;
  return why ? i18n.global.t(`handover.why.${why}`) : explain(cause);
}
