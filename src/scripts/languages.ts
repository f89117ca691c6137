/** What scripts can be written in. */

export const SCRIPT_LANGUAGES = ['sh', 'powershell', 'cmd', 'ansible', 'dockerfile'] as const;

export type ScriptLanguage = (typeof SCRIPT_LANGUAGES)[number];
