package plan

import (
	"context"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Own says what may be deployed of the server itself. The zero value: nothing.
type Own struct {
	Repo    name.Repo // the one repository that may
	Cluster string    // on which the server runs
	// Check says why an object must not be deployed; nil: it may. An object that it has
	// not seen before is no reason to let it pass.
	Check func(ctx context.Context, o *manifest.Object) *manifest.Problem
}

// refuse returns the reason for not deploying an object of the server's own, which no grant
// gives, as part of a target; nil: it may be.
func (own Own) refuse(ctx context.Context, cluster string, t *Target, o Placed) *manifest.Problem {
	problem := &manifest.Problem{
		Message: "namespace " + kube.SystemNamespace + " is where this server keeps the inventories of apps; it is no app's",
		Hint:    "choose another namespace",
	}
	if kube.IsOwnRight(o.Key) {
		problem.Message, problem.Hint = "it gives this server its rights; it is no app's", "choose another name"
	}
	if own.Repo != "" && own.Repo == t.Repo && own.Cluster == cluster {
		problem = own.Check(ctx, o.Object)
	}
	if problem != nil {
		problem.App, problem.Source, problem.Object = t.Spec.Name, o.Source, o.Key.String()
	}
	return problem
}
