import { commonSettings } from '@breakwater/service-kit';
import { admissionSettings, networkSettings, tokenSettings } from './settings/access.ts';
import { feedSettings, lobbySettings } from './settings/feeds.ts';
import { inboundSettings, outboundSettings } from './settings/traffic.ts';

/** Settings of the edge. */
export const schema = {
  ...commonSettings,
  ...networkSettings,
  ...tokenSettings,
  ...admissionSettings,
  ...inboundSettings,
  ...outboundSettings,
  ...feedSettings,
  ...lobbySettings,
} as const;
