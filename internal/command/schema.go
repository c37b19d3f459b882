package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

// schema prints the JSON schema of a file: of pushboat.yaml, or of the server's rules.
func schema(_ context.Context, c *call) error {
	text := appfile.Schema()
	if len(c.args) == 1 && c.args[0] != appfile.Name {
		var ok bool
		if text, ok = rules.Schema(c.args[0]); !ok {
			files := append([]string{appfile.Name}, rules.Files...)
			hint := "there are those of " + strings.Join(files, ", ")
			if near := manifest.Closest(c.args[0], files); near != "" {
				hint = "did you mean " + near + "?"
			}
			return report.WithHint(fmt.Errorf("there is no schema of %q", manifest.Clean(c.args[0])), "%s", hint)
		}
	}
	_, err := c.Write(text)
	return err
}
