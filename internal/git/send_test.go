package git

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestRefusedRefsAreRead(t *testing.T) {
	long := strings.Repeat("ä", maxSendingSaid)
	got := refusedOf([]byte("To http://127.0.0.1/x\n" +
		"=\tabc:refs/heads/same\t[up to date]\n" +
		" \tabc:refs/heads/ok\taaa..bbb\n" +
		"*\tabc:refs/tags/new\t[new tag]\n" +
		"!\tabc:refs/heads/main\t[rejected] (non-fast-forward)\n" +
		"!\tabc:refs/heads/long\t" + long + "\n" +
		"!\tno ref\nDone\n"))
	if !slices.Equal(slices.Sorted(maps.Keys(got)), []string{"refs/heads/long", "refs/heads/main"}) || got["refs/heads/main"] != "[rejected] (non-fast-forward)" || len(got["refs/heads/long"]) > maxSendingSaid+3 {
		t.Errorf("read %q", got)
	}
}

func TestForceIsALease(t *testing.T) {
	hash := Hash(strings.Repeat("a", 40))
	got := leases([]Sending{{Ref: "refs/heads/a", Old: hash, Force: true}, {Ref: "refs/heads/b", Old: hash}, {Ref: "refs/heads/c", Force: true}})
	if want := []string{"--force-with-lease=refs/heads/a:" + string(hash), "--"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestPushRefusesWhatIsNoRef(t *testing.T) {
	r := &Repository{}
	for _, s := range []Sending{{Ref: "--exec=x", New: Hash(strings.Repeat("a", 40))}, {Ref: "refs/heads/main", New: "--all"}} {
		if _, err := r.Push(t.Context(), Pushing{Far: Far{URL: "https://127.0.0.1/x"}, Refs: []Sending{s}}); err == nil {
			t.Errorf("%+v is sent", s)
		}
	}
}
