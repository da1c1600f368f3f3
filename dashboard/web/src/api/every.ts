/** The values of a union as a list to go through: the compiler refuses one too many and one too few. */
export function every<T extends string>() {
  return <const All extends readonly T[]>(...all: [T] extends [All[number]] ? All : [missing: Exclude<T, All[number]>]): All =>
    all as unknown as All;
}
