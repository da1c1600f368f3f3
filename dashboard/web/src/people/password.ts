/** The page's own check before the server is asked. */
export const PASSWORD_LENGTH_MIN = 10;

export function passwordFault(next: string, again: string): "tooShort" | "differs" | null {
  if ([...next].length < PASSWORD_LENGTH_MIN) return "tooShort";
  return next === again ? null : "differs";
}
