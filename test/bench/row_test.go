package main

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestQuantile(t *testing.T) {
	hundred := series{}
	for i := range 100 {
		hundred.values = append(hundred.values, float64(100-i)) // 100 … 1
	}
	for _, c := range []struct {
		of   series
		q    float64
		want float64
	}{
		{hundred, 0, 1},
		{hundred, 0.5, 50},
		{hundred, 0.99, 99},
		{hundred, 1, 100},
		{series{values: []float64{3, 1, 2}}, 0.5, 2},
		{series{values: []float64{3, 1, 2}}, 0.99, 3},
		{series{}, 0.5, 0},
	} {
		if got := c.of.quantile(c.q); got != c.want {
			t.Errorf("quantile %v of %d values is %v, want %v", c.q, len(c.of.values), got, c.want)
		}
	}
}

func TestTableShowsWhatWasMissed(t *testing.T) {
	r := &result{row: row{name: "one-change"}}
	r.ratio(&series{values: []float64{3}}, &series{values: []float64{2}}, atMost, 1.2)
	r.fact(fact{what: "requests", value: 3, goal: atMost, limit: 4})
	r.fact(fact{what: "speed", value: 0.94, goal: atLeast, limit: 0.95})
	r.fact(fact{what: "no promise", value: 5})
	got := table([]*result{r})
	for _, want := range []string{"1.5  at most 1.2      MISSED", "3  at most 4        met", "0.94  at least 0.95    MISSED", "1 of 3 goals met"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing from the table:\n%s", want, got)
		}
	}
	if strings.Contains(got, "no promise") {
		t.Errorf("the table has a figure without a goal:\n%s", got)
	}
}

func TestChoose(t *testing.T) {
	all, err := choose("")
	if err != nil || len(all) == 0 {
		t.Fatalf("without a choice there are %d rows and error %v", len(all), err)
	}
	for _, r := range all {
		if slices.Contains([]string{"scale", "pages", "clusters"}, r.group) {
			t.Errorf("row %s takes long, and runs without being chosen", r.name)
		}
	}
	if some, err := choose("drift,scale"); err != nil || len(some) < 3 {
		t.Errorf("a row and a group together are %d rows, with error %v", len(some), err)
	}
	if _, err := choose("nonsense"); err == nil {
		t.Error("a row that does not exist can be chosen")
	}
}

func TestMemoryOfAPage(t *testing.T) {
	const words = "heap profile: 1: 2 [3: 4] @ heap/5\n# runtime.MemStats\n# Alloc = 1\n# HeapAlloc = 3145728\n# HeapSys = 9\n# Stack = 1048576 / 2097152\n"
	heap, err := readHeap(words)
	if err != nil || heap != 4 {
		t.Errorf("heap and stacks are %v MiB, %v; want 4", heap, err)
	}
	for _, lacking := range []string{"# HeapAlloc", "# Stack"} {
		if _, err := readHeap(strings.Replace(words, lacking, "# Something", 1)); err == nil {
			t.Errorf("without %q, there is a figure", lacking)
		}
	}
	if got := perPage(4, 14, 200); math.Abs(got-52.4288) > 1e-9 { // 10 MiB
		t.Errorf("a page has %v KB", got)
	}
}

func TestBudgetsOfAReading(t *testing.T) {
	g := &reading{first: &series{}, whole: &series{values: []float64{0.05, 0.151}}, spent: &series{}, largest: 99}
	r := &result{}
	g.budgets(r, "tree", g.whole, 150)
	if len(r.facts) != 2 || r.facts[0].value != 151 || r.facts[0].met() || !r.facts[1].met() {
		t.Errorf("the facts are %+v", r.facts)
	}
}

func TestConfigurationOfClusters(t *testing.T) {
	if got := clustersConfig(nil); got != "" {
		t.Errorf("without clusters, it is %q", got)
	}
	if got := clustersConfig(map[string]string{"a": "/x y"}); got != "clusters:\n  a: {kubeconfig: \"/x y\"}\n" {
		t.Errorf("of a cluster, it is %q", got)
	}
}
