package plan

import (
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// Position is when a step comes: objects of one position are applied at the
// same time.
type Position struct {
	Wave  int32
	Stage int
}

// Before reports whether a position comes before another one.
func (p Position) Before(other Position) bool {
	if p.Wave != other.Wave {
		return p.Wave < other.Wave
	}
	return p.Stage < other.Stage
}

// hookStage is where the hooks of a wave come: after its objects are applied.
const hookStage = manifest.StageAdmission + 1

// Position returns when the step comes.
func (s Step) Position() Position {
	if s.Action == record.Hook {
		return Position{s.Policy.Wave, hookStage}
	}
	return Position{s.Policy.Wave, manifest.StageOf(s.ID.GroupKind())}
}

// hoistNamespaces moves each namespace into the first wave that has objects in
// it, which could not be made before it.
func hoistNamespaces(steps []Step) {
	first := map[string]int32{}
	for _, step := range steps {
		if wave, seen := first[step.ID.Namespace]; !seen || step.Policy.Wave < wave {
			first[step.ID.Namespace] = step.Policy.Wave
		}
	}
	for i := range steps {
		wave, used := first[steps[i].ID.Name]
		if used && steps[i].ID.GroupKind() == manifest.NamespaceKind && wave < steps[i].Policy.Wave {
			steps[i].Policy.Wave = wave
		}
	}
}
