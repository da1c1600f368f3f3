export const panels = {
  panels: {
    heading: "火灾报警主机",
    hint: "用户信息传输装置（GB/T 26875.3）。时钟误差超过 5 秒用 anhu panel clock 校时。",
    device: "装置", address: "地址", institution: "机构代码", heard: "最近通信", clock: "时钟误差", denied: "最近否认的帧",
    never: "从未连接", unset: "时间不可读", ahead: "快 {span}", behind: "慢 {span}", right: "准",
    cause: {
      bad_start: "起始符错误", bad_end: "结束符错误", bad_checksum: "校验和错误", too_long: "数据过长",
      unknown_command: "未知命令", incomplete: "帧不完整",
    },
  },
};
