/** Runes everywhere; markup is built node by node, so the bundle never parses HTML. */
export default {
  compilerOptions: { runes: true, fragments: 'tree' },
};
