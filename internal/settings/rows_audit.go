package settings

var auditSection = section{
	name: "audit",
	meaning: `The audit trail: a line for each decision and each change of state, in DATA/audit.
docs/audit.md says what is in it, and how it is verified.`,
	settings: []Setting{
		{
			Name: "audit.fileSize", Default: "32Mi", Reload: true, field: func(c *Config) any { return &c.Audit.FileSize }, least: "1Mi",
			Meaning: `Size after which the trail goes on in a new file. A line has about 500 bytes.`,
		},
		{
			Name: "audit.keep", Default: "32", Reload: true, field: func(c *Config) any { return &c.Audit.Keep }, least: "2",
			Meaning: `How many files of the trail are kept. The oldest goes when a new one begins.`,
		},
		{
			Name: "audit.ship", Reload: true, field: func(c *Config) any { return &c.Audit.Ship },
			sample: "ship: []\n# ship: [\"unix:///dev/log\", \"tcp://logs.example.org:601\"]",
			Meaning: `Where lines are sent as well. To file:///PATH they are appended; unix:///PATH, udp://HOST:PORT
and tcp://HOST:PORT get them by syslog (RFC 5424). A target that is away gets later what it has
missed.`,
		},
	},
}
