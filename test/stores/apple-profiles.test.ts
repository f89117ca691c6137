import { describe, expect, it } from 'vitest';
import { store } from '../../src/stores/apple-profiles.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { payload, plist, profile } from '../support/apple.ts';
import { makeCertificate } from '../support/certificates.ts';
import { makeRoot, outline } from '../support/root.ts';
import type { Node } from '../support/tree.ts';

const root = makeCertificate({ subject: { CN: 'Root' } });
const other = makeCertificate({ subject: { CN: 'Other' } });

const MAC = '/private/var/db/ConfigurationProfiles';
const IOS =
  '/private/var/containers/Shared/SystemGroup/systemgroup.com.apple.configurationprofiles/Library/ConfigurationProfiles';
const rootPayload = payload('root', root.der, { PayloadDisplayName: 'R' });
const wifi = { PayloadType: 'com.apple.wifi.managed', PayloadCertificateAnchorUUID: ['U'] };

function contents(files: Readonly<Record<string, Node>>): ReturnType<typeof readWhole>[] {
  const { target } = makeRoot({ '/private/var/mobile/': '', ...files });
  return store.locate(target).map((location) => readWhole(store, target, location, { storePasswords: [] }));
}

describe('installed configuration profiles', () => {
  it('trust their root payloads on a Mac; other certificates are only kept', () => {
    const [content] = contents({
      [`${MAC}/Store/one.plist`]: profile([rootPayload, payload('pem', Buffer.from(other.pem))], {
        removalDisallowed: true,
      }),
      [`${MAC}/Settings/.profilesAreInstalled`]: '',
      [`${MAC}/Settings/notes.txt`]: 'x',
    });
    expect(content && outline(content)).toEqual([
      'R (profile org.example.profile, removal not allowed) = trusted',
      '(no name) (profile org.example.profile, removal not allowed) = present',
    ]);
    expect(content?.problems).toEqual([]);
  });

  it('trust for the networks that name a certificate', () => {
    const [content] = contents({
      [`${MAC}/Store/one.plist`]: profile([payload('pkcs1', root.der, { PayloadUUID: 'U' }), wifi]),
    });
    expect(
      content?.anchors.map(({ trust }) => `${trust.purposes.serverAuth} ${trust.purposes.emailProtection}`),
    ).toEqual(['trusted neutral']);
  });

  it('on an iPhone are trusted where they are switched on only', () => {
    const [content] = contents({ [`${IOS}/profile-1.stub`]: profile([rootPayload]) });
    expect(content && outline(content)).toEqual(['R (profile org.example.profile) = present']);
  });

  it('that cannot be read are problems', () => {
    const [content] = contents({
      [`${MAC}/Store/a.plist`]: 'x',
      [`${MAC}/Store/b.plist`]: plist({ EncryptedPayloadContent: Buffer.of(1) }),
    });
    expect(content?.problems.map(({ code, path }) => `${code} ${path}`)).toEqual([
      `malformed ${MAC}/Store/a.plist`,
      `unsupported ${MAC}/Store/b.plist`,
    ]);
  });

  it('are removed by a person', () => {
    const { target } = makeRoot({
      [`${MAC}/Store/one.plist`]: profile([rootPayload]),
      '/Library/Keychains/': '',
    });
    const [location] = store.locate(target);
    const { anchors } = location
      ? readWhole(store, target, location, { storePasswords: [] })
      : { anchors: [] };
    expect(location && store.planRemoval(target, location, anchors)).toMatchObject({
      disposition: 'manual',
      note: expect.stringContaining('R (profile org.example.profile)') as unknown,
    });
  });
});
