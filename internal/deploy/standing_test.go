package deploy

import (
	"slices"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/record"
)

// TestSync tries every branch: an app with a known difference never counts as in sync.
func TestSync(t *testing.T) {
	good := standing{wanted: true, last: record.Deployed, settled: true}
	with := func(change func(*standing)) standing { s := good; change(&s); return s }
	differing := []Difference{{Object: "ConfigMap a", What: "was deleted"}}
	for _, c := range []struct {
		name    string
		of      standing
		want    Sync
		reasons []string
	}{
		{"all well", good, InSync, nil},
		{"a deploy goes on", with(func(s *standing) { s.running, s.differing = true, differing }), Deploying, []string{"ConfigMap a was deleted"}},
		{"skipped", with(func(s *standing) { s.skipped = true }), Held, nil},
		{"outside of the grant", with(func(s *standing) { s.forbidden = "no such namespace" }), Held, []string{"no such namespace"}},
		{"removed", with(func(s *standing) { s.last = record.Removed }), Gone, nil},
		{"cannot be rendered", with(func(s *standing) { s.unread = true }), NotSynced, nil},
		{"nothing wanted", with(func(s *standing) { s.wanted = false }), Pending, nil},
		{"never deployed", with(func(s *standing) { s.last = "" }), Pending, nil},
		{"a deploy or a correction failed", with(func(s *standing) { s.last = record.Failed }), NotSynced, nil},
		{"another revision was applied", with(func(s *standing) { s.settled = false }), NotSynced, nil},
		{"a newer revision waits for the end of a suspension", with(func(s *standing) { s.settled, s.suspended = false, true }), Held, nil},
		{"it waits for a window", with(func(s *standing) { s.settled, s.waits = false, true }), Waits, nil},
		{"never deployed, and it waits", with(func(s *standing) { s.last, s.settled, s.waits = record.Waiting, false, true }), Waits, nil},
		{"removed, and it waits to come back", with(func(s *standing) { s.last, s.settled, s.waits = record.Removed, false, true }), Waits, nil},
		{"the newest revision is skipped, another waits", with(func(s *standing) { s.skipped, s.waits = true, true }), Held, nil},
		{"an object differs", with(func(s *standing) { s.differing = differing }), Drifted, []string{"ConfigMap a was deleted"}},
		{"an object differs while suspended", with(func(s *standing) { s.differing, s.suspended = differing, true }), Drifted, []string{"ConfigMap a was deleted"}},
		{"a check failed", with(func(s *standing) { s.trouble = "no answer" }), Unsure, []string{"the last check could not be done: no answer"}},
		{
			"an object differs and a check failed", with(func(s *standing) { s.trouble, s.differing = "no answer", differing }), Drifted,
			[]string{"ConfigMap a was deleted", "the last check could not be done: no answer"},
		},
		{"unhealthy is not out of sync", with(func(s *standing) { s.last = record.Unhealthy }), InSync, nil},
		{"suspended as it is wanted", with(func(s *standing) { s.suspended = true }), InSync, nil},
	} {
		if got := c.of.sync(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if got := c.of.reasons(); !slices.Equal(got, c.reasons) {
			t.Errorf("%s: reasons %q, want %q", c.name, got, c.reasons)
		}
	}
}

func TestDiffers(t *testing.T) {
	noted := record.Noted{Digest: "d", Fingerprint: "f"}
	entry := live.Entry{PartOf: "set", Fingerprint: "f"}
	other, lost, dying, held := entry, entry, entry, entry
	other.Fingerprint, lost.PartOf, dying.Terminating, held.Terminating = "g", "another", true, true
	held.Health = health.Health{Status: health.Terminating, Message: "is being deleted, waits for a/b"}
	fight := Fight{Times: 4, Next: 2 * time.Second, with: "a-controller"}
	for _, c := range []struct {
		name string
		of   sight
		want string
	}{
		{"as it was left", sight{noted: noted, known: true, entry: entry, there: true}, ""},
		{"changed", sight{noted: noted, known: true, entry: other, there: true}, "was changed"},
		{"changed, as its annotations let it be", sight{noted: noted, known: true, entry: other, there: true, left: true}, ""},
		{"changed in a fight", sight{noted: noted, known: true, entry: other, there: true, fight: fight}, "was changed again by a-controller, 4 times; it waits up to 2s for its correction"},
		{"without its label", sight{noted: noted, known: true, entry: lost, there: true}, "has lost the app's label"},
		{"deleted", sight{noted: noted, known: true, lacked: true}, "was deleted"},
		{"done and deleted", sight{noted: record.Noted{Ended: health.Succeeded}, known: true, lacked: true}, ""},
		{"not seen yet", sight{noted: noted, known: true}, ""},
		{"being deleted", sight{noted: noted, known: true, entry: dying, there: true}, "is being deleted"},
		{"held by a finalizer", sight{noted: noted, known: true, entry: held, there: true}, "is being deleted, waits for a/b"},
		{"pruned and held", sight{entry: held, there: true}, "is being deleted, waits for a/b"},
		{"a member without a note", sight{entry: entry, there: true}, ""},
	} {
		if got := c.of.differs("set"); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
