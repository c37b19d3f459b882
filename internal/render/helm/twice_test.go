package helm

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// TestTemplatesEndWithTheirCaller: rendering stops when its caller gives up.
func TestTemplatesEndWithTheirCaller(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("given up"))
	files := chartOf(map[string]string{"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"})
	objects, problems := Render(ctx, files, "c", Release{Name: "web", Cluster: Offline()})
	if len(objects) != 0 || len(problems) != 1 || !strings.Contains(problems[0].Message, context.Canceled.Error()) {
		t.Errorf("rendered %d objects, with the problems %v", len(objects), problems)
	}
}
