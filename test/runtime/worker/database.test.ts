/** D1, as workerd has it. */
import { Miniflare } from 'miniflare';
import { databaseConformance } from '../../conformance/database.ts';
import { COMPATIBILITY_DATE } from '../../registry/engines/bundle-worker.ts';

databaseConformance('D1', async (t) => {
  const miniflare = new Miniflare({
    modules: true,
    script: 'export default {}',
    compatibilityDate: COMPATIBILITY_DATE,
    d1Databases: { DB: 'conformance' },
  });
  t.after(() => miniflare.dispose());
  return miniflare.getD1Database('DB');
});
