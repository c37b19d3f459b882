package deploy

import "testing"

// Another tool's controller leaves an app alone when its object says so.
func TestStoppedControllers(t *testing.T) {
	spec := func(fields map[string]any) map[string]any { return map[string]any{"spec": fields} }
	policy := func(automated any) map[string]any {
		return spec(map[string]any{"syncPolicy": map[string]any{"automated": automated}})
	}
	for _, test := range []struct {
		kind   string
		object map[string]any
		want   bool
	}{
		{"Kustomization", spec(map[string]any{"suspend": true}), true},
		{"Kustomization", spec(map[string]any{"suspend": false}), false},
		{"HelmRelease", spec(nil), false},
		{"HelmRelease", spec(map[string]any{"suspend": true}), true},
		{"Application", spec(nil), true},
		{"Application", policy(map[string]any{"prune": true}), false},
		{"Application", policy(map[string]any{}), false},
		{"Application", policy(map[string]any{"enabled": false}), true},
		{"Application", policy(nil), true},
	} {
		if got := controllers[test.kind].stopped(test.object); got != test.want {
			t.Errorf("%s %v: %v", test.kind, test.object, got)
		}
	}
}
