package command

import (
	"context"

	"github.com/pushboat/pushboat/internal/appfile"
)

// schema prints the JSON schema of pushboat.yaml.
func schema(_ context.Context, c *call) error {
	_, err := c.Write(appfile.Schema())
	return err
}
