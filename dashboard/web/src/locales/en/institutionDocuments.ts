import type { institutionDocuments as chinese } from "../zh-CN/institutionDocuments";

export const institutionDocuments: typeof chinese = {
  document: {
    add: "Add a document",
    addTo: "Add a document: {section}",
    replace: "Replace",
    replaceOf: "Replace: {title}",
    remove: "Remove",
    removeOf: "Remove: {title}",
    title: "Title",
    file: "File",
    hint: "PDF, OFD, docx, xlsx, pptx or a photo of at most {n} MiB; a photo loses what the camera wrote into it. Old versions are kept.",
    reason: "Why it is removed",
    missing: "Choose a file",
    tooLarge: "The file is larger than {n} MiB",
    missingReason: "Say why",
    failed: "Not saved: {detail}",
    done: "Saved",
    stale: "Somebody else has just changed this document: it is shown as it stands now, please try again",
    version: "version {n}",
    earlier: "Earlier versions ({n})",
    removed: "Removed ({n})",
    because: "because: {reason}",
    other: "Other documents",
    kept: "{used} of {max} MiB used, old versions among them; at most {count} documents",
    type: { pdf: "PDF", docx: "Word", xlsx: "Excel", pptx: "PPT", ofd: "OFD", photo: "Photo" },
  },
};
