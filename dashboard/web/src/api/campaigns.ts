import type { Named } from "./hazards";
import { get, write } from "./http";
import type { InspectionFigures } from "./inspections";

export interface Campaign {
  id: string;
  no: number;
  theme: string;
  goal: string;
  region: string;
  /** Days, like 2026-03-01. */
  begins_on: string;
  ends_on: string;
  checklists: string[];
  creator: Named;
}

export interface CampaignDetail extends Campaign {
  figures: InspectionFigures;
}

export type NewCampaign = Pick<Campaign, "theme" | "goal" | "region" | "begins_on" | "ends_on" | "checklists">;

export async function list(): Promise<Campaign[]> {
  return (await get<{ items: Campaign[] }>("/campaigns")).items;
}

export function campaign(id: string): Promise<CampaignDetail> {
  return get(`/campaigns/${id}`);
}

export function plan(wanted: NewCampaign): Promise<CampaignDetail> {
  return write("POST", "/campaigns", wanted);
}
