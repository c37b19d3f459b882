package server

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/secrets"
)

// problems collects what is wrong with a configuration, so that all of it is told
// at once.
type problems struct{ found []error }

// add notes an error, if there is one, under the name of its setting; "": the error
// names it itself.
func (p *problems) add(setting string, err error) {
	switch {
	case err == nil:
	case setting == "":
		p.found = append(p.found, err)
	default:
		p.found = append(p.found, fmt.Errorf("%s: %w", setting, err))
	}
}

// when notes a problem if it is one.
func (p *problems) when(wrong bool, format string, args ...any) {
	if wrong {
		p.found = append(p.found, fmt.Errorf(format, args...))
	}
}

// err returns the problems as one error, which unwraps to them; nil if there are
// none.
func (p *problems) err() error { return errors.Join(p.found...) }

// trial tries whatever the configuration names: files, keys, programs. A server that
// would fail at the first push, or the first encrypted file, does not start. It
// connects to nothing: a cluster or a registry may be away for a while.
func (c Config) trial() error {
	var problems problems
	c.tryKubeconfigs(&problems)
	_, err := access.ReadDirectory(c.keyFiles())
	problems.add("", err)
	c.trySecrets(&problems)
	_, err = charts.New(c.Charts.config(filepath.Join(c.Data, "charts"), false))
	problems.add("", err)
	problems.add("the hook program", executable(c.HookProgram))
	return problems.err()
}

func (c Config) tryKubeconfigs(problems *problems) {
	for _, name := range slices.Sorted(maps.Keys(c.Clusters)) {
		_, err := kube.Kubeconfig{File: c.Clusters[name].Kubeconfig}.Load()
		problems.add("cluster "+name, err)
	}
}

// trySecrets has pushboat-sops open the keys that the configuration names, one after
// the other. Its own words may have a part of a key in them and go nowhere.
func (c Config) trySecrets(problems *problems) {
	for _, list := range []struct {
		setting string
		files   []string
		config  func(file string) secrets.Config
	}{
		{"secrets.age_keys", c.Secrets.AgeKeys, func(file string) secrets.Config { return secrets.Config{AgeKeys: []string{file}} }},
		{"secrets.pgp_keys", c.Secrets.PGPKeys, func(file string) secrets.Config { return secrets.Config{PGPKeys: []string{file}} }},
	} {
		for i, file := range list.files {
			setting := fmt.Sprintf("%s: entry %d", list.setting, i+1)
			if _, err := os.ReadFile(file); err != nil {
				problems.add(setting, access.WithoutPath(err))
				continue
			}
			config := list.config(file)
			config.Program = c.sopsProgram()
			problems.add(setting, secrets.Try(config))
		}
	}
	for i, name := range c.Secrets.Environment {
		_, set := os.LookupEnv(name)
		problems.when(!set, "secrets.environment: entry %d: there is no such variable; set it for the server, or take the entry out", i+1)
	}
}

// sopsProgram is the path of pushboat-sops, which lies beside pushboat-hook.
func (c Config) sopsProgram() string {
	return filepath.Join(filepath.Dir(c.HookProgram), "pushboat-sops")
}

// keyFiles are the files in which operators' keys are.
func (c Config) keyFiles() access.Files {
	return access.Files{AdminKeys: c.Keys.Admin, Authorized: c.Keys.File}
}

// executable is an error if a program cannot be run.
func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("%w; pushboat-hook and pushboat-sops have to lie beside pushboat, or give --hook PATH", err)
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return fmt.Errorf("%q is not an executable file; chmod 755 it", path)
	}
	return nil
}
