package server

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/worker"
	"github.com/pushboat/pushboat/internal/sshd"
)

// Config is the server's configuration, as config/pushboat.yaml documents it.
// A zero field has the default that is said there.
type Config struct {
	Data     string             `yaml:"data"` // required
	SSH      SSH                `yaml:"ssh"`
	HTTP     HTTP               `yaml:"http"`
	Debug    Debug              `yaml:"debug"`
	Clusters map[string]Cluster `yaml:"clusters"`
	Keys     Keys               `yaml:"keys"`
	Git      Git                `yaml:"git"`
	Drift    Drift              `yaml:"drift"`
	Secrets  Secrets            `yaml:"secrets"`
	Charts   Charts             `yaml:"charts"`
	Render   Render             `yaml:"render"`
	Log      Log                `yaml:"log"`

	// HookProgram is the absolute path of pushboat-hook; default: beside the
	// running program.
	HookProgram string `yaml:"-"`
}

// advertised is the address that clients are told, as far as it is configured.
func (c SSH) advertised() sshd.Address {
	if c.Advertise == "" {
		return sshd.Address{}
	}
	address, _ := sshd.ParseAddress(c.Advertise) // check has read it
	return address
}

// SSH configures the SSH door, see sshd.Config.
type SSH struct {
	Address                  string        `yaml:"address"`
	Advertise                string        `yaml:"advertise"`
	IdleTimeout              time.Duration `yaml:"idle_timeout"`
	HandshakeTimeout         time.Duration `yaml:"handshake_timeout"`
	MaxConnections           int           `yaml:"max_connections"`
	MaxConnectionsPerAddress int           `yaml:"max_connections_per_address"`
	MaxStartups              int           `yaml:"max_startups"`
	MaxStartupsPerAddress    int           `yaml:"max_startups_per_address"`
	MaxSessionsPerConnection int           `yaml:"max_sessions_per_connection"`
}

// HTTP configures the probes.
type HTTP struct {
	Address string `yaml:"address"` // "": no HTTP
}

// Debug configures the listener for profiles.
type Debug struct {
	Address string `yaml:"address"` // of this machine only; "": none
}

// Cluster says how to reach a cluster.
type Cluster struct {
	Kubeconfig string `yaml:"kubeconfig"` // "": as a pod of the cluster itself
}

// Keys says where operators' keys are.
type Keys struct {
	Admin []string `yaml:"admin"` // public key files, all of them admins
	File  string   `yaml:"file"`  // authorized_keys style, with a role a key
}

// Git configures repositories.
type Git struct {
	MaxPushSize Size          `yaml:"max_push_size"`
	MaxCPUTime  time.Duration `yaml:"max_cpu_time"`
	Timeout     time.Duration `yaml:"timeout"`
}

// check returns what is wrong with the settings.
func (g Git) check(problems *problems) {
	for setting, value := range map[string]time.Duration{"git.max_cpu_time": g.MaxCPUTime, "git.timeout": g.Timeout} {
		problems.when(value != 0 && value < time.Second, "%s: %s is less than 1s", setting, value)
	}
}

// Drift configures what counts as drift.
type Drift struct {
	HandTools []string `yaml:"hand_tools"` // added to owner.DefaultTools
}

// Secrets configures how encrypted files are read, see secrets.Config.
type Secrets struct {
	Plain       string   `yaml:"plain"`    // refuse or allow; "": refuse
	AgeKeys     []string `yaml:"age_keys"` // files
	PGPKeys     []string `yaml:"pgp_keys"` // files
	Keys        []string `yaml:"keys"`
	Environment []string `yaml:"environment"` // names of variables
}

// Charts configures where charts of registries come from, see charts.Config.
type Charts struct {
	Registries  []string          `yaml:"registries"`
	Credentials map[string]string `yaml:"credentials"` // files, by registry
	CA          string            `yaml:"ca"`          // a file
	CacheSize   Size              `yaml:"cache_size"`
}

// config is that of a store which keeps charts in a directory.
func (c Charts) config(dir string, local bool) charts.Config {
	return charts.Config{
		Registries: c.Registries, Credentials: c.Credentials, CA: c.CA, Dir: dir, Size: int64(c.CacheSize), Local: local,
	}
}

// Render configures the processes that render charts and kustomizations.
type Render struct {
	MaxWorkers int  `yaml:"max_workers"` // at once; 0: worker.DefaultChildren
	MaxMemory  Size `yaml:"max_memory"`  // of all together; 0: what as many may take
}

// workers is how many there may be at once: of the two bounds the tighter one.
func (r Render) workers(each int64) int {
	workers := cmp.Or(r.MaxWorkers, worker.DefaultChildren)
	if r.MaxMemory > 0 {
		workers = min(workers, int(int64(r.MaxMemory)/each))
	}
	return workers
}

// check returns what is wrong with the settings.
func (r Render) check(problems *problems) {
	each := worker.DefaultLimits.Memory
	problems.when(r.MaxWorkers < 0, "render.max_workers: %d is less than 1", r.MaxWorkers)
	problems.when(r.MaxMemory > 0 && int64(r.MaxMemory) < each, "render.max_memory: one worker may take %d MiB, so that is the least", each>>20)
}

// Log configures the server's log, which goes to standard error.
type Log struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// Size is a number of bytes, written as Kubernetes writes them: 512Mi.
type Size int64

// UnmarshalYAML reads a size.
func (s *Size) UnmarshalYAML(node *yaml.Node) error {
	quantity, err := resource.ParseQuantity(node.Value)
	if err != nil || quantity.Value() <= 0 {
		return fmt.Errorf("line %d: %q is not a size; write 512Mi or 1Gi", node.Line, node.Value)
	}
	*s = Size(quantity.Value())
	return nil
}

// maxConfig is the largest configuration file that is read, in bytes.
const maxConfig = 1 << 20

// ReadConfig reads a configuration file. Unknown settings are errors. Relative
// paths in it start at its directory.
func ReadConfig(path string) (Config, error) {
	file, err := os.Open(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	defer file.Close()
	var c Config
	decoder := yaml.NewDecoder(io.LimitReader(file, maxConfig))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("read configuration %s: %w; config/pushboat.yaml has every setting", path, withoutValues(err))
	}
	c.relativeTo(filepath.Dir(path))
	return c, nil
}

func (c *Config) relativeTo(dir string) {
	at := func(path string) string {
		if path == "" || filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(dir, path)
	}
	c.Data = at(c.Data)
	c.Keys.File = at(c.Keys.File)
	for i, path := range c.Keys.Admin {
		c.Keys.Admin[i] = at(path)
	}
	for _, files := range [][]string{c.Secrets.AgeKeys, c.Secrets.PGPKeys} {
		for i, path := range files {
			files[i] = at(path)
		}
	}
	for registry, file := range c.Charts.Credentials {
		c.Charts.Credentials[registry] = at(file)
	}
	c.Charts.CA = at(c.Charts.CA)
	for name, cluster := range c.Clusters {
		c.Clusters[name] = Cluster{Kubeconfig: at(cluster.Kubeconfig)}
	}
}

// withDefaults fills in what has a default of its own here; the rest have
// theirs where they are used.
func (c Config) withDefaults() (Config, error) {
	if c.SSH.Address == "" {
		c.SSH.Address = ":2222"
	}
	if len(c.Clusters) == 0 {
		c.Clusters = map[string]Cluster{"default": {}}
	}
	if c.HookProgram == "" {
		self, err := os.Executable()
		if err != nil {
			return c, fmt.Errorf("find pushboat-hook: %w", err)
		}
		c.HookProgram = filepath.Join(filepath.Dir(self), "pushboat-hook")
	}
	return c, c.check()
}

// check returns all that is wrong with the settings themselves, each with its name.
// What they name is tried by trial.
func (c Config) check() error {
	var problems problems
	problems.when(c.Data == "", "no data directory: give --data DIR, or data: in the configuration")
	problems.when(len(c.Keys.Admin) == 0 && c.Keys.File == "",
		"nobody could log in: give --admin-key FILE.pub, or keys: in the configuration")
	problems.when(c.SSH.IdleTimeout != 0 && c.SSH.IdleTimeout < time.Minute,
		"ssh.idle_timeout: %s is less than 1m, which git itself needs", c.SSH.IdleTimeout)
	if c.SSH.Advertise != "" {
		_, err := sshd.ParseAddress(c.SSH.Advertise)
		problems.add("ssh.advertise", err)
	}
	if c.Debug.Address != "" {
		problems.add("debug.address", checkLoopback(c.Debug.Address))
	}
	plain := c.Secrets.Plain
	problems.when(plain != "" && plain != "refuse" && plain != "allow", "secrets.plain is neither refuse nor allow")
	for _, tool := range c.Drift.HandTools {
		problems.when(strings.Trim(tool, "*") == "", "drift.hand_tools: %q would take every controller for a hand; name the tools", tool)
	}
	_, hasDefault := c.Clusters[appfile.DefaultCluster]
	problems.when(!hasDefault, "clusters: one has to be called %q", appfile.DefaultCluster)
	c.checkKeys(&problems)
	c.Git.check(&problems)
	c.Render.check(&problems)
	_, err := newLog(c.Log)
	problems.add("", err)
	return problems.err()
}

// checkKeys refuses keys, tokens and passwords where the path of a file or the name
// of a variable is meant.
func (c Config) checkKeys(problems *problems) {
	for setting, paths := range map[string][]string{
		"keys.admin (--admin-key)": c.Keys.Admin, "keys.file (--keys)": {c.Keys.File},
		"secrets.age_keys": c.Secrets.AgeKeys, "secrets.pgp_keys": c.Secrets.PGPKeys,
		"charts.credentials": slices.Collect(maps.Values(c.Charts.Credentials)),
	} {
		for _, path := range paths {
			problems.add("", access.CheckKeyPath(setting, path))
		}
	}
	for i, name := range c.Secrets.Environment {
		problems.when(!variable.MatchString(name),
			"secrets.environment: entry %d is not the name of a variable; write the name without its value", i+1)
	}
}

// variable is the name of a variable of the environment, as the clients of clouds
// and Vault have them.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
