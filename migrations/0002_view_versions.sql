CREATE TABLE `tag_versions` (
	`network_id` integer NOT NULL,
	`tags` text NOT NULL,
	`version` integer NOT NULL,
	PRIMARY KEY(`network_id`, `tags`),
	FOREIGN KEY (`network_id`) REFERENCES `networks`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
ALTER TABLE `networks` ADD `shared_version` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `networks` ADD `forgotten_version` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
UPDATE `networks` SET `shared_version` = `version`;--> statement-breakpoint
INSERT INTO `tag_versions` (`network_id`, `tags`, `version`) SELECT `network_id`, `tags`, max(`version`) FROM `hosts` GROUP BY `network_id`, `tags`;
