package view

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/record"
)

func TestFindingsOfARecord(t *testing.T) {
	culprit := &owner.Culprit{Manager: "kubectl-edit", Operation: "Update"}
	r := record.Record{App: "shop", Number: 3, Result: record.Corrected, Deleted: []string{"/ConfigMap/shop/added"}, Objects: []record.Object{
		{Key: "/ConfigMap/shop/a", Action: record.Configure, Culprit: culprit, Differences: []record.Difference{{Field: "data.x", Found: "1", Wanted: "2"}}},
		{Key: "/ConfigMap/shop/b", Action: record.Create},
		{Key: "/ConfigMap/shop/c", Action: record.Unchanged},
		{Key: "not a key", Action: record.Configure},
		{Key: "/ConfigMap/shop/d", Action: record.Configure},
	}}
	var got []string
	for _, f := range FindingsOf(r) {
		got = append(got, f.Deploy+" "+f.Object+": "+f.What)
	}
	want := "shop-3 ConfigMap shop/a: changed by kubectl-edit (Update)\nshop-3 ConfigMap shop/b: was deleted\n" +
		"shop-3 ConfigMap shop/d: changed\nshop-3 ConfigMap shop/added: was there, and is not in Git"
	if strings.Join(got, "\n") != want {
		t.Errorf("got %q", got)
	}
	for result, want := range map[record.Result]int{record.DriftFound: 4, record.Deployed: 0, record.Failed: 0, record.Suspended: 0} {
		r.Result = result
		if n := len(FindingsOf(r)); n != want {
			t.Errorf("of a record that is %s: %d findings, want %d", result, n, want)
		}
	}
}
