/** The frame of the page, and what it may do: run its own script, use its own style, and nothing else. */

import { sha256 } from '../../core/certificate.ts';
import { Html, markup } from './markup.ts';
import { SCRIPT } from './script.ts';
import { STYLESHEET } from './stylesheet.ts';

interface Document {
  readonly title: string;
  readonly header: Html | undefined;
  readonly main: Html;
}

/** Everything is forbidden but what has these very hashes: no address is loaded, no attribute carries style or script. */
const POLICY = [
  "default-src 'none'",
  `style-src '${hashSource(STYLESHEET)}'`,
  `script-src '${hashSource(SCRIPT)}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** Content Security Policy Level 3, section 2.3.1. */
function hashSource(text: string): string {
  return `sha256-${Buffer.from(sha256(Buffer.from(text)), 'hex').toString('base64')}`;
}

export function htmlDocument({ title, header, main }: Document): string {
  return String(markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${Html.ofElementText(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${Html.ofElementText(STYLESHEET)}</style>
</head>
<body>
<a class="skip" href="#main">To the report</a>
<header>
<p class="brand">rootaudit</p>
${header}</header>
<main id="main" tabindex="-1">
${main}</main>
<footer>
<p>rootaudit reads trust stores and changes nothing. Severity: <em>critical</em>, somebody else can read the traffic today; <em>high</em>, compromised or thrown out for cause; <em>medium</em>, distrusted for security reasons; <em>low</em>, partly distrusted; <em>info</em>, retired.</p>
</footer>
<script>${Html.ofElementText(SCRIPT)}</script>
</body>
</html>
`);
}

const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'];

/** Of use with the script only, which shows it. */
export function toolbar(): Html {
  const boxes = SEVERITIES.map(
    (
      severity,
    ) => markup`<label><input type="checkbox" name="severity" value="${severity}" checked> ${severity}</label>
`,
  );
  return markup`<search class="tools" id="tools" hidden>
<div class="find"><label for="find">Search</label>
<input id="find" type="search" autocomplete="off" spellcheck="false" placeholder="Name, path, fingerprint …"></div>
<fieldset><legend>Severity</legend>
${boxes}</fieldset>
<button type="button" id="unfold">Open all</button>
<p id="matches" role="status"></p>
</search>
`;
}
