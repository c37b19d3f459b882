package apply

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

// A deploy tells of the warnings that its plan has not told, once, and its record has all.
func TestDeploysTellNewWarnings(t *testing.T) {
	warning := func(text string) manifest.Problem {
		return manifest.Problem{Source: manifest.Source{File: "a.yaml", Line: 3}, App: "shop", Object: "ConfigMap shop/a", Message: text}
	}
	log := &testLog{}
	w := &Work{Order: Order{Log: log}, warned: warned{shown: manifest.Problems{warning("in the plan")}}}
	for i := range maxRecorded + 10 {
		w.warned.all = append(w.warned.all, warning(fmt.Sprintf("later\nline %03d", i)))
		w.warned.keys = append(w.warned.keys, "/ConfigMap/shop/a")
	}
	w.warned.all, w.warned.keys = append(w.warned.all, warning("in the plan")), append(w.warned.keys, "/ConfigMap/shop/a")
	w.TellWarnings()
	once := log.String()
	w.TellWarnings()
	if got := log.String(); got != once || strings.Contains(got, "in the plan") || strings.Count(got, "line 000") != 1 {
		t.Errorf("the deploy says\n%.500s", got)
	}
	recorded := w.Warnings()
	if len(recorded) != maxRecorded || recorded[0].Text != "in the plan" || recorded[0].File != "a.yaml" || recorded[0].Line != 3 {
		t.Errorf("%d are recorded, the first is %+v", len(recorded), recorded[0])
	}
	if got := recorded[1].String(); !strings.HasPrefix(got, "a.yaml:3: ") || strings.Contains(got, "\n") || strings.Contains(got, `\n`) {
		t.Errorf("%q", got)
	}
}
