/** Firefox and the browsers made from it, with the places of their profiles. */

import { locateProfiles, type MozillaProgram } from './mozilla-profiles.ts';
import { oncePerTarget } from './once.ts';

const MAC = 'Library/Application Support';
const WINDOWS = 'AppData/Roaming';
/** Where people unpack portable programs. */
const UNPACKED = [
  '',
  'Desktop/',
  'Downloads/',
  'Applications/',
  'bin/',
  'opt/',
  '.local/share/',
  '.local/opt/',
];

const unpacked = (...paths: readonly string[]): readonly string[] =>
  UNPACKED.flatMap((directory) => paths.map((path) => `${directory}${path}`));

const PROGRAMS: readonly MozillaProgram[] = [
  {
    name: 'Firefox',
    bases: [
      '.mozilla/firefox',
      '.mozilla/firefox-esr',
      '.config/mozilla/firefox',
      'snap/firefox/common/.mozilla/firefox',
      'snap/firefox/common/.config/mozilla/firefox',
      'snap/firefox/current/.mozilla/firefox',
      '.var/app/org.mozilla.firefox/.mozilla/firefox',
      '.var/app/org.mozilla.firefox/config/mozilla/firefox',
      `${MAC}/Firefox`,
      `${WINDOWS}/Mozilla/Firefox`,
      'AppData/Local/Packages/Mozilla.Firefox_*/LocalCache/Roaming/Mozilla/Firefox',
      ...unpacked('FirefoxPortable*/Data/profile'),
    ],
  },
  {
    name: 'LibreWolf',
    bases: [
      '.librewolf',
      '.config/librewolf/librewolf',
      '.var/app/io.gitlab.librewolf-community/.librewolf',
      '.var/app/io.gitlab.librewolf-community/config/librewolf/librewolf',
      `${MAC}/LibreWolf`,
      `${MAC}/librewolf`,
      `${WINDOWS}/librewolf`,
      ...unpacked('LibreWolf*/Profiles'),
    ],
  },
  {
    name: 'Waterfox',
    bases: [
      '.waterfox',
      '.config/waterfox/waterfox',
      '.var/app/net.waterfox.waterfox/.waterfox',
      `${MAC}/Waterfox`,
      `${WINDOWS}/Waterfox`,
    ],
  },
  {
    name: 'Floorp',
    bases: [
      '.floorp',
      '.config/floorp/floorp',
      '.var/app/one.ablaze.floorp/.floorp',
      `${MAC}/Floorp`,
      `${WINDOWS}/Floorp`,
    ],
  },
  {
    name: 'Zen Browser',
    bases: [
      '.zen',
      '.config/zen',
      '.var/app/app.zen_browser.zen/.zen',
      '.var/app/io.github.zen_browser.zen/.zen',
      `${MAC}/zen`,
      `${WINDOWS}/zen`,
    ],
  },
  {
    name: 'Tor Browser',
    bases: [
      ...unpacked(
        'tor-browser*/Browser/TorBrowser/Data/Browser',
        'Tor Browser*/Browser/TorBrowser/Data/Browser',
        'torbrowser/tbb/*/tor-browser*/Browser/TorBrowser/Data/Browser',
      ),
      '.tor-browser/app/Browser/TorBrowser/Data/Browser',
      '.tb/tor-browser*/Browser/TorBrowser/Data/Browser',
      '.var/app/*/data/torbrowser/tbb/*/tor-browser*/Browser/TorBrowser/Data/Browser',
      `${MAC}/TorBrowser-Data/Browser`,
    ],
  },
  {
    name: 'Mullvad Browser',
    bases: [
      ...unpacked(
        'mullvad-browser*/Browser/TorBrowser/Data/Browser',
        'mullvad-browser*/Browser/Data',
        'Mullvad Browser*/Browser/TorBrowser/Data/Browser',
        'Mullvad Browser*/Browser/Data',
      ),
      '.mullvad/mullvadbrowser',
      '.var/app/net.mullvad.MullvadBrowser/.mullvad/mullvadbrowser',
      `${MAC}/MullvadBrowser-Data/Browser`,
      `${WINDOWS}/Mullvad/MullvadBrowser`,
    ],
  },
  {
    name: 'Pale Moon',
    bases: [
      '.moonchild productions/pale moon',
      `${MAC}/Pale Moon`,
      `${WINDOWS}/Moonchild Productions/Pale Moon`,
    ],
  },
  {
    name: 'Basilisk',
    bases: ['.basilisk-dev/basilisk', `${MAC}/Basilisk`, `${WINDOWS}/Basilisk-Dev/Basilisk`],
  },
  { name: 'SeaMonkey', bases: ['.mozilla/seamonkey', `${MAC}/SeaMonkey`, `${WINDOWS}/Mozilla/SeaMonkey`] },
  {
    name: 'GNU IceCat',
    bases: ['.mozilla/icecat', '.var/app/org.gnu.icecat/.mozilla/icecat', `${WINDOWS}/Mozilla/icecat`],
  },
];

export const firefoxProfiles = oncePerTarget((target) => locateProfiles(target, PROGRAMS));
