package settings

import (
	"strconv"

	"github.com/pushboat/pushboat/internal/render/worker"
)

var clustersSection = section{settings: []Setting{{
	Name: "clusters", flag: "cluster", Reload: true, field: func(c *Config) any { return &c.Clusters }, paths: true,
	sample: `clusters:
  default:
    # The current context of the file counts. Empty: the cluster that the
    # server runs in.
    kubeconfig: ""
  # staging:
  #   kubeconfig: /etc/pushboat/staging.kubeconfig
  #   labels: {region: eu}`,
	Meaning: `Clusters by name, each with its kubeconfig file, and with labels, by which apps select
clusters. Annotations are for ApplicationSets of Argo CD. An app that names none goes to default, which must be one of them. Without this, and without kubeconfig, default is the
cluster that the server runs in, as a pod with a ServiceAccount. A flag gives one as NAME=FILE.
A reload reads the kubeconfigs again. Apps of a cluster that is named no more stay as they are.`,
}, {
	Name: "clusterPrograms", Reload: true, field: func(c *Config) any { return &c.ClusterPrograms },
	sample: "clusterPrograms: []\n# clusterPrograms: [/usr/local/bin/aws-iam-authenticator]",
	Meaning: `Programs that kubeconfigs may run for credentials (exec), by their whole paths. Only
root and the server's user may be able to change them. A kubeconfig, also of the repository
admin, names one by its path or its name, and says its arguments and its environment. See
docs/clusters.md.`,
}, {
	Name: "clusterFiles", Reload: true, field: func(c *Config) any { return &c.ClusterFiles }, paths: true,
	sample: "clusterFiles: \"\"\n# clusterFiles: /etc/pushboat/clusters",
	Meaning: `The directory with files, such as tokens, that clusters in the repository admin may
name. Empty: they may name none.`,
}}}

var gitSection = section{
	name: "git",
	meaning: `Limits on Git's work to check a push before it is judged, and to serve a clone.
Raise the times with maxPushSize, and on slow machines.`,
	settings: []Setting{
		{
			Name: "git.maxPushSize", Default: "512Mi", Reload: true, field: func(c *Config) any { return &c.Git.MaxPushSize },
			Meaning: `The largest pack that one push may send.`,
		},
		{
			Name: "git.maxCpuTime", Default: "30m", Reload: true, field: func(c *Config) any { return &c.Git.MaxCPUTime },
			least: "1s",
			Meaning: `Processor time of each of Git's processes. A push gets 2m of that, and more with
the size of its pack (3.5s a MB), up to git.timeout. The largest push takes 6m if it is nearly
all history.`,
		},
		{
			Name: "git.timeout", Default: "30m", Reload: true, field: func(c *Config) any { return &c.Git.Timeout },
			least:   "1s",
			Meaning: `Time without a byte from the client.`,
		},
	},
}

var driftSection = section{name: "drift", settings: []Setting{{
	Name: "drift.handTools", field: func(c *Config) any { return &c.Drift.HandTools },
	sample: "handTools: []\n# handTools: [\"terraform\", \"Rancher*\"]",
	Meaning: `Field managers that people use, in addition to kubectl, oc, k9s, Lens and
browsers. Fields that they add to the objects of apps are removed; fields that controllers add
are kept. A * at the end matches any ending.`,
}}}

var secretsSection = section{
	name: "secrets",
	meaning: `Files that SOPS has encrypted are decrypted when they are rendered, with the
server's host key: ssh HOST secrets recipient prints the key to encrypt for. The keys here are
used in addition, for every repository, unless grants in the repository admin say whose they are
(decryptionKeys).`,
	settings: []Setting{
		{
			Name: "secrets.plain", Default: "refuse", field: func(c *Config) any { return &c.Secrets.Plain },
			oneOf: []string{"refuse", "allow"},
			Meaning: `Whether a push may bring a Secret whose values are not encrypted: refuse or allow.
plainSecrets: allow in pushboat.yaml allows it for one app.`,
		},
		{
			Name: "secrets.ageKeys", field: func(c *Config) any { return &c.Secrets.AgeKeys }, secret: true, paths: true,
			Meaning: `Files of age identities, as age-keygen writes them.`,
		},
		{
			Name: "secrets.pgpKeys", field: func(c *Config) any { return &c.Secrets.PGPKeys }, secret: true, paths: true,
			Meaning: `Files of PGP private keys without passphrase, as gpg --export-secret-keys --armor writes
them.`,
		},
		{
			Name: "secrets.keys", field: func(c *Config) any { return &c.Secrets.Keys },
			sample: `keys: []
# keys: ["arn:aws:kms:eu-central-1:111122223333:key/*",
#        "https://vault.example.org:8200/v1/sops/keys/pushboat"]`,
			Meaning: `Keys of clouds and Vault that the server may use, in the notation of sops. A * at
the end matches any ending. The server uses no others, since a file in a repository names the
address of its key, and the server's credentials go there.`,
		},
		{
			Name: "secrets.environment", field: func(c *Config) any { return &c.Secrets.Environment },
			Meaning: `Names of the environment variables that the program which asks clouds and Vault
gets. It may need AWS_REGION, AWS_ACCESS_KEY_ID, VAULT_TOKEN or HOME, and gets no others but
those that the section outgoing makes.`,
		},
	},
}

var chartsSection = section{name: "charts", settings: []Setting{
	{
		Name: "charts.registries", field: func(c *Config) any { return &c.Charts.Registries },
		sample: `registries: []
# registries:
#   - https://charts.example.org/stable
#   - oci://registry.example.org/charts`,
		Meaning: `Addresses from which charts and artifacts may be fetched, with everything below them.
https:// is a chart repository, oci:// a registry; http:// is for this machine alone. Every request
must be below one of them: also the archives that an index names, the targets of redirects, and a
token service on another host. None: apps bring their charts and manifests.`,
	},
	{
		Name: "charts.credentials", field: func(c *Config) any { return &c.Charts.Credentials }, secret: true, paths: true,
		sample: `credentials: {}
# credentials:
#   oci://registry.example.org/charts: /etc/pushboat/registry`,
		Meaning: `Files with one line, USER:PASSWORD, by their addresses. They are sent to no other
host. Every app can use the charts and artifacts behind them, unless grants in the repository admin say whose
they are (chartCredentials).`,
	},
	{
		Name: "charts.ca", field: func(c *Config) any { return &c.Charts.CA }, paths: true,
		Meaning: `File of certificates, in PEM, to trust for registries, in addition to those of
the system and of outgoing.ca.`,
	},
	{
		Name: "charts.trustedRoot", field: func(c *Config) any { return &c.Charts.TrustedRoot }, paths: true,
		Meaning: `File of a trusted root of Sigstore, in JSON, for charts and artifacts that have to be signed.
` + "`cosign trusted-root create`" + ` writes it; it says who is believed where somebody signs by logging in.
None: that of Sigstore's public instance, which Pushboat brings. Nobody is asked for it.`,
	},
	{
		Name: "charts.cacheSize", Default: "1Gi", field: func(c *Config) any { return &c.Charts.CacheSize },
		Meaning: `Disk space for the charts and artifacts in DATA/charts. The least recently used are deleted
first.`,
	},
}}

var outgoingSection = section{
	name: "outgoing",
	meaning: `Requests of the server to chart registries, to receivers of notifications, and to clouds
and Vault for keys.
Clusters have their own settings in their kubeconfigs: certificate-authority and proxy-url.`,
	settings: []Setting{
		{
			Name: "outgoing.ca", field: func(c *Config) any { return &c.Outgoing.CA }, paths: true,
			Meaning: `File of certificates, in PEM, to trust in addition to those of the system.`,
		},
		{
			Name: "outgoing.proxy", field: func(c *Config) any { return &c.Outgoing.Proxy },
			Meaning: `Proxy for these requests, such as http://proxy.example.org:3128. HTTPS_PROXY and
the like are ignored. Empty: none. Requests to this machine never go through it.`,
		},
		{
			Name: "outgoing.proxyCredentials", field: func(c *Config) any { return &c.Outgoing.ProxyCredentials }, secret: true, paths: true,
			Meaning: `File with one line, USER:PASSWORD, for the proxy. Empty: it needs none.`,
		},
		{
			Name: "outgoing.noProxy", field: func(c *Config) any { return &c.Outgoing.NoProxy },
			sample: "noProxy: []\n# noProxy: [registry.internal, .svc, 10.0.0.0/8]",
			Meaning: `Hosts, domains with everything in them (.example.org), addresses and networks to
reach without the proxy.`,
		},
	},
}

var selfSection = section{name: "self", settings: []Setting{{
	Name: "self.repository", field: func(c *Config) any { return &c.Self.Repository },
	Meaning: `Repository that deploys this server itself, such as pushboat. On the cluster default, it
may change the StatefulSet, the settings and the Service in the namespace pushboat-system, which no
other repository may. Only admins push to it (see docs/install.md). Empty: none.`,
}}}

var renderSection = section{
	name: "render",
	meaning: `Charts and kustomizations are rendered in separate processes, each of which may
use 1Gi of memory and a minute of processor time. A push that finds none free says so, and
waits for up to 2m: the next one goes to the operator who has the fewest. The lower of the two
limits counts.`,
	settings: []Setting{
		{
			Name: "render.maxWorkers", Default: strconv.Itoa(worker.DefaultChildren), Reload: true,
			field: func(c *Config) any { return &c.Render.MaxWorkers }, least: "1",
			Meaning: `Maximum number of these processes.`,
		},
		{
			Name: "render.maxMemory", Reload: true, field: func(c *Config) any { return &c.Render.MaxMemory },
			least: Size(worker.DefaultLimits.Memory).String(), because: "which one of them may take", sample: "maxMemory: 4Gi",
			Meaning: `Memory for all of them together. Without it: as much as maxWorkers may use.`,
		},
	},
}
