package push

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestTheGateSaysWhatItDoes whenever it was quiet for nearly 5 s, between whole lines, until
// its end.
func TestTheGateSaysWhatItDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newPatience(&out, "reading the push")
		<-time.After(5 * time.Second)
		p.does("asking clusters")
		<-time.After(2 * time.Second)
		fmt.Fprint(p, "a line\n") // puts the next one off
		<-time.After(4 * time.Second)
		fmt.Fprint(p, "half a ")
		<-time.After(10 * time.Second)
		fmt.Fprint(p, "line\n")
		<-time.After(5 * time.Second)
		p.end()
		<-time.After(time.Minute)
		want := "reading the push: 4 s so far\na line\nhalf a line\nasking clusters: 25 s so far\n"
		if got := out.String(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}
