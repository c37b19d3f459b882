package deploy

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
)

func TestFightsEndInCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		web, api := manifest.ID{Name: "web"}, manifest.ID{Name: "api"}
		var f fights
		if len(f.all()) > 0 {
			t.Error("there are fights before the first one")
		}
		calm := func(in time.Duration) Fight { return Fight{Times: 4, Next: time.Second, Calm: time.Now().Add(in)} }
		f.postpone(web, calm(time.Minute))
		f.enter(api, calm(time.Hour))
		for _, step := range []struct {
			name string
			do   func()
			want []string
		}{
			{"at once", func() {}, []string{"api", "web"}},
			{"when it is over to the second", func() { <-time.After(time.Minute) }, []string{"api", "web"}},
			{"a second later", func() { <-time.After(time.Second) }, []string{"api"}},
			{"when another goes on", func() { f.postpone(api, calm(2*time.Hour)); <-time.After(time.Hour) }, []string{"api"}},
			{"after two hours", func() { <-time.After(time.Hour + time.Second) }, nil},
		} {
			step.do()
			var got []string
			for id := range f.all() {
				got = append(got, id.Name)
			}
			if slices.Sort(got); !slices.Equal(got, step.want) {
				t.Errorf("%s: %q, want %q", step.name, got, step.want)
			}
		}
	})
}

func TestPostponedFightKeepsItsOtherSide(t *testing.T) {
	web, later := manifest.ID{Name: "web"}, time.Now().Add(time.Hour)
	named := Fight{Times: 4, Calm: later, with: "a-controller", pointers: []string{"/spec/replicas"}}
	for name, test := range map[string]struct {
		do        func(*fights)
		wantWith  string
		wantTimes int
	}{
		"never looked at":         {func(f *fights) { f.postpone(web, Fight{Times: 4, Calm: later}) }, "", 4},
		"looked at":               {func(f *fights) { f.enter(web, named) }, "a-controller", 4},
		"looked at and postponed": {func(f *fights) { f.enter(web, named); f.postpone(web, Fight{Times: 5, Calm: later}) }, "a-controller", 5},
		"fought over with another": {func(f *fights) {
			f.enter(web, named)
			f.enter(web, Fight{Times: 5, Calm: later, with: "another"})
		}, "another", 5},
	} {
		var f fights
		test.do(&f)
		if got := f.all()[web]; got.with != test.wantWith || got.Times != test.wantTimes {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
