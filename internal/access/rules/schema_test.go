package rules

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/access"
)

// object is a part of a JSON schema.
type object struct {
	Properties           map[string]any `json:"properties"`
	AdditionalProperties any            `json:"additionalProperties"`
	Defs                 map[string]struct {
		object
		Enum  []string `json:"enum"`
		Items struct {
			Enum []string `json:"enum"`
		} `json:"items"`
	} `json:"$defs"`
}

func schemaOfFile(t *testing.T, file string) (schema object) {
	t.Helper()
	text, ok := Schema(file)
	if !ok {
		t.Fatalf("%s has no schema", file)
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return schema
}

// TestSchemasHaveEveryField compares the fields in the schemas with those that Parse reads.
func TestSchemasHaveEveryField(t *testing.T) {
	check := func(name string, o object, fields []string) {
		t.Helper()
		if has, want := slices.Sorted(maps.Keys(o.Properties)), slices.Sorted(slices.Values(fields)); !slices.Equal(has, want) || o.AdditionalProperties != false {
			t.Errorf("%s: the schema has %q, Parse reads %q; others must be refused", name, has, want)
		}
	}
	rules := schemaOfFile(t, "access.yaml")
	check("access.yaml", rules, accessFields)
	check("a rule", rules.Defs["rule"].object, ruleFields)
	check("an entry of requireSigned", rules.Defs["signing"].object, signingFields)
	repositories := schemaOfFile(t, "repositories.yaml")
	check("repositories.yaml", repositories, grantsFields)
	check("a grant", repositories.Defs["grant"].object, grantFields)
	windows := schemaOfFile(t, "windows.yaml")
	check("windows.yaml", windows, windowsFields)
	check("a window", windows.Defs["window"].object, windowFields)
	notifications := schemaOfFile(t, "notifications.yaml")
	check("notifications.yaml", notifications, notificationsFields)
	check("a receiver", notifications.Defs["receiver"].object, receiverFields)
	check("a rule of notifications", notifications.Defs["rule"].object, tellingFields)
	if has := notifications.Defs["event"].Enum; !slices.Equal(has, topicWords()) {
		t.Errorf("the schema has the events %q, Parse reads %q", has, topicWords())
	}
	check("groups.yaml", schemaOfFile(t, "groups.yaml"), groupsFields)
	operator := schemaOfFile(t, "operators/ana.yaml")
	check("an operator", operator, operatorFields)
	check("a key", operator.Defs["key"].object, keyFields)
	authorities := schemaOfFile(t, "authorities.yaml")
	check("a cluster", schemaOfFile(t, "clusters/eu.yaml"), append(slices.Clone(clusterFields), "sops"))
	check("a mirror", schemaOfFile(t, "mirrors/team/shop.yaml"), append(slices.Clone(mirrorFields), sopsField))
	remotes := schemaOfFile(t, "remotes/team/shop.yaml")
	check("remotes", remotes, append(slices.Clone(remotesFields), sopsField))
	check("a remote", remotes.Defs["remote"].object, remoteFields)
	check("authorities.yaml", authorities, authoritiesFields)
	check("an authority", authorities.Defs["authority"].object, authorityFields)
	check("a key of an authority", authorities.Defs["key"].object, keyFields)
	check("what is revoked", authorities.Defs["revoked"].object, revokedFields)
	if has, want := rules.Defs["rights"].Items.Enum, slices.Concat(roleWords, access.Verbs()); !slices.Equal(has, want) {
		t.Errorf("the schema has the rights %q, Parse reads %q", has, want)
	}
	for _, file := range Files {
		if _, ok := Schema(file); !ok {
			t.Errorf("%s has no schema", file)
		}
	}
	for _, file := range []string{"", "operators/ana", "operators", "clusters/eu", "../access.yaml"} {
		if _, ok := Schema(file); ok {
			t.Errorf("%q has a schema", file)
		}
	}
}

func TestSchemasJudgeFiles(t *testing.T) {
	for _, test := range []struct {
		file, text string
		wrong      string // a part of the error; "" if the file is right
	}{
		{"access.yaml", "rules: [{who: [ana], may: [admin]}]", ""},
		{"access.yaml", "rules: [{who: [ana], repositories: [shop], branches: [1.1], paths: ['**'], may: [rollback], mayNot: [suspend]}]", ""},
		{"access.yaml", "rules: [{who: [ana], may: [fly]}]", "may"},
		{"access.yaml", "rules: [{who: [ana]}]", "may"},
		{"access.yaml", "{rules: [{who: [ana], may: [read]}], requireTouch: [admins]}", ""},
		{"access.yaml", "{rules: [{who: [ana], may: [read]}], requireTouch: true}", "requireTouch"},
		{"access.yaml", "{}", "rules"},
		{"access.yaml", "{rules: [], requireSigned: [{}, {repositories: [shop], branches: [main], by: [ana]}]}", ""},
		{"access.yaml", "{rules: [], requireSigned: [{who: [ana]}]}", "requireSigned"},
		{"access.yaml", "{rules: [], requireSignedPush: [{}, {repositories: [shop], branches: [main], by: [ana]}]}", ""},
		{"access.yaml", "{rules: [], requireSignedPush: [{paths: [a]}]}", "requireSignedPush"},
		{"groups.yaml", "groups: {a: [ana], b: []}", ""},
		{"groups.yaml", "groups: {everyone: [ana]}", "everyone"},
		{"operators/ana.yaml", "keys: [ssh-ed25519 AAAA]", ""},
		{"operators/ana.yaml", "{kind: robot, email: a@b, keys: [{key: ssh-ed25519 AAAA, expires: '2026-12-31', from: [192.0.2.7]}]}", ""},
		{"operators/ana.yaml", "{kind: bot, keys: []}", "kind"},
		{"operators/ana.yaml", "{keys: [], gpg: [AAAA]}", "gpg"},
		{"operators/ana.yaml", "keys: [{expires: '2026-12-31'}]", "keys"},
		{"authorities.yaml", "# nothing", ""},
		{"authorities.yaml", "authorities: {corp: {keys: [ssh-ed25519 AAAA], principals: {ana: ana, ops: admins}, revoked: {serials: [17, 20-30], keyIds: [x], keys: [SHA256:x]}}}", ""},
		{"authorities.yaml", "authorities: {corp: {keys: [{key: ssh-ed25519 AAAA, expires: '2026-12-31'}], principals: [ana, 1]}}", ""},
		{"authorities.yaml", "authorities: {corp: {keys: []}}", "principals"},
		{"authorities.yaml", "authorities: {corp: {keys: [], principals: [], revoked: {serials: [0]}}}", "serials"},
		{"authorities.yaml", "authorities: {'a b': {keys: [], principals: []}}", "a b"},
		{"windows.yaml", "windows: [{name: a, branches: [main], deny: {from: '2026-12-24', to: '2026-12-26'}}]", ""},
		{"windows.yaml", "windows: [{name: a, allow: {schedule: '0 9 * * *', duration: 8h, timeZone: UTC}, whenClosed: wait, corrections: inWindow}]", ""},
		{"windows.yaml", "windows: [{name: a}]", "allow"},
		{"windows.yaml", "windows: [{name: a, deny: {schedule: '0 9 * * *'}}]", "duration"},
		{"repositories.yaml", "# nothing", ""},
		{"repositories.yaml", "grants: [{repositories: [shop], serviceAccount: a/b}]", ""},
		{"repositories.yaml", "grants: [{clusters: [eu], namespaces: [a, 'a-*', {matchLabels: {team: a}}], clusterScoped: ['*'], kinds: {allow: [Deployment.apps], deny: []}, plainSecrets: false, maxObjects: 5, rate: 30/1h}]", ""},
		{"repositories.yaml", "grants: [{repositories: [shop], namespace: a}]", "namespace"},
		{"repositories.yaml", "grants: [{namespaces: [{matchLabels: {}}]}]", "matchLabels"},
		{"repositories.yaml", "grants: [{clusterScoped: [secrets]}]", "clusterScoped"},
	} {
		text, _ := Schema(test.file)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource("x.json", document); err != nil {
			t.Fatal(err)
		}
		compiled, err := compiler.Compile("x.json")
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := yaml.Unmarshal([]byte(test.text), &value); err != nil {
			t.Fatal(err)
		}
		err = compiled.Validate(value)
		if (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%s: %s: got %v, want an error about %q", test.file, test.text, err, test.wrong)
		}
	}
}
