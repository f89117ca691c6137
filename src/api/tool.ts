/** Who says so: the name and version that every report carries. */

import packageJson from '../../package.json' with { type: 'json' };

export const TOOL = { name: packageJson.name, version: packageJson.version } as const;
