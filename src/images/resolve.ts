/** From an index to the images that are to be looked at: one for each name, of the platform that was asked for. */

import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';
import {
  imageName,
  isAttestation,
  isImage,
  parseConfig,
  parseImageDocument,
  type Descriptor,
  type ImageConfig,
  type ImageManifest,
} from './manifest.ts';
import { choosePlatform, platformText, type ImagePlatform } from './platform.ts';

export interface ResolvedImage {
  readonly name?: string;
  /** Of the manifest. */
  readonly digest: string;
  readonly platform?: ImagePlatform;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  readonly notes: readonly string[];
}

export interface ResolveInput {
  /** "oci:app", for messages. */
  readonly what: string;
  readonly roots: readonly Descriptor[];
  /** `os/arch[/variant]`, or `all`. */
  readonly platform?: string | undefined;
  /** Only the image of this name. */
  readonly name?: string | undefined;
  /** The bytes of a document, size and digest checked; undefined when it is not there. */
  read(descriptor: Descriptor, what: string): Promise<Uint8Array | undefined>;
}

const MAX_DEPTH = 4;
/** Documents that are read: an index can name others many times over. */
const MAX_DOCUMENTS = 10_000;

interface Candidate {
  readonly name: string | undefined;
  readonly descriptor: Descriptor;
  readonly platform: ImagePlatform | undefined;
}

interface Loaded extends Candidate {
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
}

export async function resolveImages(input: ResolveInput): Promise<readonly ResolvedImage[]> {
  return new Resolver(input).resolve();
}

class Resolver {
  readonly #input: ResolveInput;
  readonly #notes: string[] = [];
  readonly #seen = new Set<string>();
  readonly #loaded = new Map<string, Loaded>();
  #documents = 0;

  constructor(input: ResolveInput) {
    this.#input = input;
  }

  async resolve(): Promise<readonly ResolvedImage[]> {
    const { what, name } = this.#input;
    const candidates: Candidate[] = [];
    for (const root of this.#input.roots) await this.#collect(root, undefined, 0, candidates);
    const groups = groupByName(candidates);
    const wanted = name === undefined ? groups : chooseName(groups, name, what);
    const images: Loaded[] = [];
    for (const [groupName, group] of wanted) images.push(...(await this.#choose(groupName, group)));
    if (images.length === 0) this.#failNothing(candidates);
    return this.#merge(images);
  }

  /** Without a wish of the user, what is missing is no choice. */
  async #choose(name: string | undefined, group: readonly Candidate[]): Promise<readonly Loaded[]> {
    const { what, platform } = this.#input;
    const fits = choosePlatform(group, platform);
    if (fits.length === 0 && group.length > 0) {
      this.#notes.push(
        `${named(name, what)} is not made for ${visible(platform ?? 'a known platform', 100)}`,
      );
    }
    const images: Loaded[] = [];
    const missing = new Set<Candidate>();
    for (const candidate of fits) {
      const image = await this.#load(candidate);
      if (image === 'missing') missing.add(candidate);
      else if (image) images.push({ ...image, ...candidate });
    }
    if (images.length > 0 || missing.size === 0 || platform !== undefined) return images;
    return this.#choose(
      name,
      group.filter((candidate) => !missing.has(candidate)),
    );
  }

  /** Gathers the manifests below a descriptor, indexes within indexes. */
  async #collect(
    descriptor: Descriptor,
    parentName: string | undefined,
    depth: number,
    into: Candidate[],
  ): Promise<void> {
    if (isAttestation(descriptor)) return;
    const name = parentName ?? imageName(descriptor);
    const key = `${descriptor.digest} ${name ?? ''}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const { platform } = descriptor;
    // What is certain to be a manifest need not be read to be left out.
    if (platform && /\.manifest\.(?:v1|v2)\+json$/.test(descriptor.mediaType)) {
      into.push({ name, descriptor, platform });
      return;
    }
    const bytes = await this.#read(descriptor);
    if (!bytes) return this.#missing(descriptor);
    const document = parseImageDocument(bytes, this.#documentName(descriptor));
    if (document.kind === 'index') {
      if (depth >= MAX_DEPTH) {
        throw new RootauditError(`${this.#input.what}: an index within more than ${MAX_DEPTH} others`);
      }
      for (const child of document.manifests) await this.#collect(child, name, depth + 1, into);
      return;
    }
    const loaded = await this.#loadManifest({ name, descriptor, platform }, document.manifest);
    if (loaded) into.push({ name, descriptor, platform: platform ?? loaded.config.platform });
  }

  async #load(candidate: Candidate): Promise<Loaded | 'missing' | undefined> {
    const { descriptor } = candidate;
    const known = this.#loaded.get(descriptor.digest);
    if (known) return known;
    const bytes = await this.#read(descriptor);
    if (!bytes) {
      this.#missing(descriptor);
      return 'missing';
    }
    const document = parseImageDocument(bytes, this.#documentName(descriptor));
    if (document.kind === 'index') {
      throw new RootauditError(`${this.#documentName(descriptor)} is an index, and should be a manifest`);
    }
    return this.#loadManifest(candidate, document.manifest);
  }

  async #loadManifest(candidate: Candidate, manifest: ImageManifest): Promise<Loaded | undefined> {
    const { what } = this.#input;
    const { digest } = candidate.descriptor;
    if (!isImage(manifest)) {
      const type = visible(manifest.config.mediaType, 100);
      this.#notes.push(`${what}: ${digest} is no container image but of type ${type}: left out`);
      return undefined;
    }
    const configName = `the configuration of ${named(candidate.name, what)}`;
    const bytes = await this.#read(manifest.config, configName);
    if (!bytes) throw new RootauditError(`${configName}, ${manifest.config.digest}, is missing`);
    const config = parseConfig(bytes, configName, manifest.layers.length);
    const loaded = { ...candidate, manifest, config };
    this.#loaded.set(digest, loaded);
    return loaded;
  }

  async #read(
    descriptor: Descriptor,
    what = this.#documentName(descriptor),
  ): Promise<Uint8Array | undefined> {
    if (++this.#documents > MAX_DOCUMENTS) {
      throw new RootauditError(`${this.#input.what} has more than ${MAX_DOCUMENTS} manifests`);
    }
    return this.#input.read(descriptor, what);
  }

  #documentName({ digest }: Descriptor): string {
    return `the manifest ${digest} of ${this.#input.what}`;
  }

  /** An image for several platforms may be there for some of them only. */
  #missing({ digest, platform }: Descriptor): void {
    const { what, platform: wanted } = this.#input;
    const made = platform ? ` (${platformText(platform)})` : '';
    const text = `${what}: the manifest ${digest}${made} is missing`;
    if (wanted !== undefined && wanted !== 'all') throw new RootauditError(text);
    this.#notes.push(`${text}: this image was not looked at`);
  }

  #failNothing(candidates: readonly Candidate[]): never {
    const { what, platform } = this.#input;
    const platforms = new Set(candidates.map((each) => each.platform && platformText(each.platform)));
    const list = [...platforms].filter((each) => each !== undefined).slice(0, 20);
    if (list.length > 0 && platform !== undefined && platform !== 'all') {
      throw new RootauditError(
        `${what} has no image for ${visible(platform, 100)}`,
        `It has ${visible(list.join(', '))}.`,
      );
    }
    throw new RootauditError(`${what} has no image in it`, this.#notes[0]);
  }

  /** The same image under several names is one. */
  #merge(images: readonly Loaded[]): readonly ResolvedImage[] {
    const byDigest = new Map<string, [Loaded, ...Loaded[]]>();
    for (const image of images) {
      const same = byDigest.get(image.descriptor.digest);
      if (same) same.push(image);
      else byDigest.set(image.descriptor.digest, [image]);
    }
    return Array.from(byDigest, ([digest, same]) => this.#resolved(digest, same));
  }

  #resolved(digest: string, same: readonly [Loaded, ...Loaded[]]): ResolvedImage {
    const [image] = same;
    const [name, ...others] = new Set(same.map((each) => each.name).filter((each) => each !== undefined));
    const platform = image.platform ?? image.config.platform;
    return {
      digest,
      manifest: image.manifest,
      config: image.config,
      notes: [...this.#notes, ...otherNames(others)],
      ...(name !== undefined && { name }),
      ...(platform && { platform }),
    };
  }
}

/** For the notes of an image. */
export function otherNames(names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [`this image is also named ${names.slice(0, 20).join(', ')}`];
}

function named(name: string | undefined, what: string): string {
  return name === undefined ? what : `${what} (${visible(name, 200)})`;
}

type Groups = ReadonlyMap<string | undefined, readonly Candidate[]>;

function groupByName(candidates: readonly Candidate[]): Groups {
  const groups = new Map<string | undefined, Candidate[]>();
  for (const candidate of candidates) {
    const group = groups.get(candidate.name);
    if (group) group.push(candidate);
    else groups.set(candidate.name, [candidate]);
  }
  return groups;
}

function chooseName(groups: Groups, wanted: string, what: string): Groups {
  const names = [...groups.keys()].filter((name) => name !== undefined);
  const found = findName(names, wanted);
  if (found === undefined) throw noSuchName(what, wanted, names);
  return new Map([[found, groups.get(found) ?? []]]);
}

/** A name as it is, or the tag of a full one. */
export function findName(names: readonly string[], wanted: string): string | undefined {
  return (
    names.find((name) => name === wanted) ??
    names.find((name) => name === `${wanted}:latest` || name.endsWith(`/${wanted}`)) ??
    names.find((name) => name.slice(name.lastIndexOf(':') + 1) === wanted)
  );
}

export function noSuchName(what: string, wanted: string, names: readonly string[]): RootauditError {
  const list = names.slice(0, 20).join(', ');
  return new RootauditError(
    `${what} has no image named ${visible(wanted, 200)}`,
    names.length > 0 ? `It has ${visible(list)}.` : 'Its images have no names.',
  );
}
