package deploy

import (
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

func TestTroubleEndsWithItsObjects(t *testing.T) {
	look := func(names ...string) *job {
		j := &job{kind: lookJob, looks: map[manifest.ID]Fight{}}
		for _, name := range names {
			j.looks[manifest.ID{Kind: "ConfigMap", Name: name}] = Fight{}
		}
		return j
	}
	whole := systemJob(record.CauseSchedule)
	for name, c := range map[string]struct {
		fails []*job
		ends  *job
		want  string
	}{
		"the same look":                    {[]*job{look("a")}, look("a"), ""},
		"a look at another object":         {[]*job{look("a")}, look("b"), "trouble"},
		"a look at one of two":             {[]*job{look("a", "b")}, look("b"), "trouble"},
		"looks that failed one by one":     {[]*job{look("a"), look("b")}, look("b"), "trouble"},
		"a look at both":                   {[]*job{look("a"), look("b")}, look("a", "b"), ""},
		"a check of the whole app":         {[]*job{look("a")}, whole, ""},
		"a look after a check that failed": {[]*job{whole}, look("a"), "trouble"},
		"a look that failed after a check": {[]*job{whole, look("a")}, look("a"), "trouble"},
		"a check that failed after a look": {[]*job{look("a"), whole}, look("a"), "trouble"},
	} {
		var s trouble
		for _, j := range c.fails {
			s.note(setOfLooks(j), "trouble")
		}
		if s.end(setOfLooks(c.ends)); s.reason() != c.want {
			t.Errorf("%s: got %q", name, s.reason())
		}
	}
}
