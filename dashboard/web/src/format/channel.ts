import { i18n } from "@/i18n";
import { zhCN } from "@/locales/zh-CN";

/** The ways to reach somebody that the page can set up. */
export const CHANNELS = ["wecom", "dingtalk", "feishu", "email", "sms", "webhook"] as const;
export type Channel = (typeof CHANNELS)[number];

/** A channel as people call it; one the page does not know by its own name. */
export function channelName(channel: string): string {
  return channel in zhCN.channel ? i18n.global.t(`channel.${channel}`) : channel;
}
