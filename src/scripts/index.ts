/** Scripts that do what a plan says, with nothing but what the platform has. Each language is loaded when asked for. */

import { RootauditError } from '../core/errors.ts';
import type { RemovalPlan } from '../report/removal-plan.ts';
import type { ScriptLanguage } from './languages.ts';
import { prepare, type Script, type ScriptInput } from './script.ts';

interface Language {
  /** Why it cannot be had for this plan. */
  readonly refuse: (plan: RemovalPlan) => string | undefined;
  /** Throws RootauditError for what the language cannot express. */
  readonly write: (script: Script, input: ScriptInput) => string;
}

const LANGUAGES: Readonly<Record<ScriptLanguage, () => Promise<Language>>> = {
  sh: async () => {
    const { refuseSh, shScript } = await import('./sh.ts');
    return { refuse: refuseSh, write: shScript };
  },
  powershell: async () => {
    const { powerShellScript, refuseWindows } = await import('./powershell.ts');
    return { refuse: refuseWindows, write: powerShellScript };
  },
  cmd: async () => {
    const [{ cmdScript }, { refuseWindows }] = await Promise.all([
      import('./cmd.ts'),
      import('./powershell.ts'),
    ]);
    return { refuse: refuseWindows, write: cmdScript };
  },
  ansible: async () => {
    const { ansiblePlaybook, refuseAnsible } = await import('./ansible.ts');
    return { refuse: refuseAnsible, write: ansiblePlaybook };
  },
  dockerfile: async () => {
    const { dockerfile, refuseDockerfile } = await import('./dockerfile.ts');
    return { refuse: refuseDockerfile, write: dockerfile };
  },
};

/** Throws RootauditError where the plan cannot be written in this language. */
export async function writeScript(language: ScriptLanguage, input: ScriptInput): Promise<string> {
  const { refuse, write } = await LANGUAGES[language]();
  const reason = refuse(input.plan);
  if (reason !== undefined) throw new RootauditError(`no ${language} script can be written for this`, reason);
  return write(prepare(input), input);
}
