/**
 * What `docker save`, `podman save` and `skopeo copy … docker-archive:` write: a manifest.json that names configurations
 * and layers by their paths in the archive, which may be links to others.
 */

import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';
import type { ArchiveMembers } from './archive-members.ts';
import { sha256 } from './digest.ts';
import { imageReference, type Finding } from './finding.ts';
import type { ImageSource, LayerSource } from './image-source.ts';
import { layerContent } from './layer-source.ts';
import { parseConfig, parseDockerManifest, type DockerImage, type ImageConfig } from './manifest.ts';
import { choosePlatform, platformText, type ImagePlatform } from './platform.ts';
import { findName, noSuchName, otherNames } from './resolve.ts';

interface Candidate {
  readonly image: DockerImage;
  readonly config: ImageConfig;
  /** Of the configuration: the id of the image. */
  readonly id: string;
  readonly platform: ImagePlatform | undefined;
}

/** Undefined when it has no image for the platform that was asked for. */
export function dockerImages(
  members: ArchiveMembers,
  finding: Finding,
): readonly (() => ImageSource)[] | undefined {
  const { what, options } = finding;
  const bytes = members.document('manifest.json');
  if (!bytes) throw new RootauditError(`${what} has no manifest.json`);
  const all = parseDockerManifest(bytes, `manifest.json of ${what}`);
  const named = finding.name === undefined ? all : chooseName(all, finding.name, what);
  const candidates = named.map((image) => candidate(members, image, what));
  const wanted = options.platform === undefined ? candidates : choosePlatform(candidates, options.platform);
  if (wanted.length === 0) {
    if (candidates.length > 0) return undefined;
    throw new RootauditError(`${what} has no image in it`);
  }
  return wanted.map((each) => () => imageSource(members, each, finding));
}

/** "linux/amd64, linux/arm64" */
export function dockerPlatforms(members: ArchiveMembers, what: string): string {
  const bytes = members.document('manifest.json');
  const images = bytes ? parseDockerManifest(bytes, `manifest.json of ${what}`) : [];
  const platforms = images.map((image) => candidate(members, image, what).platform);
  return [...new Set(platforms.map((each) => (each ? platformText(each) : 'an image of no platform')))].join(
    ', ',
  );
}

function chooseName(images: readonly DockerImage[], wanted: string, what: string): readonly DockerImage[] {
  const index = /^@(\d{1,6})$/.exec(wanted)?.[1];
  const names = images.flatMap(({ tags }) => tags);
  const name = findName(names, wanted);
  const found = images.filter(({ tags }, at) =>
    index === undefined ? name !== undefined && tags.includes(name) : at === Number(index),
  );
  if (found.length === 0) throw noSuchName(what, wanted, names);
  return found;
}

function candidate(members: ArchiveMembers, image: DockerImage, what: string): Candidate {
  const name = `the configuration ${visible(image.config, 200)} of ${what}`;
  const bytes = members.document(image.config);
  if (!bytes) throw new RootauditError(`${name} is missing`);
  const config = parseConfig(bytes, name, image.layers.length);
  return { image, config, id: sha256(bytes), platform: config.platform };
}

function imageSource(
  members: ArchiveMembers,
  { image, config, id }: Candidate,
  finding: Finding,
): ImageSource {
  const [name, ...others] = image.tags;
  const layers = image.layers.map((path, index) => layerSource(members, path, index, config, finding));
  const release = finding.hold();
  return {
    reference: imageReference(finding, name, undefined),
    ...(name !== undefined && { name }),
    digest: id,
    ...(config.platform && { platform: platformText(config.platform) }),
    environment: config.environment,
    layers,
    notes: [...otherNames(others), ...unverified(layers, finding)],
    close: () => Promise.resolve(release()),
  };
}

function unverified(layers: readonly LayerSource[], { options }: Finding): readonly string[] {
  const isUnnamed = layers.some(({ digest }) => digest === '');
  return options.verify && isUnnamed
    ? ['its layers have no digests, so that they could not be verified']
    : [];
}

function layerSource(
  members: ArchiveMembers,
  path: string,
  index: number,
  config: ImageConfig,
  { what, options: { verify, cache } }: Finding,
): LayerSource {
  const name = `layer ${index + 1} of ${what} (${visible(path, 200)})`;
  const source = members.find(path);
  if (!source) throw new RootauditError(`${name} is missing`, 'Save the image again.');
  const createdBy = config.createdBy[index];
  const plainDigest = config.diffIds[index];
  const [, hex] = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(path) ?? [];
  const digest = hex === undefined ? undefined : `sha256:${hex}`;
  return {
    digest: digest ?? plainDigest ?? '',
    ...(createdBy !== undefined && { createdBy }),
    content: layerContent(source, { what: name, digest, plainDigest, verify, cache }),
  };
}
