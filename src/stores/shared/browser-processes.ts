/** What the processes of browsers and mail programs are called: on Linux, on macOS, and on Windows without ".exe". */

import type { StoreLocation } from '../../core/store.ts';

const CHROME: Readonly<Record<string, readonly string[]>> = {
  Chrome: ['chrome', 'google-chrome', 'Google Chrome'],
  Chromium: ['chromium', 'chromium-browser', 'chrome', 'Chromium'],
  ChromeOS: ['chrome'],
  Edge: ['msedge', 'Microsoft Edge'],
  Brave: ['brave', 'brave-browser', 'Brave Browser'],
  Vivaldi: ['vivaldi-bin', 'vivaldi', 'Vivaldi'],
  Opera: ['opera', 'Opera'],
  'Yandex Browser': ['yandex_browser', 'browser', 'Yandex'],
};

const MOZILLA: Readonly<Record<string, readonly string[]>> = {
  Firefox: ['firefox', 'firefox-bin', 'firefox-esr'],
  LibreWolf: ['librewolf', 'librewolf-bin'],
  Waterfox: ['waterfox', 'waterfox-bin'],
  Floorp: ['floorp', 'floorp-bin'],
  'Zen Browser': ['zen', 'zen-bin', 'zen-browser'],
  'Tor Browser': ['firefox', 'firefox.real', 'tor-browser'],
  'Mullvad Browser': ['mullvadbrowser', 'mullvadbrowser.real'],
  'Pale Moon': ['palemoon', 'palemoon-bin'],
  Basilisk: ['basilisk', 'basilisk-bin'],
  SeaMonkey: ['seamonkey', 'seamonkey-bin'],
  'GNU IceCat': ['icecat', 'icecat-bin'],
  Thunderbird: ['thunderbird', 'thunderbird-bin'],
  Betterbird: ['betterbird', 'betterbird-bin'],
};

/** Of all that share one person's NSS database. */
export const CHROME_PROGRAMS: readonly string[] = [...new Set(Object.values(CHROME).flat())];

/** By the application of a location: "Chromium (alice, profile Default)". */
export function chromeProcesses(location: StoreLocation): readonly string[] {
  return CHROME[nameOf(location)] ?? CHROME_PROGRAMS;
}

export function mozillaProcesses(location: StoreLocation): readonly string[] {
  return MOZILLA[nameOf(location)] ?? ['firefox'];
}

function nameOf({ application }: StoreLocation): string {
  return application.split(' (', 1)[0] ?? '';
}
