package server

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/outgoing"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/secrets"
	"github.com/pushboat/pushboat/internal/settings"
)

// FolderKeys are the decryption keys for rendering a folder without a server.
type FolderKeys struct {
	Age  []string // files of age identities
	SSH  []string // files of private SSH keys
	PGP  []string // files of PGP private keys without passphrase
	None bool     // do without the values of encrypted files
}

// Open returns a decrypter with these keys and those that sops itself would use:
// SOPS_AGE_KEY_FILE and SOPS_AGE_SSH_PRIVATE_KEY_FILE. It returns nil if there are
// none. The caller must close it.
func (k FolderKeys) Open() (*secrets.Decrypter, error) {
	if k.None {
		return secrets.Placeholders(), nil
	}
	config := secrets.Config{Local: true, AgeKeys: k.Age, SSHKeys: k.SSH, PGPKeys: k.PGP}
	if file := os.Getenv("SOPS_AGE_KEY_FILE"); file != "" {
		config.AgeKeys = append(config.AgeKeys, file)
	}
	if file := os.Getenv("SOPS_AGE_SSH_PRIVATE_KEY_FILE"); file != "" {
		config.SSHKeys = append(config.SSHKeys, file)
	}
	if len(config.AgeKeys)+len(config.SSHKeys)+len(config.PGPKeys) == 0 {
		return nil, nil
	}
	for setting, files := range map[string][]string{"--age-key": config.AgeKeys, "--ssh-key": config.SSHKeys, "--pgp-key": config.PGPKeys} {
		if err := findKeys(setting, files); err != nil {
			return nil, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the running program: %w", err)
	}
	config.Program = filepath.Join(filepath.Dir(self), "pushboat-sops")
	return secrets.New(config), nil
}

// findKeys makes the paths of key files absolute, and refuses files that cannot be
// read. Its errors never repeat a path, which may be a key by mistake.
func findKeys(setting string, files []string) error {
	for i, file := range files {
		if err := access.CheckKeyPath(setting, file); err != nil {
			return err
		}
		if _, err := os.ReadFile(file); err != nil {
			return fmt.Errorf("read the file that %s names: %w", setting, access.WithoutPath(err))
		}
		abs, err := filepath.Abs(file)
		if err != nil {
			return fmt.Errorf("find the file that %s names: %w", setting, access.WithoutPath(err))
		}
		files[i] = abs
	}
	return nil
}

// FolderCharts says where charts come from when a folder is rendered without a server.
type FolderCharts struct {
	File       string   // a server's configuration, of which only charts and outgoing count; "": none
	Registries []string // allowed in addition to those of the file
	Dir        string   // where to keep charts; "": the user's cache folder
}

// Open returns a store that fetches the charts. It returns nil, which fetches none, if
// no registry is allowed.
func (c FolderCharts) Open() (*charts.Store, error) {
	var config settings.Config
	if c.File != "" {
		var err error
		if config, err = settings.ReadFile(c.File); err != nil {
			return nil, err
		}
	}
	config.Charts.Registries = append(config.Charts.Registries, c.Registries...)
	if len(config.Charts.Registries) == 0 {
		return nil, nil //nolint:nilnil // to the renderer nil is a store that fetches nothing
	}
	dir := c.Dir
	if dir == "" {
		caches, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("find where to keep charts: %w; give --cache DIR", err)
		}
		dir = filepath.Join(caches, "pushboat", "charts")
	}
	way, err := outgoing.Open(outgoingConfig(config))
	if err != nil {
		return nil, fmt.Errorf("use the settings of --config: %w", err)
	}
	of := chartsConfig(config, dir, way)
	of.Local = true
	store, err := charts.New(of)
	if err != nil {
		return nil, fmt.Errorf("use --registry and the settings of --config: %w", err)
	}
	return store, nil
}
