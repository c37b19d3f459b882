package server

import (
	"fmt"
	"os"

	"github.com/pushboat/pushboat/internal/render/secrets"
	"github.com/pushboat/pushboat/internal/sshd"
)

// openKeys reads the server's own key, which files may be encrypted for, and gives it
// and the configured keys to the decrypter.
func (s *server) openKeys() (err error) {
	host := s.path("ssh", "host_ed25519")
	if s.hostKey, err = sshd.LoadOrCreateHostKey(host); err != nil {
		return err
	}
	config := secrets.Config{
		Program: sopsProgram(s.config),
		SSHKeys: []string{host}, AgeKeys: s.config.Secrets.AgeKeys, PGPKeys: s.config.Secrets.PGPKeys, Keys: s.config.Secrets.Keys,
		Environment: s.way.Environment(),
	}
	for i, name := range s.config.Secrets.Environment {
		value, set := os.LookupEnv(name)
		if !set {
			return fmt.Errorf("secrets.environment: %w", noVariable(i))
		}
		config.Environment = append(config.Environment, name+"="+value)
	}
	s.keys = secrets.New(config)
	return nil
}
