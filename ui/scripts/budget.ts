import { gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** All scripts of the page together, compressed as a server would. */
const SCRIPT_BYTES_MAX = 120 * 1000;

/** Prints how large the page is, and fails the build when its scripts are too large. */
export function budget(): Plugin {
  return {
    name: 'budget',
    apply: 'build',
    writeBundle(_options, bundle) {
      const size = (end: string) =>
        Object.values(bundle)
          .filter((file) => file.fileName.endsWith(end))
          .map((file) => gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 }))
          .reduce((sum, bytes) => sum + bytes.length, 0);
      const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
      if (Object.keys(bundle).some((name) => name.includes('mock'))) {
        this.error('the played party is part of the page');
      }
      const scripts = size('.js');
      const allowed = kilobytes(SCRIPT_BYTES_MAX);
      console.log(`scripts ${kilobytes(scripts)} gzip of ${allowed}, styles ${kilobytes(size('.css'))}`);
      if (scripts > SCRIPT_BYTES_MAX) {
        this.error(`the scripts are larger than ${allowed} gzip`);
      }
    },
  };
}
