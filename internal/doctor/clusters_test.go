package doctor

import (
	"errors"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
)

func TestExamineCluster(t *testing.T) {
	d := &Doctor{Rules: rules.None}
	allowed := func(manifest.Right) error { return nil }
	for name, test := range map[string]struct {
		patient  patient
		findings int
		says     string // of the last
		level    Level
	}{
		"well":     {patient{may: allowed}, 2, "may do what", OK},
		"away":     {patient{away: errors.New("connection refused")}, 1, "connection refused", Problem},
		"unsure":   {patient{may: func(manifest.Right) error { return errors.New("timeout") }}, 2, "not known: timeout", Warning},
		"narrower": {patient{may: func(r manifest.Right) error { return lack(r, "pods") }}, 2, "the user pb may not get pods in the whole cluster", Problem},
	} {
		found := d.examineCluster(t.Context(), test.patient, noon)
		if len(found) != test.findings || !strings.Contains(found[len(found)-1].Says, test.says) || found[len(found)-1].Level != test.level || found[0].About != "default" {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// lack refuses rights on a resource.
func lack(right manifest.Right, resource string) error {
	if right.Resource != resource {
		return nil
	}
	return &kube.RefusedError{Right: right}
}
