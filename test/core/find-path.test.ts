import { expect, it } from 'vitest';
import { findPath } from '../../src/core/find-path.ts';
import { makeRoot } from '../support/root.ts';

it.each([
  ['/Windows/System32', '/Windows/System32'],
  ['/windows/SYSTEM32/config/software', '/Windows/System32/config/SOFTWARE'],
  ['/USERS', '/users'],
  ['/windows/other', undefined],
  ['/none/at/all', undefined],
  ['/', '/'],
])('the path %s is found as %s', (path, found) => {
  const { target } = makeRoot({ '/Windows/System32/config/SOFTWARE': '', '/users/x': '' });
  expect(findPath(target.fs, path)).toBe(found);
});

it('the exact spelling goes before another', () => {
  const { target } = makeRoot({ '/a/X': '', '/A/x': '' });
  expect(findPath(target.fs, '/A/x')).toBe('/A/x');
});
