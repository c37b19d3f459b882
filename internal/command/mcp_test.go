package command

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/errand"
)

// TestToolsAreVerbs: each tool is a verb that exists, with arguments and flags that it has.
func TestToolsAreVerbs(t *testing.T) {
	seen := map[string]bool{}
	valid := regexp.MustCompile(`^[a-z_]{3,40}$`)
	for _, row := range assistantTools {
		name := row.name()
		if seen[name] || !valid.MatchString(name) {
			t.Errorf("%q is no name of a tool, or of two", name)
		}
		seen[name] = true
		verb, rest := find(strings.Fields(row.verb))
		if verb == nil || len(rest) > 0 || row.also && len(verb.also) == 0 {
			t.Errorf("%s: %q is no verb, or has no other form", name, row.verb)
			continue
		}
		for _, arg := range formArgs(row.args(verb)) {
			if argHelp[arg.word] == "" {
				t.Errorf("%s: nothing says what %s is", name, arg.word)
			}
		}
		for _, flag := range row.flags {
			if found := verb.flagSet().Lookup(flag); found == nil || verb.flagRights[flag] != "" {
				t.Errorf("%s: %s has no flag --%s, or that takes another right", name, row.verb, flag)
			}
		}
		tool, err := row.tool(verb)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if row.foreign != strings.HasSuffix(tool.Description, foreignNote) || len(tool.Description) > 1000 || strings.Contains(tool.Description, "..") {
			t.Errorf("%s is described as %q", name, tool.Description)
		}
		var schema jsonschema.Schema
		if err := json.Unmarshal(tool.Input, &schema); err != nil {
			t.Errorf("%s takes %s: %v", name, tool.Input, err)
		} else if _, err := schema.Resolve(nil); err != nil {
			t.Errorf("%s takes %s: %v", name, tool.Input, err)
		}
	}
}

// TestToolsThatChangeNothing: without --write, an assistant has these tools, and no other.
func TestToolsThatChangeNothing(t *testing.T) {
	want := []string{
		"status", "apps", "tree", "drift", "history", "show", "events", "diff", "why", "plan", "plan_rollback", "logs", "deploy_log", "wait",
		"refused", "refusal", "locks", "repo_list", "repo_info", "repo_files", "cluster_list", "access_explain", "audit", "doctor",
	}
	var look []string
	for _, row := range assistantTools {
		verb, _ := find(strings.Fields(row.verb))
		if changes(row.right(verb)) {
			continue
		}
		look = append(look, row.name())
		if row.destroys {
			t.Errorf("%s changes nothing, and is said to destroy", row.name())
		}
	}
	if !slices.Equal(look, want) {
		t.Errorf("without --write, there are %q, want %q", look, want)
	}
}

func TestWordsOfCalls(t *testing.T) {
	for _, c := range []struct {
		tool      string
		arguments string
		want      string // or the error
	}{
		{"status", `{}`, "status --output=json --"},
		{"status", `{"app": "shop"}`, "status --output=json -- shop"},
		{"status", `{"app": "--server"}`, "status --output=json -- --server"},
		{"history", `{"app": "shop", "number": 5}`, "history --output=json --number=5 -- shop"},
		{"diff", `{"app": "shop", "range": "41..42"}`, "diff --output=json -- shop 41..42"},
		{"logs", `{"app": "shop", "object": "deploy/web", "tail": 10, "previous": true, "since": "5m"}`, "logs --pods --tail=10 --since=5m --previous=true -- shop deploy/web"},
		{"deploy_log", `{"deploy": "shop-42"}`, "logs -- shop-42"},
		{"plan_rollback", `{"app": "shop", "revision": "41"}`, "rollback --plan -- shop 41"},
		{"rollback", `{"app": "shop", "confirmPrune": 2}`, "rollback --confirm-prune=2 -- shop"},
		{"access_explain", `{"who": "ben", "repo": "shop"}`, "access explain --output=json -- ben shop"},
		{"suspend", `{"app": "shop", "reason": "moving it", "until": "2h"}`, "suspend --reason=moving it --until=2h -- shop"},
		{"refused", `{}`, "refused --output=json --"},
		{"refusal", `{"id": "QX3Z"}`, "refused --output=json -- QX3Z"},
		{"repo_files", `{"name": "shop", "path": "--all", "branch": "try"}`, "repo files --output=json --branch=try -- shop --all"},
		{"audit", `{"event": "push", "decision": "refused", "repository": "shop", "until": "1h", "before": 4000000000}`, "audit --output=json --until=1h --event=push --decision=refused --repository=shop --before=4000000000 --"},
		{"why", `{"app": "shop", "field": ".spec"}`, "object is missing, which has to come with field"},
		{"status", `{"app": "a\u001b[31mb"}`, "app has a character that does not print"},
		{"history", `{"app": "shop\n"}`, "app has a character that does not print"},
	} {
		i := slices.IndexFunc(assistantTools, func(row assistantTool) bool { return row.name() == c.tool })
		var arguments map[string]any
		if err := json.Unmarshal([]byte(c.arguments), &arguments); err != nil || i < 0 {
			t.Fatalf("%s: %v", c.tool, err)
		}
		row := assistantTools[i]
		verb, _ := find(strings.Fields(row.verb))
		words, err := row.words(verb, arguments)
		got := strings.Join(words, " ")
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %s: %q, want %q", c.tool, c.arguments, got, c.want)
			continue
		}
		if err != nil {
			continue
		}
		found, rest := find(words)
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		if found.flags != nil {
			found.flags(flags)
		}
		if err := flags.Parse(rest); found != verb && found.words != verb.words || err != nil {
			t.Errorf("%q is not a call of %s: %v", words, row.verb, err)
		}
	}
}

// TestOutputOfCallsIsBounded: what is beyond the limit is noted, and not kept.
func TestOutputOfCallsIsBounded(t *testing.T) {
	c := &errand.Session{Most: mostCaptured}
	for range 17 {
		if n, err := c.Write(make([]byte, 1<<20)); n != 1<<20 || err != nil {
			t.Fatalf("wrote %d, %v", n, err)
		}
	}
	if kept := len(c.Bytes()); kept != maxCaptured+1 {
		t.Errorf("%d bytes are kept", kept)
	}
}

func TestRightsOfTools(t *testing.T) {
	for tool, want := range map[string]access.Right{
		"status": access.ReadDeploys, "logs": access.ReadLogs, "deploy_log": access.ReadDeploys, "plan_rollback": access.ReadDeploys,
		"rollback": access.Rollback, "audit": access.ReadAudit, "refused": access.ReadDeploys, "refusal": access.ReadDeploys, "repo_files": access.ReadRepo, "access_explain": everybody,
	} {
		i := slices.IndexFunc(assistantTools, func(row assistantTool) bool { return row.name() == tool })
		verb, _ := find(strings.Fields(assistantTools[i].verb))
		if got := assistantTools[i].right(verb); got != want {
			t.Errorf("%s takes %q, want %q", tool, got, want)
		}
	}
}
