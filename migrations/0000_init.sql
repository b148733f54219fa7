CREATE TABLE `addresses` (
	`network_id` integer NOT NULL,
	`address` text NOT NULL,
	`host_id` text NOT NULL,
	`released_at` integer,
	PRIMARY KEY(`network_id`, `address`),
	FOREIGN KEY (`network_id`) REFERENCES `networks`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`host_id`) REFERENCES `hosts`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `audit` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`network` text NOT NULL,
	`actor` text NOT NULL,
	`action` text NOT NULL,
	`target` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `credentials` (
	`id` text PRIMARY KEY NOT NULL,
	`hash` text NOT NULL,
	`role` text NOT NULL,
	`host_id` text,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`host_id`) REFERENCES `hosts`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `credentials_host` ON `credentials` (`host_id`);--> statement-breakpoint
CREATE TABLE `hosts` (
	`id` text PRIMARY KEY NOT NULL,
	`network_id` integer NOT NULL,
	`name` text NOT NULL,
	`public_key` text NOT NULL,
	`addresses` text NOT NULL,
	`routes` text NOT NULL,
	`listen_port` integer NOT NULL,
	`endpoint` text,
	`observed_endpoint` text,
	`observed_at` integer,
	`version` integer NOT NULL,
	`created_at` integer NOT NULL,
	`deleted_at` integer,
	FOREIGN KEY (`network_id`) REFERENCES `networks`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `hosts_name` ON `hosts` (`network_id`,`name`) WHERE deleted_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX `hosts_public_key` ON `hosts` (`network_id`,`public_key`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `hosts_version` ON `hosts` (`network_id`,`version`);--> statement-breakpoint
CREATE TABLE `networks` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`name` text NOT NULL,
	`suffix` text NOT NULL,
	`ranges` text NOT NULL,
	`listen_port` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `networks_name_unique` ON `networks` (`name`);--> statement-breakpoint
CREATE TABLE `tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`hash` text NOT NULL,
	`network_id` integer NOT NULL,
	`remaining` integer NOT NULL,
	`host_name` text,
	`routes` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`revoked_at` integer,
	FOREIGN KEY (`network_id`) REFERENCES `networks`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "tokens_remaining" CHECK("tokens"."remaining" >= 0)
);
--> statement-breakpoint
CREATE INDEX `tokens_network` ON `tokens` (`network_id`);