/**
 * Certificates that people added in the certificate manager of Chrome and its relatives (chrome://certificate-manager,
 * from version 134 on): one database in each profile.
 */

import { posix } from 'node:path';
import type { StoreLocation, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import {
  planServerCertificateRemoval,
  readServerCertificates,
  SERVER_CERTIFICATE,
} from './shared/chrome-certificates.ts';
import {
  CHROME_PLATFORMS,
  profileFiles,
  userDataDirectories,
  type UserDataDirectory,
} from './shared/chrome-places.ts';
import { uniqueDirectories } from './shared/directories.ts';

export const store: StoreType = {
  id: 'chrome-user',
  title:
    'Certificates added in the certificate manager of Chrome, Chromium, Edge, Brave, Opera, Vivaldi, Yandex',
  platforms: CHROME_PLATFORMS,
  locate: (target) =>
    uniqueDirectories(
      target,
      userDataDirectories(target).flatMap((directory) => locationsIn(target, directory)),
    ),
  read: (target, { path }) => [readServerCertificates(target, path)],
  planRemoval: (target, location, anchors) => {
    const [browser = 'the browser'] = location.application.split(' (');
    return planServerCertificateRemoval(target, location, anchors, browser);
  },
};

function locationsIn(target: Target, directory: UserDataDirectory): StoreLocation[] {
  const { browser, user } = directory;
  return profileFiles(target, directory, SERVER_CERTIFICATE).map((path) => ({
    path,
    application: `${browser} (${user}, profile ${posix.basename(posix.dirname(path))})`,
    scope: 'user',
    user,
    format: 'Chrome certificate database',
  }));
}
