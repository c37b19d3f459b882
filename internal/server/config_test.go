package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// canary is what people put into the wrong place of a configuration.
const canary = "hunter2-Xq9ZkT7w"

// TestConfigurationErrorsRepeatNoValue tries each place in which a secret may land by
// mistake.
func TestConfigurationErrorsRepeatNoValue(t *testing.T) {
	const rest = "data: here\nkeys: {file: keys}\n"
	for name, text := range map[string]string{
		"text for a list":        rest + "secrets: {age_keys: " + canary + "}\n",
		"text for a mapping":     rest + "charts: {credentials: " + canary + "}\n",
		"list for a text":        rest + "charts: {ca: [" + canary + "]}\n",
		"a setting's name":       rest + "secrets: {" + canary + ": x}\n",
		"a name twice":           rest + "charts: {credentials: {" + canary + ": a, " + canary + ": b}}\n",
		"an alias":               rest + "secrets: {age_keys: [*" + canary + "]}\n",
		"secrets.plain":          rest + "secrets: {plain: " + canary + "}\n",
		"a variable's value":     rest + "secrets: {environment: [VAULT_TOKEN=" + canary + "]}\n",
		"an age key":             rest + "secrets: {age_keys: [AGE-SECRET-KEY-1" + canary + "]}\n",
		"a PGP key":              rest + "secrets:\n  pgp_keys:\n  - |\n    -----BEGIN PGP PRIVATE KEY BLOCK-----\n    " + canary + "\n",
		"an SSH key":             "data: here\nkeys:\n  admin:\n  - |\n    -----BEGIN OPENSSH PRIVATE KEY-----\n    " + canary + "\n",
		"text that is no YAML":   rest + "secrets: {age_keys: ['" + canary + "]}\n",
		"a value of another tag": rest + "secrets: {keys: !!map " + canary + "}\n",
	} {
		file := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := ReadConfig(file)
		if err == nil {
			_, err = config.withDefaults()
		}
		switch {
		case err == nil:
			t.Errorf("%s: accepted", name)
		case strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCredentialsInTheWrongPlace: the credentials themselves stand where a file of
// them is meant, or in an address.
func TestCredentialsInTheWrongPlace(t *testing.T) {
	for _, text := range []string{
		"charts: {registries: ['https://r.example.org'], credentials: {'https://r.example.org': 'ana:" + canary + "'}}",
		"charts: {registries: ['https://ana:" + canary + "@r.example.org']}",
		"charts: {registries: ['https://ana:%zz" + canary + "@r.example.org']}",
		"charts: {registries: ['https://r.example.org/?token=" + canary + "']}",
		"charts: {registries: ['ana:" + canary + "@r.example.org']}",
	} {
		file := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := FolderCharts{File: file, Dir: t.TempDir()}.Open()
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s:\n%v", text, err)
		}
	}
}

func TestKeysOfAFolderAreNotRepeated(t *testing.T) {
	for _, given := range []string{"AGE-SECRET-KEY-1" + canary, canary} {
		for _, keys := range []FolderKeys{{Age: []string{given}}, {SSH: []string{given}}, {PGP: []string{given}}} {
			if _, err := keys.Open(); err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q: %v", given, err)
			}
		}
	}
}

// TestConfigurationErrorsNameTheSetting: what is wrong is said with its line.
func TestConfigurationErrorsNameTheSetting(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte("data: here\nshh: {}\nsecrets: {age_keys: x}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ReadConfig(file)
	for _, want := range []string{"line 2: field shh not found", "line 3: the value cannot be read as []string"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}
