import { duty } from "./zh-CN/duty";
import { alerts } from "./zh-CN/alerts";
import { quiet } from "./zh-CN/quiet";
import { account } from "./zh-CN/account";
import { accounts } from "./zh-CN/accounts";
import { system } from "./zh-CN/system";
import { audit } from "./zh-CN/audit";
import { claims } from "./zh-CN/claims";
import { deviceDates } from "./zh-CN/deviceDates";
import { devices } from "./zh-CN/devices";
import { firstSteps } from "./zh-CN/firstSteps";
import { draws } from "./zh-CN/draws";
import { creditLists } from "./zh-CN/creditLists";
import { drills } from "./zh-CN/drills";
import { handovers } from "./zh-CN/handovers";
import { hazards } from "./zh-CN/hazards";
import { inspections } from "./zh-CN/inspections";
import { institutionDocuments } from "./zh-CN/institutionDocuments";
import { institutionFiles } from "./zh-CN/institutionFiles";
import { panels } from "./zh-CN/panels";
import { people } from "./zh-CN/people";
import { phone } from "./zh-CN/phone";
import { plans } from "./zh-CN/plans";
import { protections } from "./zh-CN/protections";
import { publicity } from "./zh-CN/publicity";
import { ratings } from "./zh-CN/ratings";
import { reports } from "./zh-CN/reports";
import { rotations } from "./zh-CN/rotations";
import { rules } from "./zh-CN/rules";
import { systemHealth } from "./zh-CN/systemHealth";
import { wall } from "./zh-CN/wall";

export const zhCN = {
  ...duty,
  ...alerts,
  ...quiet,
  ...account,
  ...accounts,
  ...system,
  ...audit,
  ...handovers,
  ...hazards,
  ...panels,
  ...inspections,
  ...draws,
  ...claims,
  ...deviceDates,
  ...devices,
  ...firstSteps,
  ...rules,
  ...systemHealth,
  ...institutionFiles,
  ...institutionDocuments,
  ...protections,
  ...ratings,
  ...reports,
  ...creditLists,
  ...publicity,
  ...wall,
  ...phone,
  app: {
    name: "安护",
    tagline: "养老与救助机构安全监测",
    skip: "跳到主要内容",
  },
  nav: {
    main: "主导航", duty: "值班", wall: "大屏", history: "历史报警", devices: "设备", hazards: "隐患", inspections: "检查", phone: "我的一天", ratings: "信用评价", rotations: "值班表", suppressions: "暂停", drills: "演练", dutyChecks: "查岗",
    handovers: "交接班", audit: "审计", people: "人员", rules: "规则", system: "系统状态", more: "更多", signOut: "退出登录",
  },
  common: {
    loading: "正在读取…",
    retry: "重试",
    more: "显示更多",
    close: "关闭",
    cancel: "取消",
    choose: "请选择",
    actions: "操作",
    unreachable: "无法连接服务器",
    failed: "读取失败：{detail}",
    notFound: "没有找到这条记录",
  },
  state: { alarm: "报警", warning: "预警", offline: "离线", normal: "正常" },
  institution: {
    search: "按名称或代码查找",
    searchLabel: "查找机构",
    filter: "按状态筛选",
    noMatch: "没有符合条件的机构",
    devices: "{n} 台设备",
    offline: "{n} 台离线",
    zones: "区域与设备",
    openAlerts: "本机构未结报警",
    code: "代码",
    noDevices: "该区域没有设备",
    never: "从未上报",
    lastSeen: "最近上报",
    interval: "上报间隔",
    seconds: "{n} 秒",
    model: "型号",
    refreshed: "{time} 更新",
    onlyAbnormal: "只看异常设备",
    allNormal: "全部设备正常",
    kind: { nursing_home: "养老院", rescue_station: "救助站", child_welfare: "儿童福利机构", other: "其他机构" },
  },
  zone: {
    floor: "{n} 层",
    basement: "地下 {n} 层",
  },
  quantity: {
    smoke_obscuration: "烟雾减光", smoke_alarm: "烟雾报警", temperature: "温度", heat_alarm: "感温报警", call_point: "手动报警按钮",
    humidity: "湿度", co: "一氧化碳", gas: "可燃气体", fall: "跌倒", on_floor: "倒地", sos: "呼叫", battery: "电量", mains_power: "市电",
    co_alarm: "一氧化碳报警", gas_alarm: "可燃气体报警", water_leak: "漏水", occupancy: "有人",
    vibration: "振动", tamper: "防拆", battery_low: "电量低", alive: "在线信号",
    fire_alarm: "火警", fault: "故障",
  },
  binary: { on: "触发", off: "正常", gone: "中断", yes: "有", no: "无" },
  chart: {
    range: "时间范围",
    r15m: "15 分钟",
    r1h: "1 小时",
    r24h: "24 小时",
    r30d: "30 天",
    r1y: "1 年",
    live: "实时",
    empty: "这段时间没有读数",
    threshold: "阈值 {value}",
    band: "最低~最高",
    latest: "最新",
    label: "{quantity}曲线，{n} 个点，最新 {value}",
  },
  history: {
    heading: "历史报警",
    kind: "类型",
    everyKind: "全部类型",
    scope: "范围",
    closed: "已结束",
    all: "全部",
    open: "未结",
    empty: "没有符合条件的报警",
    end: "已到最早一条",
    columns: { what: "报警", where: "位置", when: "报警时间", length: "持续", state: "状态", by: "确认人" },
  },
  dutyCheck: {
    title: "查岗",
    question: "值班台有人吗？",
    prompt: "请在倒计时结束前应答，超时记为脱岗",
    answer: "在岗",
    left: "剩余时间",
    heading: "查岗",
    lead: "随机或由监管人员发起；值班台须在规定时间内应答。",
    call: "立即查岗",
    institution: "查岗机构",
    within: "应答时限",
    note: "说明（可不填）",
    called: "已向 {name} 发出查岗",
    failed: "没有成功：{detail}",
    answered: "已应答，{span}",
    empty: "还没有查岗记录",
    state: { open: "等待应答", answered: "已应答", missed: "未应答" },
    random: "系统随机",
    columns: { institution: "机构", calledAt: "发起时间", by: "发起人", state: "结果", took: "用时", who: "应答人" },
    summary: "近 {n} 次：应答 {answered}，未应答 {missed}",
  },
  drill: drills,
  people,
  rotations,
  plans,
  problem: {
    "claim-refused": "不能登记：请检查各项",
    "rules-invalid": "规则有错误：请先检查",
    "place-refused": "不能添加：请检查各项",
    "place-taken": "这个代码已经有了",
    "broker-refused": "不能在这里更改 MQTT 账户：请用下面的命令",
    "drill-refused": "现在不行：正在演练，或有真实报警",
    "dates-refused": "日期有误：下次检测不能早于安装",
    "device-registered": "这台设备（或测量项）已经登记",
    "stand-in-refused": "不能这样安排替班：这段时间已有人替班、时间已过，或此人无权确认该机构的报警",
    "rotation-refused": "有人已不在此岗位，请重新选择值班人员",
    "floor-plan-refused": "这张图不能使用：请用 PNG、JPEG、WebP 图片（2500 万像素以内），或不含图片、脚本的 SVG；标记须在本层",
    "plan-invalid": "预案有误：每一步须有中文内容，电话须是号码",
    "too-large": "文件太大",
    "document-refused": "不是可以保存的材料：请用 PDF、OFD、docx、xlsx、pptx（不含宏）或 JPEG、PNG、WebP 图片，并写明名称",
    "document-surplus": "这一部分已有同样的材料，或已达到份数、容量上限",
    "not-permitted": "您的角色没有这项权限",
    "password-change-required": "请先设置自己的密码",
    "password-unfit": "密码太容易被猜到，请换一个，且不要包含用户名",
    "username-taken": "这个用户名已被使用",
    "suppression-too-long": "一次最长 {limit}",
    "suppression-refused": "现在不能这样做",
    "proof-missing": "监测数据还不能证明隐患已消除",
    "wrong-person": "这一步须由其他人办理",
    "step-refused": "现在不能这样做",
    "checklists-unsuitable": "这些检查表不适用于该类机构：{lists}",
    "rating-refused": "现在不能评价",
    "safety-record-refused": "不能这样记录：请核对种类、等级和日期",
    "draw-impossible": "机构或检查人员不够，无法抽取",
    "report-refused": "无法生成这样的报表：请核对日期和对象",
    "report-changed": "数据刚刚有变化，请看过最新内容后再签字",
    "signature-refused": "现在不能签字，或您已签过这一版",
    "photo-refused": "这张照片无法保存",
    "wrong-credentials": "密码不正确",
    "wrong-code": "验证码不正确、已过期或已用过；刚用过时请等下一个",
    "second-factor-required": "请先启用两步验证",
    "second-factor-refused": "现在不能这样做，请刷新后再看",
    "account-key-unusable": "服务器暂时无法核对验证码，请用恢复码，并告知系统管理员",
    "identity-taken": "此标识已关联给别人，或此人已有关联",
    "provider-missing": "没有设置统一登录",
    "access-token-refused": "已有同名令牌，或令牌太多：请先吊销一个",
    "too-many-attempts": "尝试次数过多，请稍后再试",
    "words-unfit": "这些内容不能公开",
    "stale-version": "别人刚刚处理过，请再看一眼",
    "illegal-verb": "现在不能这样做",
    "database-unavailable": "数据库暂时没有响应，请稍后再试",
    busy: "正在进行中，请稍后再试",
  },
  time: {
    now: "刚刚",
    seconds: "{n} 秒",
    minutes: "{n} 分钟",
    minutesSeconds: "{m} 分 {s} 秒",
    hours: "{n} 小时",
    hoursMinutes: "{h} 小时 {m} 分",
    days: "{n} 天",
    daysHours: "{d} 天 {h} 小时",
    ago: "{span}前",
  },
  language: { other: "English", switch: "Switch to English" },
};
