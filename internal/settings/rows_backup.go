package settings

import "github.com/pushboat/pushboat/internal/backup/bucket"

var backupSection = section{
	name: "backup",
	meaning: `Backups that the server keeps in S3 storage by itself: Amazon's, MinIO's and others.
docs/backup.md also says what the storage has to allow.`,
	settings: []Setting{
		{
			Name: "backup.bucket", Reload: true, field: func(c *Config) any { return &c.Backup.Bucket },
			sample: "bucket: \"\"\n# bucket: s3://example-backups/pushboat",
			Meaning: `Bucket for the backups, and a folder in it: s3://BUCKET/FOLDER. In that folder, each server has
one of its own, named after its id. Empty: the server makes no backups.`,
		},
		{
			Name: "backup.endpoint", Reload: true, field: func(c *Config) any { return &c.Backup.Endpoint },
			Meaning: `Address of the storage, such as https://minio.example.org:9000. Empty: Amazon's, in
backup.region. The section outgoing has proxies and certificates for it.`,
		},
		{
			Name: "backup.region", Default: bucket.DefaultRegion, Reload: true, field: func(c *Config) any { return &c.Backup.Region },
			Meaning: `Region of the bucket, as the storage calls it.`,
		},
		{
			Name: "backup.credentials", Reload: true, field: func(c *Config) any { return &c.Backup.Credentials }, secret: true, paths: true,
			Meaning: `File with one line, KEY:SECRET, read for each backup. Empty: the variables
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the environment.`,
		},
		{
			Name: "backup.recipients", Reload: true, field: func(c *Config) any { return &c.Backup.Recipients },
			sample: "recipients: []\n# recipients: [age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj]",
			Meaning: `Public keys of age or SSH for which backups are encrypted. A bucket needs at least one: a
backup has the server's private keys. Keep the private half on another machine.`,
		},
		{
			Name: "backup.schedule", Default: "@daily", Reload: true, field: func(c *Config) any { return &c.Backup.Schedule },
			Meaning: `Cron expression by which backups are made: "0 2 * * *", @daily, "@every 6h". A backup that was
missed while the server was away is made when it starts, and the first as soon as a bucket is set.`,
		},
		{
			Name: "backup.increments", Default: "6", Reload: true, field: func(c *Config) any { return &c.Backup.Increments }, least: "0",
			Meaning: `How many backups that contain only changes follow a full one. Each needs those before it, back to
the full one. 0: all are full.`,
		},
		{
			Name: "backup.keepLast", Default: "4", Reload: true, field: func(c *Config) any { return &c.Backup.KeepLast }, least: "1",
			Meaning: `How many full backups are kept, with all that came after them. The server deletes older ones
when a newer one is in the bucket, but never one that another backup needs.`,
		},
		{
			Name: "backup.keepDays", Default: "30", Reload: true, field: func(c *Config) any { return &c.Backup.KeepDays }, least: "0",
			Meaning: `How many days each backup is kept, beyond those of keepLast. 0: keepLast alone counts.`,
		},
	},
}
