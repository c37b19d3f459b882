// Package settings owns the server's settings. One table has the name, the type, the
// default, the limits and the meaning of each, and whether a reload applies a change.
// The table drives reading settings from a file, the environment and flags, and
// checking, comparing, showing and documenting them.
//
// To add a setting, add a field to its section here and a row to the section's table;
// then run make docs.
package settings

import "time"

// Config holds the value of each setting. Read fills in every default.
type Config struct {
	Data       string
	Kubeconfig string             // of the cluster default; "": as in Clusters
	Hook       string             // the path of pushboat-hook; "": beside the running program
	Lease      string             // NAMESPACE/NAME on the cluster default, by which the server leads; "": none
	Clusters   map[string]Cluster // by name
	// Of the machine, for the clusters of admin.git:
	ClusterPrograms []string // programs that give credentials
	ClusterFiles    string   // the directory with files that they may name; "": none
	SSH             SSH
	HTTP            HTTP
	Debug           Debug
	Metrics         Metrics
	Events          Events
	Traces          Traces
	Notify          Notify
	Mirror          Mirror
	Keys            Keys
	Git             Git
	Drift           Drift
	Secrets         Secrets
	Charts          Charts
	Outgoing        Outgoing
	Self            Self
	Render          Render
	Backup          Backup
	Audit           Audit
	Log             Log

	origins origins
}

// Cluster says how to reach a cluster.
type Cluster struct {
	Kubeconfig  string            // "": as a pod of the cluster itself
	Labels      map[string]string // by which apps select clusters
	Annotations map[string]string // for the ApplicationSets of Argo CD
}

// SSH configures the SSH door, see sshd.Config.
type SSH struct {
	Address                  string
	Advertise                string
	Relay                    string // "": no other server passes connections on to this one
	IdleTimeout              time.Duration
	HandshakeTimeout         time.Duration
	MaxConnections           int
	MaxConnectionsPerAddress int
	MaxStartups              int
	MaxStartupsPerAddress    int
	MaxSessionsPerConnection int
}

// HTTP configures the probes, and the pages.
type HTTP struct {
	Address     string // "": no HTTP
	Pages       string // auto, on or off
	Advertise   string // "": the address in use
	Certificate string // a file; "": no TLS
	Key         string // a file
	Proxy       string // none or tls
	Everybody   []string
	IdleTimeout time.Duration
	MaxSession  time.Duration
	TokenLife   time.Duration // of a token for which nothing else is asked
	MaxToken    time.Duration
}

// Debug configures the listener for profiles.
type Debug struct {
	Address string // of this machine only; "": none
}

// Metrics configures the listener for scrapes, see package metrics.
type Metrics struct {
	Address string // "": none
	Token   string // a file; "": whoever reaches the address may scrape
}

// Traces configures the receiver of traces, see package trace.
type Traces struct {
	Endpoint string // its base address; "" and "none": traces are off
	Headers  string // a file; "": none
}

// Notify configures the receivers of notifications, see package notify.
type Notify struct {
	Files    string   // the directory with addresses of receivers; "": none
	Networks []string // that are not public, and may be reached: addresses and networks
}

// Mirror configures the repositories that are fetched from elsewhere, see package mirror.
type Mirror struct {
	Files    string   // the directory with keys, tokens and secrets; "": none
	Networks []string // that are not public, and may be reached: addresses and networks
}

// Events says of what clusters are told, see package announce.
type Events struct {
	Kubernetes string // none, problems or all
}

// Keys says where operators' keys are.
type Keys struct {
	Admin []string // public key files, all of them admins
	File  string   // authorized_keys style, with a role a key
}

// Git configures repositories.
type Git struct {
	MaxPushSize Size
	MaxCPUTime  time.Duration
	Timeout     time.Duration
}

// Drift configures which changes count as drift.
type Drift struct {
	HandTools []string // added to owner.DefaultTools
}

// Secrets configures the decryption of files, see secrets.Config.
type Secrets struct {
	Plain       string   // refuse or allow
	AgeKeys     []string // files
	PGPKeys     []string // files
	Keys        []string
	Environment []string // names of variables
}

// Charts configures the charts from registries, see charts.Config.
type Charts struct {
	Registries  []string
	Credentials map[string]string // files, by registry
	CA          string            // a file
	TrustedRoot string            // a file; "": that of Sigstore's public instance
	CacheSize   Size
}

// Outgoing configures the server's requests to anything but clusters, see
// outgoing.Config.
type Outgoing struct {
	CA               string   // a file
	Proxy            string   // "": none
	ProxyCredentials string   // a file
	NoProxy          []string // hosts, domains and networks
}

// Self configures what the server may deploy of itself.
type Self struct {
	Repository string // "": no repository may deploy anything of it
}

// Render configures the processes that render charts and kustomizations.
type Render struct {
	MaxWorkers int  // at once
	MaxMemory  Size // of all together
}

// Backup configures the backups that the server keeps in a bucket, see offsite.Config.
type Backup struct {
	Bucket      string // s3://BUCKET/FOLDER; "": no backups
	Endpoint    string // "": Amazon's of the region
	Region      string
	Credentials string   // a file; "": those of the environment
	Recipients  []string // public keys of age and SSH
	Schedule    string
	Increments  int
	KeepLast    int // whole ones
	KeepDays    int
}

// Log configures the server's log, which goes to standard error.
type Log struct {
	Level  string
	Format string
}
