import { expect, it } from "vitest";
import { inRem, typeInRem } from "./typeInRem";

it.each([
  ["16px", "1rem"],
  ["13px", "0.8125rem"],
  [".5px", "0.0313rem"],
  ["14px/1.5 var(--font)", "0.875rem/1.5 var(--font)"],
  ["calc(1em + 2px)", "calc(1em + 0.125rem)"],
  ["var(--x10px)", "var(--x10px)"],
])("%s is %s", (value, expected) => {
  expect(inRem(value)).toBe(expected);
});

it.each([
  ["font-size", "0.75rem"],
  ["font", "0.75rem"],
  ["--el-font-size-base", "0.75rem"],
  ["--el-button-font-size", "0.75rem"],
  ["--el-component-size-large", "0.75rem"],
  ["width", "12px"],
  ["border", "12px"],
  ["--el-border-radius-base", "12px"],
])("%s: 12px becomes %s", (prop, value) => {
  const declaration = { prop, value: "12px" };
  typeInRem().Declaration(declaration);
  expect(declaration.value).toBe(value);
});
