CREATE TABLE `requests` (
	`caller` text NOT NULL,
	`key_hash` text NOT NULL,
	`request_hash` text NOT NULL,
	`status` integer,
	`answer` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`caller`, `key_hash`)
);
--> statement-breakpoint
CREATE INDEX `requests_created` ON `requests` (`created_at`);--> statement-breakpoint
ALTER TABLE `audit` ADD `detail` text;--> statement-breakpoint
ALTER TABLE `audit` ADD `request_id` text;--> statement-breakpoint
CREATE INDEX `audit_network` ON `audit` (`network`,`id`);--> statement-breakpoint
ALTER TABLE `credentials` ADD `revoked_at` integer;--> statement-breakpoint
ALTER TABLE `hosts` ADD `tags` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `ephemeral` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `seen_at` integer;--> statement-breakpoint
ALTER TABLE `hosts` ADD `lifetime_seconds` integer;--> statement-breakpoint
ALTER TABLE `hosts` ADD `expires_at` integer;--> statement-breakpoint
ALTER TABLE `hosts` ADD `lapsed_at` integer;--> statement-breakpoint
ALTER TABLE `hosts` ADD `next_public_key` text;--> statement-breakpoint
ALTER TABLE `hosts` ADD `successor_id` text;--> statement-breakpoint
ALTER TABLE `hosts` ADD `view_version` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `requested_routes` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `exit_host_id` text;--> statement-breakpoint
ALTER TABLE `hosts` ADD `other_endpoint` text;--> statement-breakpoint
ALTER TABLE `hosts` ADD `other_observed_at` integer;--> statement-breakpoint
CREATE UNIQUE INDEX `hosts_next_public_key` ON `hosts` (`network_id`,`next_public_key`) WHERE deleted_at is null;--> statement-breakpoint
ALTER TABLE `networks` ADD `revision` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `networks` ADD `rules` text;--> statement-breakpoint
ALTER TABLE `networks` ADD `quarantine_seconds` integer DEFAULT 604800 NOT NULL;--> statement-breakpoint
ALTER TABLE `networks` ADD `host_lifetime_seconds` integer;--> statement-breakpoint
ALTER TABLE `networks` ADD `grace_seconds` integer DEFAULT 604800 NOT NULL;--> statement-breakpoint
ALTER TABLE `networks` ADD `silence_seconds` integer DEFAULT 3600 NOT NULL;--> statement-breakpoint
ALTER TABLE `networks` ADD `next_due_at` integer;--> statement-breakpoint
ALTER TABLE `tokens` ADD `name_pattern` text;--> statement-breakpoint
ALTER TABLE `tokens` ADD `tags` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `tokens` ADD `ephemeral` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `tokens` ADD `host_lifetime_seconds` integer;