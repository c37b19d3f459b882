package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// canary is a secret that stands in the wrong place of a configuration.
const canary = "hunter2-Xq9ZkT7w"

// TestErrorsRepeatNoValue tries each place in which a secret may stand by mistake.
func TestErrorsRepeatNoValue(t *testing.T) {
	const rest = "data: here\nkeys: {file: keys}\n"
	for name, text := range map[string]string{
		"text for a list":        rest + "secrets: {ageKeys: " + canary + "}\n",
		"text for a mapping":     rest + "charts: {credentials: " + canary + "}\n",
		"list for a text":        rest + "charts: {ca: [" + canary + "]}\n",
		"a setting's name":       rest + "secrets: {" + canary + ": x}\n",
		"a setting":              rest + canary + ": x\n",
		"a name twice":           rest + "charts: {credentials: {" + canary + ": a, " + canary + ": b}}\n",
		"an alias":               rest + "secrets: {ageKeys: [*" + canary + "]}\n",
		"secrets.plain":          rest + "secrets: {plain: " + canary + "}\n",
		"log.level":              rest + "log: {level: " + canary + "}\n",
		"a duration":             rest + "git: {timeout: " + canary + "}\n",
		"a variable's value":     rest + "secrets: {environment: [VAULT_TOKEN=" + canary + "]}\n",
		"an age key":             rest + "secrets: {ageKeys: [AGE-SECRET-KEY-1" + canary + "]}\n",
		"a PGP key":              rest + "secrets:\n  pgpKeys:\n  - |\n    -----BEGIN PGP PRIVATE KEY BLOCK-----\n    " + canary + "\n",
		"an SSH key":             "data: here\nkeys:\n  admin:\n  - |\n    -----BEGIN OPENSSH PRIVATE KEY-----\n    " + canary + "\n",
		"text that is no YAML":   rest + "secrets: {ageKeys: ['" + canary + "]}\n",
		"a value of another tag": rest + "secrets: {keys: !!map " + canary + "}\n",
		"a proxy's password":     rest + "outgoing: {proxy: 'http://ana:" + canary + "@proxy:3128'}\n",
		"a proxy":                rest + "outgoing: {proxy: '%zz" + canary + "'}\n",
		"a cluster":              rest + "clusters: {default: " + canary + "}\n",
	} {
		file := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Sources{File: file}.read(given{}.environment())
		switch {
		case err == nil:
			t.Errorf("%s: accepted", name)
		case strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestErrorsRepeatNoValueOfVariablesAndFlags: a shell may have put a secret there.
func TestErrorsRepeatNoValueOfVariablesAndFlags(t *testing.T) {
	for _, name := range []string{"git.timeout", "git.maxPushSize", "ssh.maxStartups", "clusters", "charts.credentials", "log.level", "secrets.plain", "outgoing.proxy"} {
		setting, _ := find(name)
		for _, sources := range []struct {
			Sources
			given
		}{
			{Sources{Flags: map[string][]string{name: {canary}}}, given{}},
			{Sources{}, given{setting.Variable(): canary}},
		} {
			_, err := sources.read(sources.environment())
			if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestShownValuesAreNoSecrets: a path is shown only if its file exists.
func TestShownValuesAreNoSecrets(t *testing.T) {
	there := write(t, "ana:geheim")
	file := write(t, "data: d\nkeys: {file: k}\nsecrets: {ageKeys: ["+there+"], pgpKeys: ["+canary+"]}\n"+
		"charts: {credentials: {'https://r.example.org': 'ana:"+canary+"'}}\noutgoing: {proxy: 'http://p:1', proxyCredentials: 'ana:"+canary+"'}\n")
	c, err := Sources{File: file}.read(given{}.environment())
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	if err := c.WriteValues(&shown); err != nil {
		t.Fatal(err)
	}
	if text := shown.String(); strings.Contains(text, "hunter2") || strings.Count(text, "not shown") != 3 || !strings.Contains(text, "secrets.ageKeys: ["+there) {
		t.Errorf("the shown settings are\n%s", text)
	}
}

// FuzzFile: no file crashes the program, and accepted settings pass their own checks again.
func FuzzFile(f *testing.F) {
	var sample strings.Builder
	if err := WriteSample(&sample); err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{sample.String(), "a: &a [*a]", "ssh: {? {}: 1}", "clusters: {<<: {default: {}}}", "keys: {admin: [{}]}", "charts: {credentials: {a: {}}}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		first, err := Sources{File: file}.read(given{}.environment())
		if err != nil {
			return
		}
		if second, err := (Sources{File: file}).read(given{}.environment()); err != nil || len(Changed(first, second)) > 0 {
			t.Errorf("read again it is another configuration: %v", err)
		}
	})
}
