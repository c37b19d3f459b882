package settings

var metricsSection = section{name: "metrics", settings: []Setting{
	{
		Name: "metrics.address", field: func(c *Config) any { return &c.Metrics.Address },
		Meaning: `Address at which Prometheus may scrape the server, at /metrics, such as
"127.0.0.1:9464" or ":9464". docs/metrics.md has every metric. They name apps, repositories and
clusters, and nothing else of what is deployed. The address serves nothing else. Empty: none.
DATA/run/metrics.addr has the address in use.`,
	},
	{
		Name: "metrics.token", field: func(c *Config) any { return &c.Metrics.Token }, secret: true, paths: true,
		Meaning: `File with one line: the token that a scrape must bring, as Authorization: Bearer. It is
read at each scrape. Empty: whoever reaches the address may scrape.`,
	},
}}

var eventsSection = section{name: "events", settings: []Setting{
	{
		Name: "events.kubernetes", Default: "none", field: func(c *Config) any { return &c.Events.Kubernetes }, oneOf: []string{"none", "problems", "all"},
		Meaning: `What clusters are told in Events of Kubernetes, for kubectl describe. They are on
the objects concerned, or on the namespace of the app. problems: failed deploys, drift, objects
that are not healthy, and the end of each; all: deploys and suspensions, too. The server needs the
right to create and patch events of events.k8s.io. See docs/status.md.`,
	},
}}

var tracesSection = section{name: "traces", settings: []Setting{
	{
		Name: "traces.endpoint", field: func(c *Config) any { return &c.Traces.Endpoint },
		sample: "endpoint: \"\"\n# endpoint: http://otel-collector.monitoring:4318",
		Meaning: `Base address of a receiver of OpenTelemetry, for traces of pushes. It takes OTLP
over HTTP at /v1/traces (see docs/traces.md); requests go the way of the section outgoing. Empty: as the variable OTEL_EXPORTER_OTLP_ENDPOINT says; none: no traces.`,
	},
	{
		Name: "traces.headers", field: func(c *Config) any { return &c.Traces.Headers }, secret: true, paths: true,
		Meaning: `File with headers for the requests to the receiver, NAME: VALUE on each line. Empty:
none.`,
	},
}}

var notifySection = section{
	name: "notify",
	meaning: `Notifications. The file notifications.yaml of the repository admin says who is told
what (see docs/notifications.md); here is what only this machine may allow.`,
	settings: []Setting{
		{
			Name: "notify.files", Reload: true, field: func(c *Config) any { return &c.Notify.Files }, paths: true,
			sample: "files: \"\"\n# files: /etc/pushboat/notify",
			Meaning: `The directory with addresses of receivers that notifications.yaml may name as files.
Empty: it may name none, and addresses are encrypted in the repository admin.`,
		},
		{
			Name: "notify.networks", Reload: true, field: func(c *Config) any { return &c.Notify.Networks },
			sample: "networks: []\n# networks: [10.20.0.0/16, 192.168.1.7]",
			Meaning: `Addresses and networks that receivers may be at although they are not public. Without
this, notifications go to public addresses only.`,
		},
	},
}

var mirrorSection = section{
	name: "mirror",
	meaning: `Mirrors and remotes: repositories that are fetched from elsewhere, or sent there. The folders
mirrors/ and remotes/ of the repository admin say which (see docs/mirrors.md); here is what only
this machine may allow.`,
	settings: []Setting{
		{
			Name: "mirror.files", Reload: true, field: func(c *Config) any { return &c.Mirror.Files }, paths: true,
			sample: "files: \"\"\n# files: /etc/pushboat/mirrors",
			Meaning: `The directory with private keys, tokens and secrets of webhooks that mirrors and remotes may
name as files. Empty: they may name none.`,
		},
		{
			Name: "mirror.networks", Reload: true, field: func(c *Config) any { return &c.Mirror.Networks },
			sample: "networks: []\n# networks: [10.20.0.0/16, 192.168.1.7]",
			Meaning: `Addresses and networks that upstreams and remotes may be at although they are not public.
There, http:// without encryption is allowed, too. Without this, they are at public addresses only.`,
		},
	},
}
