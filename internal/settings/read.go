package settings

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Sources are the sources of settings. A flag wins over the environment, that over the
// file, and that over the default. Only for keys.admin do flags add to the other
// sources.
type Sources struct {
	File  string              // "": the one in PUSHBOAT_CONFIG, or none
	Flags map[string][]string // given flags, by the names of the settings
}

// configVariable names the file if no flag does.
const configVariable = prefix + "CONFIG"

// environment is the environment of the process, or that of a test.
type environment struct {
	lookup func(name string) (string, bool)
	names  func() []string
}

var processEnvironment = environment{
	lookup: os.LookupEnv,
	names: func() []string {
		names := os.Environ()
		for i, entry := range names {
			names[i], _, _ = strings.Cut(entry, "=")
		}
		return names
	},
}

// Path is the path of the file; "" if there is none.
func (s Sources) Path() string {
	if s.File != "" {
		return s.File
	}
	path, _ := processEnvironment.lookup(configVariable)
	return path
}

// Read reads the settings and checks them; it does not open the files that they name.
// Its error joins all errors, each with its place.
func (s Sources) Read() (Config, error) { return s.read(processEnvironment) }

func (s Sources) read(env environment) (Config, error) {
	c, problems, err := s.collect(env)
	if err != nil {
		return *c, err
	}
	return *c, problems.err()
}

// ReadSections is Read for programs beside the server, which need some settings of some
// sections alone: it says nothing of others, nor of those that are missing.
func (s Sources) ReadSections(names ...string) (Config, error) {
	c, problems, err := s.collect(processEnvironment)
	if err != nil {
		return *c, err
	}
	problems.found = slices.DeleteFunc(problems.found, func(p Problem) bool {
		section, _, _ := strings.Cut(p.Setting, ".")
		return !slices.Contains(names, section)
	})
	return *c, problems.err()
}

// collect reads the settings, and collects their mistakes. Its error is about a file
// that cannot be read.
func (s Sources) collect(env environment) (*Config, *problems, error) {
	c := defaults()
	if path := s.Path(); path != "" {
		if err := c.readFile(path); err != nil {
			return &c, nil, err
		}
	}
	problems := c.newProblems()
	c.readEnvironment(env, problems)
	c.readFlags(s.Flags, problems)
	c.readOTel(env)
	c.finish()
	c.check(problems)
	return &c, problems, nil
}

// ReadText reads the settings in the text of a file, and checks them. Neither environment
// nor flags count.
func ReadText(path string, text []byte) (Config, error) {
	c := defaults()
	root, err := parseDocument(path, text)
	if err != nil {
		return c, err
	}
	if root != nil {
		f := file{path: path, config: &c}
		f.mapping(root, "")
	}
	c.finish()
	problems := c.newProblems()
	c.check(problems)
	return c, problems.err()
}

// ReadFile reads only a file, for programs that need one section of it. It checks only
// that the file can be read.
func ReadFile(path string) (Config, error) {
	c := defaults()
	if err := c.readFile(path); err != nil {
		return c, err
	}
	c.finish()
	return c, c.newProblems().err()
}

// defaults returns the settings if nothing is given.
func defaults() Config {
	c := Config{origins: origins{places: map[string]Place{}}}
	for _, s := range Table() {
		if s.Default != "" {
			_ = parseText(s.field(&c), s.Default) // a test parses each
		}
	}
	return c
}

// readEnvironment reads the settings in the environment. An empty variable has no
// effect.
func (c *Config) readEnvironment(env environment, problems *problems) {
	for _, s := range Table() {
		text, _ := env.lookup(s.Variable())
		if text == "" {
			continue
		}
		c.origins.set(s.Name, Place{Name: s.Variable()})
		given := []string{text}
		if s.Repeatable() {
			given = split(text)
		}
		problems.add(s.Name, parse(s.field(c), given))
	}
}

// split splits a variable's list at commas.
func split(text string) []string {
	var entries []string
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			entries = append(entries, entry)
		}
	}
	return entries
}

func (c *Config) readFlags(flags map[string][]string, problems *problems) {
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		s, known := find(name)
		given := flags[name]
		if !known || len(given) == 0 {
			continue
		}
		before := slices.Clone(c.Keys.Admin)
		c.origins.set(s.Name, Place{Name: "--" + s.Flag()})
		problems.add(s.Name, parse(s.field(c), given))
		if name == "keys.admin" {
			c.Keys.Admin = append(before, given...)
		}
	}
}

// finish fills in settings that follow from several others.
func (c *Config) finish() {
	if c.Kubeconfig != "" {
		clusters := maps.Clone(c.Clusters)
		if clusters == nil {
			clusters = map[string]Cluster{}
		}
		own := clusters[appfile.DefaultCluster]
		own.Kubeconfig = c.Kubeconfig
		clusters[appfile.DefaultCluster] = own
		c.Clusters = clusters
	}
	if len(c.Clusters) == 0 {
		c.Clusters = map[string]Cluster{appfile.DefaultCluster: {}}
	}
}

// relativeTo makes the paths of a setting in a file relative to the file's folder.
func (s Setting) relativeTo(dir string, c *Config) {
	at := func(path string) string {
		if path == "" || filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(dir, path)
	}
	switch paths := s.field(c).(type) {
	case *string:
		*paths = at(*paths)
	case *[]string:
		for i, path := range *paths {
			(*paths)[i] = at(path)
		}
	case *map[string]string:
		for name, path := range *paths {
			(*paths)[name] = at(path)
		}
	case *map[string]Cluster:
		for name, cluster := range *paths {
			cluster.Kubeconfig = at(cluster.Kubeconfig)
			(*paths)[name] = cluster
		}
	}
}

// Strangers returns a line for each environment variable that looks like a setting, and
// is none. They are no errors. It skips the variables that Kubernetes makes for each
// Service, such as PUSHBOAT_SERVICE_HOST.
func Strangers() []string { return strangers(processEnvironment) }

func strangers(env environment) []string {
	known := []string{configVariable}
	for _, s := range Table() {
		known = append(known, s.Variable())
	}
	var lines []string
	for _, name := range slices.Sorted(slices.Values(env.names())) {
		if !strings.HasPrefix(name, prefix) || slices.Contains(known, name) || ofService(name) {
			continue
		}
		line := "the environment has " + name + ", which is no setting"
		if near := manifest.Closest(name, known); near != "" {
			line += "; did you mean " + near + "?"
		}
		lines = append(lines, line)
	}
	return lines
}

// ofService reports whether Kubernetes may have made a variable for a Service whose
// name begins with pushboat.
func ofService(name string) bool {
	return strings.HasSuffix(name, "_PORT") || strings.Contains(name, "_PORT_") ||
		strings.HasSuffix(name, "_SERVICE_HOST") || strings.Contains(name, "_SERVICE_PORT")
}
