package settings

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// given is the environment of a test.
type given map[string]string

func (g given) environment() environment {
	return environment{
		lookup: func(name string) (string, bool) { value, set := g[name]; return value, set },
		names:  func() []string { return slices.Collect(maps.Keys(g)) },
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pushboat.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// lines returns the lines of an error, without the path of the file.
func lines(err error, file string) []string {
	if err == nil {
		return nil
	}
	return strings.Split(strings.ReplaceAll(err.Error(), file, "FILE"), "\n")
}

// TestFlagsWinOverTheEnvironmentOverTheFile tries a value of each type.
func TestFlagsWinOverTheEnvironmentOverTheFile(t *testing.T) {
	values := map[string][]string{ // in the form of the file, a variable and a flag
		"ssh.address":        {":1", ":2", ":3"},
		"ssh.maxConnections": {"1", "2", "3"},
		"git.timeout":        {"1m", "2m", "3m"},
		"git.maxPushSize":    {"1Mi", "2Mi", "3Mi"},
		"drift.handTools":    {"[one]", "two", "three"},
		"charts.credentials": {"{one: /1}", "two=/2", "three=/3"},
		"clusters":           {"{default: {kubeconfig: /1}}", "default=/2", "default=/3"},
	}
	read := func(levels int, name string) string {
		variables := given{"PUSHBOAT_DATA": "/data", "PUSHBOAT_KEYS_FILE": "/keys"}
		sources := Sources{Flags: map[string][]string{}}
		setting, _ := find(name)
		if levels > 0 {
			section, last, inSection := strings.Cut(name, ".")
			file := section + ": " + values[name][0]
			if inSection {
				file = section + ": {" + last + ": " + quoteScalar(values[name][0]) + "}"
			}
			sources.File = write(t, file)
		}
		if levels > 1 {
			variables[setting.Variable()] = values[name][1]
		}
		if levels > 2 {
			sources.Flags[name] = []string{values[name][2]}
		}
		c, err := sources.read(variables.environment())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return format(setting.field(&c))
	}
	for name := range values {
		bare := defaults()
		bare.finish()
		setting, _ := find(name)
		if got, want := read(0, name), format(setting.field(&bare)); got != want {
			t.Errorf("%s: without a value it is %s, want %s", name, got, want)
		}
		for level, digit := range []string{"1", "2", "3"} {
			got := read(level+1, name)
			if word := []string{"one", "two", "three"}[level]; !strings.Contains(got, digit) && !strings.Contains(got, word) {
				t.Errorf("%s: with %d levels it is %s", name, level+1, got)
			}
		}
	}
}

func quoteScalar(text string) string {
	if strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{") {
		return text
	}
	return `"` + text + `"`
}

// TestAdminKeysAddUp: a flag adds admin keys, so it locks nobody out.
func TestAdminKeysAddUp(t *testing.T) {
	file := write(t, "data: here\nkeys: {admin: [a.pub, /b.pub]}\n")
	c, err := Sources{File: file, Flags: map[string][]string{"keys.admin": {"c.pub", "d.pub"}}}.read(given{}.environment())
	want := []string{filepath.Join(filepath.Dir(file), "a.pub"), "/b.pub", "c.pub", "d.pub"}
	if err != nil || !slices.Equal(c.Keys.Admin, want) {
		t.Errorf("got %q, %v", c.Keys.Admin, err)
	}
}

// TestKubeconfigIsThatOfTheClusterDefault: the kubeconfig may come from the flag, the
// variable, or the file.
func TestKubeconfigIsThatOfTheClusterDefault(t *testing.T) {
	file := write(t, "data: /d\nkeys: {file: /k}\nclusters: {default: {kubeconfig: /1}, prod: {kubeconfig: p}}\n")
	c, err := Sources{File: file, Flags: map[string][]string{"kubeconfig": {"/2"}}}.read(given{}.environment())
	if err != nil || c.Clusters["default"].Kubeconfig != "/2" || c.Clusters["prod"].Kubeconfig != filepath.Join(filepath.Dir(file), "p") {
		t.Errorf("got %v, %v", c.Clusters, err)
	}
	if at := c.Origin("clusters/prod").String(); at != file+":3" {
		t.Errorf("the cluster prod is said to be given at %s", at)
	}
}

// TestAllProblemsAtOnce: all problems are reported, each with its line and the intended
// name, in the order of the file.
func TestAllProblemsAtOnce(t *testing.T) {
	file := write(t, `data: here
shh: {address: ":2222"}
ssh:
  idle_timout: 5m
  idleTimeout: 10s
  maxConnections: many
  maxStartups: 0
  maxSessionsPerConnection: -1
git: {maxCpuTime: 10ms}
log:
  level: loud
  level: info
level: debug
http: off
maxWorkrs: 3
render: {maxMemory: 10Mi, maxWorkers: 2}
drift:
  handTools: [kubectl-*, "*"]
clusters: {prod: {kubeconfig: x, contxt: y}}
charts: {registries: https://charts.example.org}
outgoing: {proxy: "http://ana:hunter2@proxy:3128", noProxy: [a, "b c"]}
`)
	_, err := Sources{File: file, Flags: map[string][]string{"git.timeout": {"soon"}}}.read(given{"PUSHBOAT_GIT_MAX_PUSH_SIZE": "-1"}.environment())
	want := []string{
		"FILE:2: there is no setting shh; did you mean ssh?",
		"FILE:4: there is no setting ssh.idle_timout; did you mean ssh.idleTimeout?",
		"FILE:5: ssh.idleTimeout: 10s is less than 1m, which git itself needs",
		"FILE:6: ssh.maxConnections: the value is no number; write 5 or 1024",
		"FILE:7: ssh.maxStartups: 0 is less than 1",
		"FILE:8: ssh.maxSessionsPerConnection: -1 is less than 1",
		"FILE:9: git.maxCpuTime: 10ms is less than 1s",
		`FILE:11: log.level: "loud" is not one of error, warn, info, debug`,
		"FILE:12: the same name stands on line 11",
		"FILE:13: there is no setting level; did you mean log.level?",
		"FILE:14: http: this is a section; its settings stand below it, each with two blanks before it",
		"FILE:15: there is no setting maxWorkrs; did you mean render.maxWorkers?",
		"FILE:16: render.maxMemory: 10Mi is less than 1Gi, which one of them may take",
		`FILE:18: drift.handTools: "*" would take every controller for a hand tool; name the tools`,
		"FILE:19: clusters: a cluster has the settings kubeconfig, labels and annotations: {name: {kubeconfig: FILE, labels: {region: eu}}}",
		"FILE:20: charts.registries: the value is no list; write [one, two]",
		"FILE:21: outgoing.proxy: there are credentials in the address; write them into a file, and its path into outgoing.proxyCredentials",
		"FILE:21: outgoing.noProxy: entry 2 is no host, .domain, address or network; write registry.internal, .svc or 10.0.0.0/8",
		"PUSHBOAT_GIT_MAX_PUSH_SIZE: git.maxPushSize: the value is no size; write 512Mi or 1Gi",
		"--git-timeout: git.timeout: the value is no duration; write 90s, 5m or 1h30m",
		"nobody could log in: give --admin-key FILE.pub, or keys: in the configuration",
	}
	if got := lines(err, file); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestFilesThatAreNoConfiguration: such a file gives one error, with the line.
func TestFilesThatAreNoConfiguration(t *testing.T) {
	for text, want := range map[string]string{
		"data: [":                "FILE:1: this is no YAML: did not find expected node content",
		"a: 1\nb: *x\n":          "FILE: this is no YAML: an anchor is not known",
		"- data\n":               "FILE:1: a configuration is a mapping of settings: {data: DIR, ssh: {address: :2222}}",
		"data: a\n---\ndata: b":  "FILE:2: a configuration is one document, and here a second one begins",
		strings.Repeat("#", 2e6): "read configuration FILE: it has more than 1048576 bytes",
	} {
		file := write(t, text)
		_, err := Sources{File: file}.read(given{}.environment())
		if got := lines(err, file); !slices.Equal(got, []string{want}) {
			t.Errorf("%.20q: got %q, want %q", text, got, want)
		}
	}
	if _, err := (Sources{File: "no-such-file"}).read(given{}.environment()); err == nil || err.Error() != "read configuration: open no-such-file: no such file or directory" {
		t.Errorf("got %v", err)
	}
}

// TestEmptyIsNotGiven tries an empty file, an empty value, and an empty variable.
func TestEmptyIsNotGiven(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "~\n", "ssh:\n", "ssh: {idleTimeout: , address: ~}\n"} {
		sources := Sources{File: write(t, text), Flags: map[string][]string{"data": {"d"}, "keys.file": {"k"}}}
		c, err := sources.read(given{"PUSHBOAT_SSH_IDLE_TIMEOUT": ""}.environment())
		if err != nil || c.SSH.IdleTimeout != 10*time.Minute || c.SSH.Address != ":2222" {
			t.Errorf("%q: %v, %v", text, c.SSH, err)
		}
	}
}

// TestAliasesAreFollowed: an alias stands for the value of its anchor.
func TestAliasesAreFollowed(t *testing.T) {
	file := write(t, "data: d\nkeys: {file: k}\nssh: {idleTimeout: &five 5m}\ngit: {timeout: *five}\n")
	c, err := Sources{File: file}.read(given{}.environment())
	if err != nil || c.Git.Timeout != 5*time.Minute {
		t.Errorf("got %s, %v", c.Git.Timeout, err)
	}
}

// TestStrangersAreNamed: variables that look like settings are reported, except those that
// Kubernetes makes for Services.
func TestStrangersAreNamed(t *testing.T) {
	got := strangers(given{
		"PUSHBOAT_SSH_ADRESS": ":2222", "PUSHBOAT_SSH_ADDRESS": ":2222", "PUSHBOAT_CONFIG": "x", "PATH": "/bin", "PUSHBOAT_COLOUR": "red",
		"PUSHBOAT_SERVICE_HOST": "10.0.0.1", "PUSHBOAT_SERVICE_PORT_SSH": "22", "PUSHBOAT_PORT": "tcp://10.0.0.1:22", "PUSHBOAT_PORT_22_TCP_ADDR": "10.0.0.1",
	}.environment())
	want := []string{
		"the environment has PUSHBOAT_COLOUR, which is no setting",
		"the environment has PUSHBOAT_SSH_ADRESS, which is no setting; did you mean PUSHBOAT_SSH_ADDRESS?",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestChanges(t *testing.T) {
	read := func(text string) Config {
		c, err := ReadFile(write(t, text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	var names []string
	for _, s := range Changed(read("data: /a\nlog: {level: info}\nkeys: {admin: [/k]}\n"), read("data: /b\nkeys: {admin: [/k, /l]}\nssh: {address: ':2222'}\n")) {
		names = append(names, s.Name)
	}
	if want := []string{"data", "keys.admin"}; !slices.Equal(names, want) {
		t.Errorf("the changed settings are %q, want %q", names, want)
	}
}

// TestSampleHasTheDefaults: the sample has a default value in each line, unless its table
// row has another value for it.
func TestSampleHasTheDefaults(t *testing.T) {
	var text strings.Builder
	if err := WriteSample(&text); err != nil {
		t.Fatal(err)
	}
	c, err := Sources{File: write(t, text.String())}.read(given{}.environment())
	if err != nil {
		t.Fatal(err)
	}
	bare := defaults()
	bare.finish()
	for _, s := range Changed(bare, c) {
		if s.sample == "" {
			t.Errorf("in the sample %s is %s", s.Name, format(s.field(&c)))
		}
	}
	for _, s := range Table() {
		if c.Origin(s.Name) == (Place{}) {
			t.Errorf("the sample lacks %s", s.Name)
		}
	}
}

// TestReadText: a text is read like a file with that content.
func TestReadText(t *testing.T) {
	for text, want := range map[string]string{
		"data: /data\nkeys: {file: /keys}\n":                   "",
		"data: /data\nkeys: {file: /keys}\nlog: {level: loud}": "to-be.yaml:3: log.level",
		"data: /data\nkeys: {fil: /keys}\n":                    "to-be.yaml:2: there is no setting keys.fil",
		"data: [\n":                                            "to-be.yaml",
		strings.Repeat("#", maxFile+1):                         "more than",
	} {
		_, err := ReadText("to-be.yaml", []byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}
