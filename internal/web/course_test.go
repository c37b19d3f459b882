package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/record"
)

func TestCourseIsDrawn(t *testing.T) {
	p := courseOf([]record.Stage{
		{Name: "queued", Seconds: 1},
		{Name: "applying", At: 1, Seconds: 1, Waits: []record.Wait{{For: "Job shop/import", At: 1.5, Seconds: 0.5}}},
		{Name: "settling", At: 2, Seconds: 2},
		{Name: "of a later version", At: 4, Seconds: 0},
	})
	var bars []string
	for _, b := range p.Bars {
		bars = append(bars, fmt.Sprint(b.X, "+", b.Width, " ", b.Tone, " ", b.Below))
	}
	if got, want := strings.Join(bars, ", "), "0+250 wait false, 250+250 work false, 375+125 wait true, 500+500 wait false, 997+3 work false"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(p.Rows) != 4 || p.Rows[1].Waits[0].For != "Job shop/import" || p.Rows[3].Name != "of a later version" || !strings.HasPrefix(p.Says, "in the queue for 1.0 s, then applies objects for 1.0 s, then ") {
		t.Errorf("%+v", p)
	}
	for what, stages := range map[string][]record.Stage{"nothing": nil, "no time": {{Name: "queued"}}} {
		if courseOf(stages) != nil {
			t.Errorf("%s has a picture", what)
		}
	}
}
