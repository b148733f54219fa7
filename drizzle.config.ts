/** `drizzle-kit generate` writes migrations/; then `node runtime/node/embed-migrations.ts` embeds them. */
import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'sqlite',
  schema: './src/registry/store/schema.ts',
  out: './migrations',
});
