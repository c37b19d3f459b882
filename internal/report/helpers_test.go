package report

import (
	"fmt"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// planOf makes a plan that leaves some objects as they are and deletes others.
func planOf(unchanged int, deleted ...manifest.ID) *plan.Plan {
	made := &plan.Plan{App: "shop", Cluster: "default", Revision: name.Revision(strings.Repeat("a", 40))}
	for i := range unchanged {
		made.Steps = append(made.Steps, plan.Step{ID: manifesttest.ConfigMap(fmt.Sprint("kept", i)), Action: record.Unchanged})
	}
	for _, id := range deleted {
		made.Prune = append(made.Prune, plan.Step{ID: id, Action: record.Delete})
	}
	return made
}
