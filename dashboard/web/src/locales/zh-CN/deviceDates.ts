/** The words of a device's dates and of the tests that are due. */
export const deviceDates = {
  deviceDates: {
    installed: "安装日期",
    testDue: "下次检测日期",
    battery: "电量",
    change: "修改日期",
    title: "{name} 的日期",
    hint: "检测完成后，在这里填下一次的日期。修改人会记入台账。",
    save: "保存",
    failed: "没有保存成功：{detail}",
    due: "检测到期的设备",
    today: "今天到期",
    left: "还有 {n} 天",
    overdue: "逾期 {n} 天",
  },
};
