package settings

var topSection = section{settings: []Setting{
	{
		Name: "data", Usual: true, field: func(c *Config) any { return &c.Data }, paths: true, sample: "data: /var/lib/pushboat",
		Meaning: `Directory of everything that the server keeps: repositories, host key, sockets.
Created if missing; only the server's own user can read it. Required.`,
	},
	{
		Name: "kubeconfig", Usual: true, Reload: true, field: func(c *Config) any { return &c.Kubeconfig }, paths: true,
		Meaning: `Kubeconfig file of the cluster default; its current context is used. The same as
clusters.default.kubeconfig, over which it wins.`,
	},
	{
		Name: "hook", Usual: true, field: func(c *Config) any { return &c.Hook }, paths: true,
		Meaning: `Path of the program pushboat-hook, which Git runs during a push. pushboat-sops
must be in the same folder. Empty: the folder of pushboat itself.`,
	},
	{
		Name: "lease", field: func(c *Config) any { return &c.Lease },
		Meaning: `Lease on the cluster default that a server must hold, as NAMESPACE/NAME, such as
pushboat-system/pushboat. Give all servers of one data directory the same: one serves, and the
others stand by and take its place within about 2s of its stop, or 20s of its failure (see
docs/high-availability.md). Empty: none; the server serves at once.`,
	},
}}

var sshSection = section{name: "ssh", settings: []Setting{
	{
		Name: "ssh.address", Usual: true, flag: "ssh", Default: ":2222", field: func(c *Config) any { return &c.SSH.Address },
		Meaning: `Address at which the server listens for git and ssh. Port 0 picks a free port;
either way, DATA/run/ssh.addr has the address in use.`,
	},
	{
		Name: "ssh.advertise", Reload: true, field: func(c *Config) any { return &c.SSH.Advertise },
		Meaning: `Address by which clients reach the server, [USER@]HOST[:PORT], for the commands
in its hints: git@git.example.org. Empty: the address that each client has connected to, which
differs behind a proxy or a published port.`,
	},
	{
		Name: "ssh.relay", field: func(c *Config) any { return &c.SSH.Relay },
		Meaning: `Address at which the other servers of the lease pass ssh connections on to this
one, IP:PORT, such as 10.0.0.7:2223. With it, a standby takes connections too: it passes them on to
the server that leads, and keeps them waiting while none does, so that clients notice no change of
servers (see docs/high-availability.md). Port 0 picks a free port. Empty: a standby takes no
connections.`,
	},
	{
		Name: "ssh.idleTimeout", Default: "10m", Reload: true, field: func(c *Config) any { return &c.SSH.IdleTimeout },
		least: "1m", because: "which git itself needs",
		Meaning: `How long a connection may be open without a running session, and a session
without taking any of its output. Git is silent for a minute and longer.`,
	},
	{
		Name: "ssh.handshakeTimeout", Default: "30s", Reload: true, field: func(c *Config) any { return &c.SSH.HandshakeTimeout },
		least:   "1s",
		Meaning: `How long a client may take from connecting to logging in.`,
	},
	{
		Name: "ssh.maxConnections", Default: "1024", Reload: true, field: func(c *Config) any { return &c.SSH.MaxConnections },
		least:   "1",
		Meaning: `Concurrent connections from all clients.`,
	},
	{
		Name: "ssh.maxConnectionsPerAddress", Default: "64", Reload: true,
		field: func(c *Config) any { return &c.SSH.MaxConnectionsPerAddress }, least: "1",
		Meaning: `Concurrent connections from one IPv4 address or IPv6 /64. Raise it where a proxy
hides the clients' addresses.`,
	},
	{
		Name: "ssh.maxStartups", Default: "128", Reload: true, field: func(c *Config) any { return &c.SSH.MaxStartups },
		least: "1",
		Meaning: `Connections that have not logged in yet, from all clients. A further one is still
accepted: it replaces the oldest silent one of the address that has the most. So any number of
silent connections keeps nobody out.`,
	},
	{
		Name: "ssh.maxStartupsPerAddress", Default: "16", Reload: true,
		field: func(c *Config) any { return &c.SSH.MaxStartupsPerAddress }, least: "1",
		Meaning: `Connections that have not logged in yet, from one address.`,
	},
	{
		Name: "ssh.maxSessionsPerConnection", Default: "10", Reload: true,
		field: func(c *Config) any { return &c.SSH.MaxSessionsPerConnection }, least: "1",
		Meaning: `Concurrent sessions on one connection, as with OpenSSH's MaxSessions.
ControlMaster needs one for each running command.`,
	},
}}

var httpSection = section{name: "http", settings: []Setting{
	{
		Name: "http.address", Usual: true, flag: "http", field: func(c *Config) any { return &c.HTTP.Address },
		Meaning: `Address at which the server answers probes, such as ":8080", and serves its pages
(see http.pages). /healthz says that the process serves, /readyz that it takes pushes. /readyz
answers 503 with the reason while the server stops, and while it would refuse every push: no cluster
answers, the disk cannot be written to, the hook program is missing. /readyz?standbyok is also 200 on
a standby that passes ssh connections on, see ssh.relay. Empty: no HTTP. DATA/run/http.addr has the
address in use.`,
	},
	{
		Name: "http.pages", Default: "auto", field: func(c *Config) any { return &c.HTTP.Pages }, oneOf: []string{"auto", "on", "off"},
		Meaning: `Whether http.address also serves pages for browsers (see docs/web.md). They need TLS,
by http.certificate or by a proxy in front (http.proxy), or an address that only this machine
reaches. With auto they are served where that is so, and else there are only probes; with on, the
server does not start where it is not so.`,
	},
	{
		Name: "http.advertise", field: func(c *Config) any { return &c.HTTP.Advertise },
		Meaning: `Address of the pages as browsers write it: https://pushboat.example.org. The links
of ssh HOST web begin with it, and requests that call the server by another name are refused.
Required where other machines reach the pages. Empty: the address in use.`,
	},
	{
		Name: "http.certificate", field: func(c *Config) any { return &c.HTTP.Certificate }, paths: true,
		Meaning: `File with the certificate for TLS, and those up to its authority, in PEM. It is read
again when it changes. Probes then need https, too. Empty: no TLS.`,
	},
	{
		Name: "http.key", field: func(c *Config) any { return &c.HTTP.Key }, paths: true,
		Meaning: `File with the private key of http.certificate, in PEM.`,
	},
	{
		Name: "http.proxy", Default: "none", field: func(c *Config) any { return &c.HTTP.Proxy }, oneOf: []string{"none", "tls"},
		Meaning: `What stands between browsers and the server. tls: a proxy that ends TLS, passes the
name in Host on, and adds its client's address to X-Forwarded-For; nothing else may reach
http.address.`,
	},
	{
		Name: "http.everybody", field: func(c *Config) any { return &c.HTTP.Everybody },
		Meaning: `Patterns of repositories whose apps may be looked at without logging in, by whoever
reaches the pages: [shop, "team/*"]. They see how apps are, their objects and deploys, and never
values of fields, messages, or what containers print. Empty: nobody.`,
	},
	{
		Name: "http.maxIdle", Default: "12h", field: func(c *Config) any { return &c.HTTP.IdleTimeout }, least: "1m",
		Meaning: `How long a browser stays logged in without a request.`,
	},
	{
		Name: "http.maxSession", Default: "168h", field: func(c *Config) any { return &c.HTTP.MaxSession }, least: "1m",
		Meaning: `How long a browser stays logged in at the most. It also ends with its key, and when
the server stops.`,
	},
	{
		Name: "http.tokenLife", Default: "720h", field: func(c *Config) any { return &c.HTTP.TokenLife }, least: "1m",
		Meaning: `How long a token of the API is good that is made without --expires.`,
	},
	{
		Name: "http.maxTokenLife", Default: "8760h", field: func(c *Config) any { return &c.HTTP.MaxToken }, least: "1m",
		Meaning: `How long a token of the API can be good at the most. Tokens that are there keep their
time.`,
	},
}}

var debugSection = section{name: "debug", settings: []Setting{{
	Name: "debug.address", field: func(c *Config) any { return &c.Debug.Address },
	Meaning: `Address at which the server serves the Go runtime's profiles, such as
"127.0.0.1:6060". They show where the server spends time and memory (see
docs/troubleshooting.md). Profiles reveal much about the server, and everybody on the machine
can read them, so an address that other machines can reach is refused. Empty: none.
DATA/run/debug.addr has the address in use.`,
}}}

var keysSection = section{name: "keys", settings: []Setting{
	{
		Name: "keys.admin", Usual: true, flag: "admin-key", Reload: true, field: func(c *Config) any { return &c.Keys.Admin }, paths: true,
		sample: "admin:\n  - /etc/pushboat/ana.pub",
		Meaning: `Public key files, all of whose keys are admins. The comment of a key is the
operator's name. Give this or keys.file, or nobody can log in. The flag --admin-key adds to the
setting, where other flags replace it.`,
	},
	{
		Name: "keys.file", Usual: true, flag: "keys", Reload: true, field: func(c *Config) any { return &c.Keys.File }, paths: true,
		Meaning: `File of everybody else's keys, a key a line, as in OpenSSH's authorized_keys.

    role="push" ssh-ed25519 AAAA... ben
    role="deploy",repo="shop" ssh-ed25519 AAAA... robot@ci
    role="read",from="10.0.0.0/8" ssh-ed25519 AAAA... dashboard

Roles: read (the default), push, deploy, admin; each may do what the ones before it may. Any other
option is an error. Empty: admins only.`,
	},
}}

var logSection = section{name: "log", settings: []Setting{
	{
		Name: "log.level", Usual: true, Default: "info", Reload: true, field: func(c *Config) any { return &c.Log.Level },
		oneOf:   []string{"error", "warn", "info", "debug"},
		Meaning: `The lowest level that is logged: error, warn, info or debug.`,
	},
	{
		Name: "log.format", Default: "text", Reload: true, field: func(c *Config) any { return &c.Log.Format },
		oneOf:   []string{"text", "json"},
		Meaning: `Format of log lines: text for people, json for machines.`,
	},
}}
