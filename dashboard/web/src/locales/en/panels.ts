import type { panels as chinese } from "../zh-CN/panels";

export const panels: typeof chinese = {
  panels: {
    heading: "Fire panels",
    hint: "Transmission devices (GB/T 26875.3). A clock that is more than 5 s wrong is set by anhu panel clock.",
    device: "Device", address: "Address", institution: "Institution code", heard: "Last heard", clock: "Clock", denied: "Last denied frame",
    never: "Never connected", unset: "Cannot be read", ahead: "{span} ahead", behind: "{span} behind", right: "Right",
    cause: {
      bad_start: "wrong start", bad_end: "wrong end", bad_checksum: "wrong checksum", too_long: "too long",
      unknown_command: "unknown command", incomplete: "incomplete",
    },
  },
};
