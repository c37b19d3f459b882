package server

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/metrics"
	"github.com/pushboat/pushboat/internal/outgoing"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/secrets"
	"github.com/pushboat/pushboat/internal/settings"
)

// Settings reads the settings, and tries the files and keys that they name, as a start
// does. Its error joins everything that would keep the server from starting.
func Settings(sources settings.Sources) (settings.Config, error) {
	c, err := readSettings(sources)
	if err != nil {
		return c, err
	}
	return c, tryOut(c)
}

// readSettings reads the settings, and fills in the path of the hook program.
func readSettings(sources settings.Sources) (settings.Config, error) {
	c, err := sources.Read()
	if err != nil {
		return c, err
	}
	if c.Hook == "" {
		self, err := os.Executable()
		if err != nil {
			return c, fmt.Errorf("find pushboat-hook: %w", err)
		}
		c.Hook = filepath.Join(filepath.Dir(self), "pushboat-hook")
	}
	for _, path := range []*string{&c.Hook, &c.Data} {
		if *path, err = filepath.Abs(*path); err != nil {
			return c, fmt.Errorf("find the current directory: %w", err)
		}
	}
	return c, nil
}

// trial collects the errors of everything that a configuration names, so that the user
// sees all of them at once.
type trial struct {
	config settings.Config
	found  []error
}

// add notes an error, if there is one. setting is the name of the setting, or of an
// entry of it; label begins the message and may be "".
func (t *trial) add(setting, label string, err error) {
	if err != nil {
		t.found = append(t.found, settings.Problem{Place: t.config.Origin(setting), Setting: label, Message: err.Error()})
	}
}

// tryOut tries everything that the configuration names: files, keys, programs. A server
// that would fail at the first push, or at the first encrypted file, must not start. It
// connects to nothing, because a cluster or a registry may be away for a while.
func tryOut(c settings.Config) error {
	t := &trial{config: c}
	t.kubeconfigs()
	if _, err := access.ReadDirectory(keyFiles(c)); err != nil {
		t.found = append(t.found, err) // which names the file
	}
	t.secrets()
	t.outgoing()
	t.backup()
	t.metrics()
	t.traces()
	t.add("hook", "the hook program", executable(c.Hook))
	return errors.Join(t.found...)
}

func (t *trial) kubeconfigs() {
	for _, name := range slices.Sorted(maps.Keys(t.config.Clusters)) {
		_, err := kube.Kubeconfig{File: t.config.Clusters[name].Kubeconfig, Allowed: allowed(t.config)}.Way()
		setting := "clusters/" + name
		if t.config.Origin(setting) == (settings.Place{}) {
			setting = "kubeconfig"
		}
		t.add(setting, "cluster "+name, err)
	}
}

// secrets makes pushboat-sops open the configured keys, one after the other. It drops
// the program's own messages, which may contain part of a key.
func (t *trial) secrets() {
	for _, list := range []struct {
		setting string
		files   []string
		config  func(file string) secrets.Config
	}{
		{"secrets.ageKeys", t.config.Secrets.AgeKeys, func(file string) secrets.Config { return secrets.Config{AgeKeys: []string{file}} }},
		{"secrets.pgpKeys", t.config.Secrets.PGPKeys, func(file string) secrets.Config { return secrets.Config{PGPKeys: []string{file}} }},
	} {
		for i, file := range list.files {
			_, err := os.ReadFile(file)
			err = access.WithoutPath(err)
			if err == nil {
				config := list.config(file)
				config.Program = sopsProgram(t.config)
				err = secrets.Try(config)
			}
			t.add(entryOf(list.setting, i), fmt.Sprintf("%s: entry %d", list.setting, i+1), err)
		}
	}
	for i, name := range t.config.Secrets.Environment {
		if _, set := os.LookupEnv(name); !set {
			t.add(entryOf("secrets.environment", i), "secrets.environment", noVariable(i))
		}
	}
}

// entryOf is the name of an entry of a list, see settings.Config.Origin.
func entryOf(setting string, i int) string { return setting + "/" + strconv.Itoa(i+1) }

// noVariable is the error for an entry of secrets.environment.
func noVariable(i int) error {
	return fmt.Errorf("entry %d: there is no such variable; set it for the server, or take the entry out", i+1)
}

// outgoing tries the settings for requests to registries.
func (t *trial) outgoing() {
	way, err := outgoing.Open(outgoingConfig(t.config))
	t.named(err)
	if err == nil {
		_, err = charts.New(chartsConfig(t.config, filepath.Join(t.config.Data, "charts"), way))
		t.named(err)
	}
}

// metrics tries the token for scrapes.
func (t *trial) metrics() {
	if file := t.config.Metrics.Token; file != "" {
		_, err := metrics.ReadToken(file)
		t.add("metrics.token", "metrics.token", access.WithoutPath(err))
	}
}

// named notes an error that names its setting, or each of the errors that it joins.
func (t *trial) named(err error) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			t.named(one)
		}
		return
	}
	setting := ""
	if of, ok := errors.AsType[*outgoing.SettingError](err); ok {
		setting = of.Setting
	}
	t.add(setting, "", err)
}

func outgoingConfig(c settings.Config) outgoing.Config {
	of := c.Outgoing
	return outgoing.Config{CA: of.CA, Proxy: of.Proxy, Credentials: of.ProxyCredentials, NoProxy: of.NoProxy}
}

// chartsConfig is the configuration of a store that keeps charts in a directory.
func chartsConfig(c settings.Config, dir string, way *outgoing.Way) charts.Config {
	of := c.Charts
	return charts.Config{
		Registries: of.Registries, Credentials: of.Credentials, CA: of.CA, TrustedRoot: of.TrustedRoot, Dir: dir, Size: int64(of.CacheSize), Way: way,
	}
}

// sopsProgram is the path of pushboat-sops, in the same folder as pushboat-hook.
func sopsProgram(c settings.Config) string {
	return filepath.Join(filepath.Dir(c.Hook), "pushboat-sops")
}

// keyFiles are the files with operators' keys.
func keyFiles(c settings.Config) access.Files {
	return access.Files{AdminKeys: c.Keys.Admin, Authorized: c.Keys.File}
}

// executable returns an error if a program cannot be run.
func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("%w; pushboat-hook and pushboat-sops must be in the same folder as pushboat, or give --hook PATH", err)
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return fmt.Errorf("%q is not an executable file; chmod 755 it", path)
	}
	return nil
}
