package deploy

import (
	"context"
	"errors"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/sealed"
)

// records is a Recorder that has manifests and nothing else.
type records struct {
	manifests [][]byte
	err       error
}

func (records) Newest(context.Context, name.Repo) (map[name.App]record.Saved, error) { return nil, nil }
func (records) Save(context.Context, record.Entry) error                             { return nil }
func (r records) Manifests(context.Context, name.Repo, name.App) ([][]byte, error) {
	return r.manifests, r.err
}

func TestWhatAHeldAppWasBroughtToLast(t *testing.T) {
	made := func(revision name.Revision, digest string) *target {
		return &target{Target: plan.Target{Spec: appfile.App{Name: "shop"}, Repo: "shop", Revision: revision, Digest: digest}, computed: true}
	}
	config := []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n")
	masked := []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: login}\ndata: {a: (secret 0123456789ab)}\n")
	for about, test := range map[string]struct {
		accepted, applied, rendered *target
		digest                      string // of the newest record
		manifests                   [][]byte
		err                         error
		want                        name.Revision
		objects                     int
	}{
		"accepted and applied":              {accepted: made("r2", "d2"), applied: made("r1", "d1"), digest: "d2", want: "r2"},
		"accepted, but not applied":         {accepted: made("r2", "d2"), applied: made("r1", "d1"), digest: "d1", want: "r1"},
		"nothing sealed, but it renders":    {rendered: made("r0", "d0"), digest: "d0", want: "r0"},
		"sealed, and the record is lost":    {accepted: made("r2", "d2"), want: "r2"},
		"known by its record alone":         {manifests: [][]byte{config, masked}, want: "recorded", objects: 1},
		"known by its name alone":           {err: errors.New("damaged"), want: "recorded"},
		"rendered rather than of no deploy": {accepted: made("r2", "d2"), rendered: made("r1", "d1"), digest: "d1", want: "r1"},
	} {
		t.Run(about, func(t *testing.T) {
			e := sealing(t)
			e.Recorder = records{test.manifests, test.err}
			for kind, of := range map[sealed.Kind]*target{sealed.Accepted: test.accepted, sealed.Applied: test.applied} {
				if of == nil {
					continue
				}
				if err := e.sealTargets(kind, of); err != nil {
					t.Fatal(err)
				}
			}
			saved := &record.Saved{Record: record.Record{Revision: "recorded", Charts: make([]charts.Chart, 1)}}
			if test.digest != "" {
				saved.Record.Digest = e.Masker.Seal(test.digest)
			}
			got := e.lastApplied("shop", "shop", saved, func(name.Branch, name.Revision, name.App) *target { return test.rendered })
			if got.Revision != test.want || len(got.Objects) != test.objects {
				t.Errorf("got revision %s with %d objects", got.Revision, len(got.Objects))
			}
			if got.origin == fromRecord && len(got.charts) != 1 {
				t.Error("a remnant has not the charts of its record")
			}
			if got.origin == fromRecord && (got.Spec.Prune || got.Spec.Drift != appfile.DriftCorrect) {
				t.Errorf("a remnant has to correct, and to delete nothing: %+v", got.Spec)
			}
		})
	}
}

// TestARemnantIsNotDeployedAnew: a remnant stands for the target that was applied last. It
// is not deployed again, and its corrections do not change the record's digest of that
// target.
func TestARemnantIsNotDeployedAnew(t *testing.T) {
	e := sealing(t)
	a := newApp(e, "shop", "shop", "main")
	remnant := &target{origin: fromRecord, Target: plan.Target{Digest: "remnant"}}
	if !a.settled(remnant) || a.digestFor(remnant) != "" {
		t.Error("without a record, the remnant is not settled, or has a digest")
	}
	a.remember(record.Record{Digest: "applied", Result: record.Deployed})
	if !a.settled(remnant) || a.digestFor(remnant) != "applied" {
		t.Error("with a record, the remnant is not settled, or has another digest")
	}
}
