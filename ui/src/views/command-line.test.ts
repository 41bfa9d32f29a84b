import { describe, expect, it } from 'vitest';
import { commandLine } from './command-line.ts';

describe('a command line', () => {
  const cases: [string, string[], string][] = [
    ['/games/oa', [], '/games/oa'],
    ['/games/oa', ['+name', 'Ann B'], '/games/oa +name "Ann B"'],
    ['/a b/c', ['', 'x"y'], '"/a b/c" "" "x\\"y"'],
    ['C:\\g\\a.exe', ['--n=1'], 'C:\\g\\a.exe --n=1'],
    ['/a', ['$(x)', ';', '\u202e'], '/a "$(x)" ";" "\u202e"'],
  ];
  for (const [path, words, expected] of cases) {
    it(expected, () => expect(commandLine({ path, arguments: words, folder: '/' })).toBe(expected));
  }
});
