/** For which machines an image is made, as the OCI image specification names them: "linux/amd64", "linux/arm64/v8". */

import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';

export interface ImagePlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export function platformText({ os, architecture, variant }: ImagePlatform): string {
  return `${os}/${architecture}${variant === undefined || variant === '' ? '' : `/${variant}`}`;
}

const PART = /^[A-Za-z0-9_.-]{1,64}$/;

/** What `--platform` takes: `os/arch[/variant]`. Throws RootauditError for anything else. */
export function parsePlatform(text: string): ImagePlatform {
  const [os, architecture, variant, ...rest] = text.split('/');
  const parts = variant === undefined ? [os, architecture] : [os, architecture, variant];
  if (os === undefined || architecture === undefined || rest.length > 0 || !parts.every(isPart)) {
    throw new RootauditError(
      `${visible(text, 100)} is no platform`,
      'Write it as linux/amd64 or linux/arm64/v8, or as all.',
    );
  }
  return { os, architecture, ...(variant !== undefined && { variant }) };
}

function isPart(text: string | undefined): boolean {
  return text !== undefined && PART.test(text);
}

/** Other names of the same: those of `uname -m`. */
const ALIASES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  i386: '386',
  i686: '386',
  armhf: 'arm',
};
/** What a missing variant means. */
const DEFAULT_VARIANTS: Readonly<Record<string, string>> = { amd64: 'v1', arm64: 'v8', arm: 'v7' };

function normal({ os, architecture, variant }: ImagePlatform): Required<ImagePlatform> {
  const name = architecture.toLowerCase();
  const known = ALIASES[name] ?? name;
  return { os: os.toLowerCase(), architecture: known, variant: variant ?? DEFAULT_VARIANTS[known] ?? '' };
}

const NODE_ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: 'ppc64le',
};

/** What this machine runs containers of. On a Mac and on Windows they run in a Linux of their own. */
export function hostPlatform(architecture: string = process.arch): ImagePlatform {
  return { os: 'linux', architecture: NODE_ARCHITECTURES[architecture] ?? architecture };
}

const FALLBACK: ImagePlatform = { os: 'linux', architecture: 'amd64' };

/**
 * Those of `images` that are to be looked at: all that are made for the platform that was asked for (`all` gives
 * every one), or for this machine, or else for linux/amd64, or else like the first. Empty when what was asked for is
 * not among them. One without a platform fits when nothing was asked for and no other does.
 */
export function choosePlatform<Image extends { readonly platform?: ImagePlatform | undefined }>(
  images: readonly Image[],
  wanted: string | undefined,
  host: ImagePlatform = hostPlatform(),
): readonly Image[] {
  if (wanted === 'all') return images;
  if (wanted !== undefined) return fitting(images, parsePlatform(wanted));
  for (const platform of [host, FALLBACK]) {
    const fits = fitting(images, platform);
    if (fits.length > 0) return fits;
  }
  const first = images[0]?.platform;
  return first ? fitting(images, first) : images.filter(({ platform }) => !platform);
}

function fitting<Image extends { readonly platform?: ImagePlatform | undefined }>(
  images: readonly Image[],
  wanted: ImagePlatform,
): readonly Image[] {
  const { os, architecture, variant } = normal(wanted);
  const same = images.filter(({ platform }) => {
    if (!platform) return false;
    const each = normal(platform);
    return each.os === os && each.architecture === architecture;
  });
  const exact = same.filter(({ platform }) => platform && normal(platform).variant === variant);
  if (exact.length > 0 || wanted.variant !== undefined) return exact;
  // Any variant will do when none was asked for, but one only.
  const [first] = same;
  const firstVariant = first?.platform && normal(first.platform).variant;
  return same.filter(({ platform }) => platform && normal(platform).variant === firstVariant);
}
