/** A declaration as PostCSS hands it to a plugin. */
interface Declaration {
  prop: string;
  value: string;
}

/** The size of type that a browser starts from. */
const ROOT_PX = 16;
const LENGTH = /(?<![\w.-])(\d*\.?\d+)px\b/g;
/** Type, and Element Plus's heights of what holds a line of it. */
const SIZES_TYPE = /^(font|font-size|line-height|--el-(?:[a-z]+-)*font-size(?:-[a-z]+)*|--el-component-size(?:-[a-z]+)*)$/;

/** `13px` as a share of the size of type the reader has chosen. */
export function inRem(value: string): string {
  return value.replace(LENGTH, (_, px: string) => `${Number((Number(px) / ROOT_PX).toFixed(4))}rem`);
}

/**
 * Sizes of type are written in px, as on a drawing, and built as rem: so all of the page, Element Plus's parts included,
 * grows with the root's font size, by which large type is chosen (styles/tokens.css), and with the browser's own setting.
 */
export function typeInRem(): { postcssPlugin: string; Declaration: (declaration: Declaration) => void } {
  return {
    postcssPlugin: "type-in-rem",
    Declaration(declaration) {
      if (SIZES_TYPE.test(declaration.prop) && declaration.value.includes("px")) declaration.value = inRem(declaration.value);
    },
  };
}
