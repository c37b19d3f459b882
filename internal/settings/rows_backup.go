package settings

import "github.com/pushboat/pushboat/internal/backup/bucket"

var backupSection = section{
	name: "backup",
	meaning: `Backups that the server keeps in storage of S3 by itself: Amazon's, MinIO's and what others
offer under that name. See docs/backup.md, also for what the storage has to allow.`,
	settings: []Setting{
		{
			Name: "backup.bucket", Reload: true, field: func(c *Config) any { return &c.Backup.Bucket },
			sample: "bucket: \"\"\n# bucket: s3://example-backups/pushboat",
			Meaning: `Bucket that backups are kept in, and a folder in it: s3://BUCKET/FOLDER. In the folder each
server has one of its own, after its id. Empty: no backups are made.`,
		},
		{
			Name: "backup.endpoint", Reload: true, field: func(c *Config) any { return &c.Backup.Endpoint },
			Meaning: `Where the storage is, such as https://minio.example.org:9000. Empty: at Amazon's, in
backup.region. The section outgoing has proxies and certificates for the way there.`,
		},
		{
			Name: "backup.region", Default: bucket.DefaultRegion, Reload: true, field: func(c *Config) any { return &c.Backup.Region },
			Meaning: `Region of the bucket, as the storage calls it.`,
		},
		{
			Name: "backup.credentials", Reload: true, field: func(c *Config) any { return &c.Backup.Credentials }, secret: true, paths: true,
			Meaning: `File with one line, KEY:SECRET, read anew for each backup. Empty: the variables
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the environment.`,
		},
		{
			Name: "backup.recipients", Reload: true, field: func(c *Config) any { return &c.Backup.Recipients },
			sample: "recipients: []\n# recipients: [age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj]",
			Meaning: `Public keys of age or SSH that backups are encrypted for. A bucket needs one at least: a
backup has the server's private keys. Keep the private half somewhere else than on the server.`,
		},
		{
			Name: "backup.schedule", Default: "@daily", Reload: true, field: func(c *Config) any { return &c.Backup.Schedule },
			Meaning: `When a backup is made, as a cron expression: "0 2 * * *", @daily, "@every 6h". One that was
missed while the server was away is made at its start, and the first as soon as a bucket is set.`,
		},
		{
			Name: "backup.increments", Default: "6", Reload: true, field: func(c *Config) any { return &c.Backup.Increments }, least: "0",
			Meaning: `How many backups have only what is new before there is a full one again. Each needs those
before it back to the full one. 0: all are full.`,
		},
		{
			Name: "backup.keepLast", Default: "4", Reload: true, field: func(c *Config) any { return &c.Backup.KeepLast }, least: "1",
			Meaning: `How many full backups are kept, with all that came after them. Older ones are deleted
when a newer one is in the bucket; never one that another one needs.`,
		},
		{
			Name: "backup.keepDays", Default: "30", Reload: true, field: func(c *Config) any { return &c.Backup.KeepDays }, least: "0",
			Meaning: `For how many days each backup is kept, beyond those of keepLast. 0: keepLast alone counts.`,
		},
	},
}
