import { call, type Shapes } from "./call";

/** `begins_on` and `ends_on` are days, like 2026-03-01. */
export type Campaign = Shapes["Campaign"];
export type CampaignDetail = Shapes["CampaignDetail"];
export type NewCampaign = Shapes["CampaignPlan"];

export async function list(): Promise<Campaign[]> {
  return (await call("GET", "/api/campaigns")).items;
}

export function campaign(id: string): Promise<CampaignDetail> {
  return call("GET", "/api/campaigns/{campaign_id}", { path: { campaign_id: id } });
}

export function plan(wanted: NewCampaign): Promise<CampaignDetail> {
  return call("POST", "/api/campaigns", { body: wanted });
}
