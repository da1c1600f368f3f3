import type { deviceDates as chinese } from "../zh-CN/deviceDates";

export const deviceDates: typeof chinese = {
  deviceDates: {
    installed: "Installed on",
    testDue: "Next test due on",
    battery: "Battery",
    change: "Change dates",
    title: "Dates of {name}",
    hint: "Once it is tested, put the date of its next test here. Who changes it is kept in the ledger.",
    save: "Save",
    failed: "Not saved: {detail}",
    due: "Devices whose test is due",
    today: "due today",
    left: "{n} day left | {n} days left",
    overdue: "{n} day overdue | {n} days overdue",
  },
};
