package deploy

import (
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

func TestFateOfADifference(t *testing.T) {
	fight := Fight{Times: 4, Next: 2 * time.Minute}
	named := fight
	named.with = "argocd (Apply)"
	for name, test := range map[string]struct {
		fate      fate
		corrected bool
		want      string
	}{
		"nothing speaks against it": {fate{setting: appfile.DriftCorrect}, true, "is being taken back"},
		"the setting warns":         {fate{setting: appfile.DriftWarn}, false, "left alone, by drift: warn"},
		"the setting is off":        {fate{setting: appfile.DriftOff}, false, "left alone, by drift: off"},
		"the app is suspended": {
			fate{setting: appfile.DriftCorrect, suspension: &record.Suspension{By: "ana", Reason: "a move"}},
			false,
			"left alone, suspended by ana: a move",
		},
		"it is fought over":             {fate{setting: appfile.DriftCorrect, fight: fight}, true, "is taken back after up to 2m0s, since it is changed again and again"},
		"it is fought over with one":    {fate{setting: appfile.DriftCorrect, fight: named}, true, "changed again and again by argocd (Apply)"},
		"there is patience":             {fate{setting: appfile.DriftCorrect, fight: Fight{Times: 1}}, true, "is being taken back"},
		"the cluster refuses it":        {fate{setting: appfile.DriftCorrect, trouble: "quota\nhint: more"}, true, "its correction failed, and is tried again: quota"},
		"its deletion is under way":     {fate{setting: appfile.DriftCorrect, found: Difference{dying: true}}, true, "waits for the end of the object's deletion"},
		"likewise, while it only warns": {fate{setting: appfile.DriftWarn, found: Difference{dying: true}}, false, "waits for the end of the object's deletion"},
	} {
		corrected, words := test.fate.decide()
		if corrected != test.corrected || !strings.HasSuffix(words, test.want) {
			t.Errorf("%s: %v, %q", name, corrected, words)
		}
	}
}

func TestDeviationKnowsWhatItsStepKnows(t *testing.T) {
	step := plan.Step{
		Action: record.Configure, Culprit: owner.Culprit{Manager: "kubectl-edit", Operation: "Update"},
		Changes: []manifest.Change{{Path: "data.colour", Before: "blue\x1b[31m", After: "red"}},
	}
	seen := Difference{Object: "ConfigMap shop/a", What: "was changed", pending: true}
	d := deviationOf(fate{found: seen, setting: appfile.DriftCorrect}, step)
	if d.What != "changed by kubectl-edit (Update)" || d.Culprit == nil || len(d.Fields) != 1 {
		t.Errorf("with a step: %+v", d)
	}
	if f := d.Fields[0]; f.Field != "data.colour" || f.Wanted != "red" || strings.Contains(f.Found, "\x1b") {
		t.Errorf("its field is %+v", f)
	}
	if d = deviationOf(fate{found: seen}, plan.Step{}); d.What != "was changed" || d.Culprit != nil || d.Fields != nil {
		t.Errorf("without a step: %+v", d)
	}
}

func TestDriftOfAnUnknownApp(t *testing.T) {
	if _, ok := newOffice(t).Drift(t.Context(), "unknown", true); ok {
		t.Error("it is found")
	}
}

// What is left alone is known without a request; what is only seen is looked at closely if
// that is asked for.
func TestDriftLooksCloselyWhereItIsAsked(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	a := o.settledOn(config)
	id := manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: "a"}
	a.ledger.Note(id, record.Noted{Digest: "d", Fingerprint: "as it was"})
	o.member(a, "a")
	if d, _ := o.Drift(t.Context(), "web", false); len(d.Deviations) != 1 || d.Deviations[0].What != "was changed" || d.Deviations[0].Fields != nil {
		t.Fatalf("from afar: %+v", d)
	}
	api.fails["try"], api.fails["apply"], api.fails["get"] = away, away, away
	if d, _ := o.Drift(t.Context(), "web", true); !strings.Contains(d.Unseen, "does not answer") {
		t.Errorf("closely, without an answer: %+v", d)
	}
}
