package secrets

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// tryTimeout bounds how long the program may take to open its keys.
const tryTimeout = 20 * time.Second

// Try has the program open the keys that the configuration names, as it does before
// the first file. The error says no more than that it could not: the program's own
// words may have a part of a key in them.
func Try(config Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), tryTimeout)
	defer cancel()
	command := commandOf(config)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append([]string{"GOTRACEBACK=none"}, config.Environment...)
	cmd.Dir = "/"
	err := cmd.Run() // without input it ends as soon as it has its keys
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return errors.New("the file holds no key that pushboat-sops can read")
	}
	if err != nil {
		return fmt.Errorf("start pushboat-sops: %w", err)
	}
	return nil
}
