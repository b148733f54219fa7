/** Written by runtime/node/embed-migrations.ts from migrations/: do not edit. */
import type { Migration } from './migrate.ts';

export const MIGRATIONS: readonly Migration[] = [
  {
    name: '0000_init.sql',
    sql: `CREATE TABLE \`addresses\` (
	\`network_id\` integer NOT NULL,
	\`address\` text NOT NULL,
	\`host_id\` text NOT NULL,
	\`released_at\` integer,
	PRIMARY KEY(\`network_id\`, \`address\`),
	FOREIGN KEY (\`network_id\`) REFERENCES \`networks\`(\`id\`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (\`host_id\`) REFERENCES \`hosts\`(\`id\`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE \`audit\` (
	\`id\` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	\`at\` integer NOT NULL,
	\`network\` text NOT NULL,
	\`actor\` text NOT NULL,
	\`action\` text NOT NULL,
	\`target\` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE \`credentials\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`hash\` text NOT NULL,
	\`role\` text NOT NULL,
	\`host_id\` text,
	\`created_at\` integer NOT NULL,
	FOREIGN KEY (\`host_id\`) REFERENCES \`hosts\`(\`id\`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX \`credentials_host\` ON \`credentials\` (\`host_id\`);--> statement-breakpoint
CREATE TABLE \`hosts\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`network_id\` integer NOT NULL,
	\`name\` text NOT NULL,
	\`public_key\` text NOT NULL,
	\`addresses\` text NOT NULL,
	\`routes\` text NOT NULL,
	\`listen_port\` integer NOT NULL,
	\`endpoint\` text,
	\`observed_endpoint\` text,
	\`observed_at\` integer,
	\`version\` integer NOT NULL,
	\`created_at\` integer NOT NULL,
	\`deleted_at\` integer,
	FOREIGN KEY (\`network_id\`) REFERENCES \`networks\`(\`id\`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX \`hosts_name\` ON \`hosts\` (\`network_id\`,\`name\`) WHERE deleted_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX \`hosts_public_key\` ON \`hosts\` (\`network_id\`,\`public_key\`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX \`hosts_version\` ON \`hosts\` (\`network_id\`,\`version\`);--> statement-breakpoint
CREATE TABLE \`networks\` (
	\`id\` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	\`name\` text NOT NULL,
	\`suffix\` text NOT NULL,
	\`ranges\` text NOT NULL,
	\`listen_port\` integer NOT NULL,
	\`version\` integer DEFAULT 1 NOT NULL,
	\`created_at\` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX \`networks_name_unique\` ON \`networks\` (\`name\`);--> statement-breakpoint
CREATE TABLE \`tokens\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`hash\` text NOT NULL,
	\`network_id\` integer NOT NULL,
	\`remaining\` integer NOT NULL,
	\`host_name\` text,
	\`routes\` text NOT NULL,
	\`created_at\` integer NOT NULL,
	\`expires_at\` integer NOT NULL,
	\`revoked_at\` integer,
	FOREIGN KEY (\`network_id\`) REFERENCES \`networks\`(\`id\`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "tokens_remaining" CHECK("tokens"."remaining" >= 0)
);
--> statement-breakpoint
CREATE INDEX \`tokens_network\` ON \`tokens\` (\`network_id\`);`,
  },
  {
    name: '0001_life_cycle.sql',
    sql: `CREATE TABLE \`requests\` (
	\`caller\` text NOT NULL,
	\`key_hash\` text NOT NULL,
	\`request_hash\` text NOT NULL,
	\`status\` integer,
	\`answer\` text,
	\`created_at\` integer NOT NULL,
	PRIMARY KEY(\`caller\`, \`key_hash\`)
);
--> statement-breakpoint
CREATE INDEX \`requests_created\` ON \`requests\` (\`created_at\`);--> statement-breakpoint
ALTER TABLE \`audit\` ADD \`detail\` text;--> statement-breakpoint
ALTER TABLE \`audit\` ADD \`request_id\` text;--> statement-breakpoint
CREATE INDEX \`audit_network\` ON \`audit\` (\`network\`,\`id\`);--> statement-breakpoint
ALTER TABLE \`credentials\` ADD \`revoked_at\` integer;--> statement-breakpoint
ALTER TABLE \`hosts\` ADD \`tags\` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE \`hosts\` ADD \`ephemeral\` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE \`hosts\` ADD \`seen_at\` integer;--> statement-breakpoint
ALTER TABLE \`hosts\` ADD \`lifetime_seconds\` integer;--> statement-breakpoint
ALTER TABLE \`hosts\` ADD \`expires_at\` integer;--> statement-breakpoint
ALTER TABLE \`hosts\` ADD \`lapsed_at\` integer;--> statement-breakpoint
ALTER TABLE \`hosts\` ADD \`next_public_key\` text;--> statement-breakpoint
ALTER TABLE \`hosts\` ADD \`successor_id\` text;--> statement-breakpoint
ALTER TABLE \`hosts\` ADD \`view_version\` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE \`hosts\` ADD \`requested_routes\` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE \`hosts\` ADD \`exit_host_id\` text;--> statement-breakpoint
ALTER TABLE \`hosts\` ADD \`other_endpoint\` text;--> statement-breakpoint
ALTER TABLE \`hosts\` ADD \`other_observed_at\` integer;--> statement-breakpoint
CREATE UNIQUE INDEX \`hosts_next_public_key\` ON \`hosts\` (\`network_id\`,\`next_public_key\`) WHERE deleted_at is null;--> statement-breakpoint
ALTER TABLE \`networks\` ADD \`revision\` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE \`networks\` ADD \`rules\` text;--> statement-breakpoint
ALTER TABLE \`networks\` ADD \`quarantine_seconds\` integer DEFAULT 604800 NOT NULL;--> statement-breakpoint
ALTER TABLE \`networks\` ADD \`host_lifetime_seconds\` integer;--> statement-breakpoint
ALTER TABLE \`networks\` ADD \`grace_seconds\` integer DEFAULT 604800 NOT NULL;--> statement-breakpoint
ALTER TABLE \`networks\` ADD \`silence_seconds\` integer DEFAULT 3600 NOT NULL;--> statement-breakpoint
ALTER TABLE \`networks\` ADD \`next_due_at\` integer;--> statement-breakpoint
ALTER TABLE \`tokens\` ADD \`name_pattern\` text;--> statement-breakpoint
ALTER TABLE \`tokens\` ADD \`tags\` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE \`tokens\` ADD \`ephemeral\` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE \`tokens\` ADD \`host_lifetime_seconds\` integer;`,
  },
  {
    name: '0002_view_versions.sql',
    sql: `CREATE TABLE \`tag_versions\` (
	\`network_id\` integer NOT NULL,
	\`tags\` text NOT NULL,
	\`version\` integer NOT NULL,
	PRIMARY KEY(\`network_id\`, \`tags\`),
	FOREIGN KEY (\`network_id\`) REFERENCES \`networks\`(\`id\`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
ALTER TABLE \`networks\` ADD \`shared_version\` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE \`networks\` ADD \`forgotten_version\` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
UPDATE \`networks\` SET \`shared_version\` = \`version\`;--> statement-breakpoint
INSERT INTO \`tag_versions\` (\`network_id\`, \`tags\`, \`version\`) SELECT \`network_id\`, \`tags\`, max(\`version\`) FROM \`hosts\` GROUP BY \`network_id\`, \`tags\`;
`,
  },
];
