package project

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/metrics"
)

// TestReferenceOfMetricsIsThatOfTheTable compares the end of docs/metrics.md with the table
// of metrics.
func TestReferenceOfMetricsIsThatOfTheTable(t *testing.T) {
	const mark = "<!-- What follows is made by `make docs` of the table in internal/metrics. -->\n\n"
	var want strings.Builder
	part := ""
	for _, m := range metrics.Table() {
		if m.Part != part {
			fmt.Fprintf(&want, "%s### %s\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n", strings.Repeat("\n", min(1, len(part))), m.Part)
			part = m.Part
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", m.Name, m.Type, strings.Join(m.Labels, ", "), m.Meaning)
	}
	head, _, found := strings.Cut(read(t, "docs/metrics.md"), mark)
	if !found {
		t.Fatal("docs/metrics.md lacks the line at which the reference begins")
	}
	hold(t, "docs/metrics.md", head+mark+want.String())
}

// TestBoardAndAlertsUseMetricsThatExist reads every expression in config/monitoring.
func TestBoardAndAlertsUseMetricsThatExist(t *testing.T) {
	table := map[string]metrics.Metric{}
	for _, m := range metrics.Table() {
		table[m.Name] = m
	}
	used := map[string]bool{}
	for file, least := range map[string]int{"config/monitoring/grafana.json": 25, "config/monitoring/alerts.yaml": 10} {
		found := expressions(t, file)
		if len(found) < least {
			t.Errorf("%s has %d expressions: this test compares too little", file, len(found))
		}
		for _, expression := range found {
			for _, wrong := range mistakes(expression, table, used) {
				t.Errorf("%s: %s: %s", file, expression, wrong)
			}
		}
	}
	if len(used) < 20 {
		t.Errorf("board and alerts use %d metrics: this test compares too little", len(used))
	}
}

func TestMistakesInExpressionsAreFound(t *testing.T) {
	table := map[string]metrics.Metric{}
	for _, m := range metrics.Table() {
		table[m.Name] = m
	}
	for expression, want := range map[string]string{
		`pushboat_apps_total`:                                "no metric",
		`pushboat_queue_apps_bucket`:                         "no metric",
		`pushboat_gate_duration_seconds`:                     "histogram",
		`pushboat_app_health{state="failing"}`:               "no label",
		`pushboat_app_health{health="sick"}`:                 "no value",
		`pushboat_app_sync{sync=~"failed|lost"}`:             "no value",
		`sum by (app) (pushboat_cluster_up)`:                 "no label",
		`sum by (result) (rate(pushboat_deploys_total[1h]))`: "",
		`pushboat_gate_duration_seconds_bucket{le="1"}`:      "",
		`pushboat_app_health{health="failing"} == 1`:         "",
	} {
		found := strings.Join(mistakes(expression, table, map[string]bool{}), ", ")
		if (want == "") != (found == "") || !strings.Contains(found, want) {
			t.Errorf("%s has the mistakes %q, want %q", expression, found, want)
		}
	}
}

var (
	ofPushboat = regexp.MustCompile(`\b(pushboat_[a-z_]+)(\{[^}]*\})?`)
	matcher    = regexp.MustCompile(`([a-z_]+)(=~|!~|!=|=)"([^"]*)"`)
	grouping   = regexp.MustCompile(`\b(?:by|without) \(([^)]*)\)`)
)

// fromScrape are labels that a scrape adds, and those of buckets.
var fromScrape = []string{"instance", "job", "pod", "le"}

// mistakes returns what an expression has wrong about the metrics of a table, and notes
// those that it uses.
func mistakes(expression string, table map[string]metrics.Metric, used map[string]bool) (wrong []string) {
	labels := slices.Clone(fromScrape)
	for _, match := range ofPushboat.FindAllStringSubmatch(expression, -1) {
		name := match[1]
		base := name
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			if cut, ok := strings.CutSuffix(name, part); ok && table[cut].Type == metrics.Histogram {
				base = cut
			}
		}
		m, known := table[base]
		switch {
		case !known:
			wrong = append(wrong, name+" is no metric")
			continue
		case base == name && m.Type == metrics.Histogram:
			wrong = append(wrong, name+" is a histogram")
		}
		used[base] = true
		labels = append(labels, m.Labels...)
		for _, is := range matcher.FindAllStringSubmatch(match[2], -1) {
			wrong = append(wrong, mismatch(m, is[1], is[3])...)
		}
	}
	if len(labels) == len(fromScrape) {
		return wrong // it is about metrics of others
	}
	for _, group := range grouping.FindAllStringSubmatch(expression, -1) {
		for label := range strings.SplitSeq(group[1], ",") {
			if label = strings.TrimSpace(label); !slices.Contains(labels, label) {
				wrong = append(wrong, "there is no label "+label)
			}
		}
	}
	return wrong
}

// mismatch returns what is wrong with a label and its values, separated by |.
func mismatch(m metrics.Metric, label, values string) (wrong []string) {
	if slices.Contains(fromScrape, label) {
		return nil
	}
	if !slices.Contains(m.Labels, label) {
		return []string{m.Name + " has no label " + label}
	}
	words := m.Meaning
	if strings.Contains(words, "as above") {
		for _, other := range metrics.Table() {
			if slices.Equal(other.Labels, m.Labels) || slices.Contains(other.Labels, label) {
				words += other.Meaning
			}
		}
	}
	for value := range strings.SplitSeq(values, "|") {
		if !strings.Contains(words, value) {
			wrong = append(wrong, m.Name+" has no value "+value)
		}
	}
	return wrong
}

// expressions returns the values of all fields expr of a file.
func expressions(t *testing.T, file string) (found []string) {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(read(t, file)))
	if err != nil {
		t.Fatal(err)
	}
	var whole any
	if err := json.Unmarshal(data, &whole); err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				if text, ok := value.(string); ok && key == "expr" {
					found = append(found, text)
				}
				walk(value)
			}
		case []any:
			for _, value := range v {
				walk(value)
			}
		}
	}
	walk(whole)
	return found
}
