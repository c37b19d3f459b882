package report

import (
	"fmt"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

func configMap(name string) manifest.ID {
	return manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: name}
}

func configMaps(n int) []manifest.ID {
	ids := make([]manifest.ID, n)
	for i := range ids {
		ids[i] = configMap(fmt.Sprint("c", i))
	}
	return ids
}

// planOf makes a plan that leaves some objects as they are and deletes others.
func planOf(unchanged int, deleted ...manifest.ID) *plan.Plan {
	made := &plan.Plan{App: "shop", Cluster: "default", Revision: strings.Repeat("a", 40)}
	for i := range unchanged {
		made.Steps = append(made.Steps, plan.Step{ID: configMap(fmt.Sprint("kept", i)), Action: record.Unchanged})
	}
	for _, id := range deleted {
		made.Prune = append(made.Prune, plan.Step{ID: id, Action: record.Delete})
	}
	return made
}
