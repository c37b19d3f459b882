package deploy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/sealed"
)

// TestWhatHooksPrintIsKeptBesideTheRecord: each hook gets its own lines back, by its phase.
func TestWhatHooksPrintIsKeptBesideTheRecord(t *testing.T) {
	e := sealing(t)
	rec := record.Record{App: "shop", Repo: "team/shop", Number: 7}
	rec.Hooks = []record.HookResult{
		{Key: "batch/Job/shop/a", Phase: "PreSync", Result: manifest.EndSucceeded},
		{Key: "batch/Job/shop/a", Phase: "PostSync", Result: manifest.EndSucceeded},
		{Key: "batch/Job/shop/b", Phase: "PreSync", Result: manifest.EndFailed},
	}
	if got := e.WithPrinted(rec); got.Hooks[0].Printed != nil {
		t.Errorf("before: %+v", got.Hooks)
	}
	e.keepPrinted(rec, []apply.Printed{{Key: "batch/Job/shop/a", Phase: "PostSync", Lines: []string{"one", "two"}}})
	got := e.WithPrinted(rec)
	if got.Hooks[0].Printed != nil || !slices.Equal(got.Hooks[1].Printed, []string{"one", "two"}) || got.Hooks[2].Printed != nil {
		t.Errorf("the hooks are %+v", got.Hooks)
	}
	if rec.Hooks[1].Printed != nil {
		t.Error("the record itself has the lines, and would be stored with them")
	}
	other := rec
	other.Number = 8
	if got := e.WithPrinted(other); got.Hooks[1].Printed != nil {
		t.Errorf("another deploy has %+v", got.Hooks)
	}
	other.Number, other.Repo = 7, "team/other"
	if got := e.WithPrinted(other); got.Hooks[1].Printed != nil {
		t.Errorf("another repository has %+v", got.Hooks)
	}
	if err := e.Sealed.Seal(sealed.Text{Name: printedName("team/shop", "shop"), Data: []byte("{")}); err != nil {
		t.Fatal(err)
	}
	if got := e.WithPrinted(rec); got.Hooks[1].Printed != nil {
		t.Errorf("of a damaged text: %+v", got.Hooks)
	}
}

func TestWhatHooksPrintIsBounded(t *testing.T) {
	var kept []printedBy
	for n := range maxPrintedDeploys + 3 {
		kept = withPrinted(kept, printedBy{n, []apply.Printed{{Key: fmt.Sprint(n)}}})
	}
	kept = withPrinted(kept, printedBy{5, []apply.Printed{{Key: "again"}}})
	if len(kept) != maxPrintedDeploys || kept[0].Deploy != 3 || kept[len(kept)-1].Deploy != 5 || kept[len(kept)-1].Hooks[0].Key != "again" {
		t.Errorf("kept is %+v", kept)
	}
	many := slices.Repeat([]apply.Printed{{Lines: []string{strings.Repeat("x", maxPrintedBytes/4)}}}, 9)
	if got := withPrinted(nil, printedBy{1, many}); len(got[0].Hooks) != 4 {
		t.Errorf("%d hooks of a deploy are kept", len(got[0].Hooks))
	}
}
