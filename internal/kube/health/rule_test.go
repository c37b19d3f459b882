package health

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// rulesOf compiles valid rules.
func rulesOf(t *testing.T, rules ...Rule) *Rules {
	t.Helper()
	compiled, problems := NewCompiler().Compile(rules)
	if len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	return compiled
}

const widgetHead = "apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: a, generation: 3, labels: {tier: web}}\nspec: {replicas: 3}\n"

func TestRuleDecides(t *testing.T) {
	phases := Rule{
		Kind: "Widget", Current: "status.phase == 'Ready'", InProgress: "status.phase in ['New', 'Building']",
		Failed: "status.phase == 'Broken'", Suspended: "spec.paused == true", Message: "status.note",
	}
	current := func(expression string) Rule { return Rule{Kind: "Widget", Current: expression} }
	tests := []struct {
		name   string
		rule   Rule
		object string
		want   string
	}{
		{"current", phases, widgetHead + "status: {phase: Ready, note: all is well}", "healthy: all is well"},
		{"in progress", phases, widgetHead + "status: {phase: Building, note: no wood}", "progressing: no wood"},
		{"failed", phases, widgetHead + "status: {phase: Broken, note: fire}", "failed: fire"},
		{"no status", phases, widgetHead, "progressing"},
		{"none is true", phases, widgetHead + "status: {phase: Odd}", "progressing"},
		{"suspended, and not seen", phases, strings.Replace(widgetHead, "replicas: 3", "paused: true", 1) + "status: {observedGeneration: 2, phase: Broken}", "suspended"},
		{"not seen", phases, widgetHead + "status: {observedGeneration: 2, phase: Broken}", "progressing: " + newestNotSeen},
		{"message is no text", Rule{Kind: "Widget", Current: "true", Message: "status.note"}, widgetHead + "status: {note: 7}", "healthy"},
		{"message of several lines", Rule{Kind: "Widget", Current: "true", Message: "status.note"}, widgetHead + "status: {note: \"a\\nshop: deployed\"}", "healthy: a shop: deployed"},
		{"no message", current("false"), widgetHead + "status: {conditions: [{type: Ready, status: 'False', message: no wood}]}", "progressing: no wood"},

		{"numbers", current("spec.replicas == status.ready && status.load < 1"), widgetHead + "status: {ready: 3, load: 0.5}", "healthy"},
		{"has", current("has(status.ready) && !has(status.error)"), widgetHead + "status: {ready: 3}", "healthy"},
		{"optional", current("status.?error.orValue('') == ''"), widgetHead, "healthy"},
		{"a missing field is false", current("status.phase != 'Broken'"), widgetHead + "status: {}", "progressing"},
		{"so is its opposite", current("!(status.phase == 'Broken')"), widgetHead + "status: {}", "progressing"},
		{"a wrong type is false", current("status.phase.x.y == 1"), widgetHead + "status: {phase: 7}", "progressing"},
		{"what is no truth value is not true", current("status.phase"), widgetHead + "status: {phase: Ready}", "progressing"},
		{"Flux's way", current("status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')"), widgetHead + "status: {conditions: [{type: Ready, status: 'True'}]}", "healthy"},
		{"metadata", current("metadata.labels.tier == 'web' && kind == 'Widget' && apiVersion == 'example.org/v1'"), widgetHead, "healthy"},
		{"data", current("data.ready == 'yes'"), "apiVersion: v1\nkind: Widget\ndata: {ready: 'yes'}", "healthy"},

		{"condition", current("status.isTrue('Ready')"), widgetHead + "status: {conditions: [{type: Other, status: 'False'}, {type: Ready, status: 'True'}]}", "healthy"},
		{"condition that is not there", current("!status.isTrue('Ready') && !status.isFalse('Ready')"), widgetHead + "status: {}", "healthy"},
		{"condition of this generation", current("status.isTrue('Ready')"), widgetHead + "status: {conditions: [{type: Ready, status: 'True', observedGeneration: 3}]}", "healthy"},
		{"condition of an older generation", current("status.isTrue('Ready')"), widgetHead + "status: {conditions: [{type: Ready, status: 'True', observedGeneration: 2}]}", "progressing"},
		{"reason and message", Rule{Kind: "Widget", Failed: "status.reason('Ready') == 'Fire'", Current: "true", Message: "status.message('Ready')"}, widgetHead + "status: {conditions: [{type: Ready, status: 'False', reason: Fire, message: it burns}]}", "failed: it burns"},
		{"conditions of parts", current("status.parts.all(p, p.isTrue('Up'))"), widgetHead + "status: {parts: [{conditions: [{type: Up, status: 'True'}]}, {conditions: [{type: Up, status: 'True'}]}]}", "healthy"},
		{"conditions of the wrong type", current("!status.isTrue('Ready')"), widgetHead + "status: {conditions: {type: Ready}}", "healthy"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := rulesOf(t, test.rule).Of(parse(t, test.object)).String(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRulesGoBeforeEverythingElse(t *testing.T) {
	rules := rulesOf(t,
		Rule{Kind: "Widget", Current: "false", Message: "'any group'"},
		Rule{Group: "example.org", Kind: "Widget", Current: "false", Message: "'this group'"},
		Rule{Kind: "ConfigMap", Current: "data.ready == 'yes'"},
		Rule{Kind: "Deployment", Current: "true", Message: "'rolled out'"},
	)
	for object, want := range map[string]string{
		widgetHead: "progressing: this group",
		strings.Replace(widgetHead, "example.org/", "example.com/", 1):                           "progressing: any group",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {ready: 'no'}":              "progressing",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}":                                      "healthy",
		deploymentHead + "spec: {replicas: 3}":                                                   "healthy: rolled out",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {deletionTimestamp: '2026-01-01T00:00:00Z'}": "terminating: is being deleted",
	} {
		if got := rules.Of(parse(t, object)).String(); got != want {
			t.Errorf("got %q, want %q of %s", got, want, object)
		}
	}
	if !rules.Has(schema.GroupKind{Kind: "ConfigMap"}) || rules.Has(schema.GroupKind{Kind: "Secret"}) {
		t.Error("there is no rule for ConfigMaps, or one for Secrets")
	}
}

// TestSecretsHaveNoRules: a rule could reveal a Secret's value in its message, or let
// somebody guess the value letter by letter.
func TestSecretsHaveNoRules(t *testing.T) {
	rules, problems := NewCompiler().Compile([]Rule{{Kind: "Secret", Current: "data.password.startsWith('a')", Message: "data.password"}})
	if rules != nil || len(problems) != 1 || problems[0].Field != "kind" {
		t.Errorf("%+v", problems)
	}
}

func TestRuleErrors(t *testing.T) {
	tests := []struct{ expression, message, hint string }{
		{"status.phase == ", "mismatched input end (character 17)", "docs/health.md has examples"},
		{"state.phase == 'Ready'", "there is no state (character 1)", "did you mean status?"},
		{"isTrue('Ready')", "there is no isTrue (character 7)", "write status.isTrue('Ready')"},
		{"items == 1", "there is no items (character 1)", "an expression has apiVersion, kind, metadata, spec, status, data and CEL's own functions without matches"},
		{"status.phase.matches('R.*')", "there is no matches (character 21)", "an expression has apiVersion, kind, metadata, spec, status, data and CEL's own functions without matches"},
		{"'Ready'", "is of type string, not bool", "compare it with something, as in status.phase == 'Ready'"},
		{"'a' + 1 == 'b'", "found no matching overload for '_+_' applied to '(string, int)' (character 5)", "docs/health.md has examples"},
		{"status.phase == '" + strings.Repeat("x", MaxExpression) + "'", "has 1042 bytes; at most 1024 are read", ""},
		{strings.Repeat("(", 60) + "true" + strings.Repeat(")", 60), "expression recursion limit exceeded: 40", "docs/health.md has examples"},
	}
	for _, test := range tests {
		rules, problems := NewCompiler().Compile([]Rule{{Kind: "Fine", Current: "true"}, {Kind: "Widget", Current: test.expression}})
		if len(problems) != 1 || rules != nil {
			t.Errorf("%s: %+v", test.expression, problems)
			continue
		}
		want := RuleError{Rule: 1, Field: "current", Message: test.message, Hint: test.hint}
		if problems[0] != want {
			t.Errorf("%s:\n got %+v\nwant %+v", test.expression, problems[0], want)
		}
	}
	if _, problems := NewCompiler().Compile([]Rule{{Kind: "Widget", Current: "true", Message: "1"}}); len(problems) != 1 || problems[0].Field != "message" {
		t.Errorf("a message that is a number: %+v", problems)
	}
}

func TestExpressionsAreCounted(t *testing.T) {
	c := NewCompiler()
	for i := range MaxExpressions {
		if _, problems := c.Compile([]Rule{{Kind: "Widget", Current: fmt.Sprintf("status.n == %d", i)}}); len(problems) > 0 {
			t.Fatal(problems)
		}
	}
	if _, problems := c.Compile([]Rule{{Kind: "Other", Current: "status.n == 7"}}); len(problems) > 0 {
		t.Errorf("a known expression is refused: %v", problems)
	}
	if _, problems := c.Compile([]Rule{{Kind: "Widget", Current: "status.n == -1"}}); len(problems) != 1 {
		t.Error("more expressions than the limit are accepted")
	}
}

// TestExpensiveRulesAreGivenUp evaluates expressions that would take minutes.
func TestExpensiveRulesAreGivenUp(t *testing.T) {
	object := parse(t, widgetHead)
	many := func(n int, value any) []any { return slices.Repeat([]any{value}, n) }
	object.Object["spec"] = map[string]any{"deep": map[string]any{"x": many(200_000, int64(1))}}
	object.Object["status"] = map[string]any{
		"l": many(1000, int64(1)), "conditions": many(1000, map[string]any{"type": "A"}),
		"long": many(100, strings.Repeat("x", 1000)), "deep": map[string]any{"x": many(200_000, int64(1))},
	}
	for _, expression := range []string{
		"status.l.all(a, status.l.all(b, status.l.all(c, a + b + c > 0)))",
		"status.l.all(a, !status.isTrue('B'))",
		"status.l.all(a, status.deep == spec.deep)", // for CEL's measure, these are maps of one field
		"status.long.all(a, status.long.all(b, (a + b).contains(b)))",
	} {
		h := rulesOf(t, Rule{Kind: "Widget", Failed: expression, Current: "true"}).Of(object)
		if h != (Health{Unknown, "its health rule takes too long: failed"}) {
			t.Errorf("%s: %s", expression, h)
		}
	}
}
