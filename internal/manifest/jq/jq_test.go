package jq

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// deployment is an object in which expressions find fields.
const deployment = `
kind: Deployment
metadata:
  name: web
  labels: {app: web, in-progress: "true", example.org/a: x, example.org/b: y}
  annotations: {a/b: c}
  finalizers: [one, two]
  ownerReferences: [{kind: App, name: x}, {kind: ExternalSecret, name: y}]
spec:
  replicas: 3
  paused: false
  share: 0.5
  template:
    spec:
      initContainers:
        - {name: istio-init, image: proxy}
      containers:
        - {name: web, image: "web:latest", resources: {limits: {cpu: 1}}, env: [{name: A, value: a}, {name: B, value: b}]}
        - {name: istio-proxy, image: "proxy:1", resources: {}, env: [{name: A, value: a}]}
        - {name: other, image: "docker.io/other:1"}
      volumes: [{name: istio-token}, {name: istio-certs}, {name: data}]
  ports:
    - {name: http, port: 80, nodePort: 30080}
    - {name: https, port: 443, nodePort: 30443}
`

// all are all steps that an object may take.
func all() *int {
	steps := MaxSteps
	return &steps
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, data)
}

// decoded reads JSON as the API server's objects are read: whole numbers are int64.
func decoded(t *testing.T, data []byte) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return numbers(value).(map[string]any)
}

func numbers(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, child := range value {
			value[key] = numbers(child)
		}
	case []any:
		for i, child := range value {
			value[i] = numbers(child)
		}
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole
		}
		fraction, _ := value.Float64()
		return fraction
	}
	return value
}

const pod = "/spec/template/spec/"

// leading are expressions, with what they lead to in the deployment, or with what it begins; "!" of
// those that are refused.
var leading = map[string]string{
	`.spec.template.spec.containers[] | select(.name == "istio-proxy") | .resources`:                        pod + "containers/1/resources",
	`.spec.template.spec.containers[] | select(.name == "istio-proxy")`:                                     pod + "containers/1",
	`.spec.template.spec.initContainers[] | select(.name == "istio-init")`:                                  pod + "initContainers/0",
	`.spec.template.spec.containers[]? | select(.name=="web" or .name=="other").image`:                      pod + "containers/0/image " + pod + "containers/2/image",
	`.spec.ports[] | select(.name == "http" and .port == 80) | .nodePort`:                                   "/spec/ports/0/nodePort",
	`.spec.template.spec.containers[] | select(.name == "web").env[] | select(.name == "B")`:                pod + "containers/0/env/1",
	`.spec.template.spec.containers[].env[]? | select(.name == "A").value`:                                  pod + "containers/0/env/0/value " + pod + "containers/1/env/0/value",
	`.spec.template.spec.containers[] | select(.image | endswith(":latest"))`:                               pod + "containers/0",
	`.spec.template.spec.containers[] | select(.image | startswith("docker.io/")) | .image`:                 pod + "containers/2/image",
	`.spec.template.spec.volumes[] | select(.name|test("istio-."))`:                                         pod + "volumes/0 " + pod + "volumes/1",
	`.spec.template.spec.volumes[] | select(.name == "istio-envoy" or .name == "istio-certs")`:              pod + "volumes/1",
	`select(.metadata.labels["in-progress"] == "true") | .spec.replicas`:                                    "/spec/replicas",
	`select(.metadata.labels."in-progress" == "false") | .spec.replicas`:                                    "",
	`select ((.metadata.annotations // {}) | has("a/b")) | .spec`:                                           "/spec",
	`select(.metadata.ownerReferences != null) | select(.metadata.ownerReferences[].kind == "App") | .data`: "/data",
	`.metadata.finalizers[] | select(startswith("t"))`:                                                      "/metadata/finalizers/1",
	`if .kind == "Deployment" then .spec.replicas else null end`:                                            "/spec/replicas",
	`.metadata.annotations["a/b"]`:                                                                          "/metadata/annotations/a~1b",
	`.spec.template.spec.containers[].resources`:                                                            pod + "containers/0/resources " + pod + "containers/1/resources " + pod + "containers/2/resources",
	`.metadata.labels | .[keys[] | select(startswith("example.org/"))]`:                                     "/metadata/labels/example.org~1a /metadata/labels/example.org~1b",

	// The parts of the language.
	`.spec.ports[0].port, .spec.ports[-1].port`:                                  "/spec/ports/0/port /spec/ports/1/port",
	`.spec.ports[7].port`:                                                        "/spec/ports/2147483647/port",
	`.spec["replicas", "paused"] # two`:                                          "/spec/paused /spec/replicas",
	`.spec."replicas"`:                                                           "/spec/replicas",
	`."spec"["replicas"]`:                                                        "/spec/replicas",
	`.["spec"].["replicas"]`:                                                     "/spec/replicas",
	`.spec.[] | select(. == false)`:                                              "/spec/paused",
	`.spec[] | select(type == "number" and . < 1)`:                               "/spec/share",
	`.spec[] | select(. == 0.5)`:                                                 "/spec/share",
	`.spec[] | select(. == 3.0)`:                                                 "/spec/replicas",
	`.spec[] | select(. >= {})`:                                                  "/spec/template",
	`.spec[] | select(. > [] and . <= [{}, 1])`:                                  "",
	`.spec.ports[] | select([.name, .port] > ["http", 80])`:                      "/spec/ports/1",
	`.spec.ports[] | select(. == {}) | .port`:                                    "",
	`(.spec.ports, .metadata.labels) | .[0]?`:                                    "/spec/ports/0",
	`.nothing.at.all`:                                                            "/nothing/at/all",
	`.nothing[0]`:                                                                "/nothing/0",
	`.nothing // .spec.replicas`:                                                 "/spec/replicas",
	`.spec.paused // .spec.replicas // .spec`:                                    "/spec/replicas",
	`.spec.replicas // .spec.paused`:                                             "/spec/replicas",
	`.spec | .. | select(. == 443)`:                                              "/spec/ports/1/port",
	`.. | .nodePort?`:                                                            "/metadata/annotations/nodePort /metadata/labels/nodePort /metadata/nodePort /metadata/ownerReferences/0/nodePort /metadata/ownerReferences/1/nodePort /nodePort",
	`.spec | recurse | select(. == 443)`:                                         "/spec/ports/1/port",
	`try .spec.ports.name`:                                                       "",
	`.spec.ports?.name?`:                                                         "",
	`(.spec.ports[] | .name.x)?`:                                                 "",
	`(.spec.replicas, .spec.ports.x)?`:                                           "/spec/replicas",
	`(.spec | (.replicas?, .ports.x?))? | select(. == 3)`:                        "/spec/replicas",
	`(.spec.replicas // .spec.paused)? | select(true) | .. `:                     "/spec/replicas",
	`first(.spec.ports[]) | .port`:                                               "/spec/ports/0/port",
	`first(.spec.ports[] | .name.x)?`:                                            "",
	`(first(.spec.ports[])? | .port)?`:                                           "/spec/ports/0/port",
	`first(empty), .spec.paused`:                                                 "/spec/paused",
	`.spec | values | .paused`:                                                   "/spec/paused",
	`empty`:                                                                      "",
	`if .x then .spec.replicas elif .kind then .spec.paused else empty end`:      "/spec/paused",
	`if .kind then .spec.replicas else .spec.paused end`:                         "/spec/replicas",
	`.spec.ports[] | select(.name | not | not) | .port`:                          "/spec/ports/0/port /spec/ports/1/port",
	`.spec.ports[] | select(-1 < .port and .port < 1e2)`:                         "/spec/ports/0",
	`.spec.ports[] | select(.port == 80 or .x.y.z)`:                              "/spec/ports/0",
	`.spec.ports[] | select(.name | IN("http", "x"))`:                            "/spec/ports/0",
	`.spec.ports[] | select(.name | inside("the https port"))`:                   "/spec/ports/0 /spec/ports/1",
	`.spec.ports[] | select(contains({name: "s"}))`:                              "!",
	`.spec.ports[] | select(.name | contains("s"))`:                              "/spec/ports/1",
	`.spec | select(.ports | map(.port) | contains([80])) | .ports`:              "/spec/ports",
	`.spec | select([.ports, .paused] | contains([[{}], false]))`:                "/spec",
	`.spec | select([1] | contains([2])) | .ports`:                               "",
	`.spec.ports[] | select(length == 3 and (.name | length) == 4)`:              "/spec/ports/0",
	`.spec | select((.x | length) == 0 and (.ports | length) == 2)`:              "/spec",
	`.spec | select((-3 | length) == 3)`:                                         "/spec",
	`.spec.ports[] | select(.name | ascii_upcase == "HTTP")`:                     "/spec/ports/0",
	`.spec.ports[] | select("HTTPS" | ascii_downcase == "https")`:                "/spec/ports/0 /spec/ports/1",
	`.spec.ports[] | select(.name | test("^H.*s$"; "i"))`:                        "/spec/ports/1",
	`.spec.ports[] | select("a\nb" | test("a.b"; "m"))`:                          "/spec/ports/0 /spec/ports/1",
	`.spec.ports[] | select(any)`:                                                "/spec/ports/0 /spec/ports/1",
	`.spec.ports[] | select(all(. != 80))`:                                       "/spec/ports/1",
	`.spec | select(any(.ports[]; .port == 80)) | .paused`:                       "/spec/paused",
	`.spec | select(all(.ports[]; .port == 80)) | .paused`:                       "",
	`.spec | select(.ports | any(.port == 443) and all) | .paused`:               "/spec/paused",
	`select(.metadata.labels | to_entries | map(.key == "app") | any) | .spec`:   "/spec",
	`.spec | select(.ports | to_entries | map(.key) == [0, 1]) | .paused`:        "/spec/paused",
	`.spec.ports | .[keys[] | select(. > 0)]`:                                    "/spec/ports/1",
	`.spec.ports | select(has(1)) | .[0]`:                                        "/spec/ports/0",
	`.spec | select(.x | has("y") | not) | .paused`:                              "/spec/paused",
	`.spec.ports[] | select("name" | in({})) | .port`:                            "",
	`.spec.ports[] | select((.name, .port) == 80) | .port`:                       "/spec/ports/0/port",
	`.spec.ports[] | select(null == .x and ([] == [.x[]?])) | .port`:             "/spec/ports/0/port /spec/ports/1/port",
	`.spec.ports[] | select(.name as_is)`:                                        "!",
	`.spec | select(true > false and null < false) | .paused`:                    "/spec/paused",
	`.spec.ports | select(contains([.[1]])) | .[0]`:                              "/spec/ports/0",
	`.spec.ports | select([.[1]] | contains([{}])) | .[0]`:                       "/spec/ports/0",
	`.spec | select(contains(.template)) | .paused`:                              "",
	`.spec | select(.ports[1] > .ports[0] and .ports[0] == .ports[0]) | .paused`: "/spec/paused",
	`.spec["ports"][.spec.ports | keys | .[1]]`:                                  "/spec/ports/1",
}

// TestFields: what expressions lead to, which is what gojq's path(EXPRESSION) has. The first
// ones are as people have them in public repositories.
func TestFields(t *testing.T) {
	for expression, want := range leading {
		p, refusal := Parse(expression)
		if refusal != nil {
			if want != "!" {
				t.Errorf("%s: %v", expression, refusal)
			}
			continue
		}
		fields, err := p.Fields(object(t, deployment), all())
		if err != nil {
			t.Errorf("%s: %v", expression, err)
		}
		slices.Sort(fields)
		if got := strings.Join(fields, " "); !strings.HasPrefix(got, want) || (want == "") != (got == "") || want == "!" {
			t.Errorf("%s: it leads to %q, want %q", expression, got, want)
		}
	}
}

// TestFewerSteps: an expression leads to all of its fields, or to none if the steps are not enough.
func TestFewerSteps(t *testing.T) {
	o := object(t, deployment)
	for expression := range leading {
		p, refusal := Parse(expression)
		if refusal != nil {
			continue
		}
		steps := MaxSteps
		found, err := p.Fields(o, &steps)
		if err != nil {
			t.Fatal(err)
		}
		for given := range min(MaxSteps-steps, 400) {
			left := given
			if fields, err := p.Fields(o, &left); !errors.Is(err, ErrTooLong) || len(fields) > 0 || left != 0 {
				t.Errorf("%s: with %d of %d steps it leads to %q of %q, %v", expression, given, MaxSteps-steps, fields, found, err)
				break
			}
		}
	}
}

// TestFailures: an expression that fails on an object leads to none of its fields, also not to
// those that it found before; the error has no values.
func TestFailures(t *testing.T) {
	for expression, want := range map[string]error{
		`.spec.replicas, .spec.ports.x`: errKind,
		`.spec.replicas[]`:              errKind,
		`.nothing[]`:                    errKind,
		`.spec["ports"].x`:              errKind,
		`.spec[0]`:                      errKind,
		`.spec[[0]]`:                    errKind,
		`.kind.x`:                       errKind,
		`.kind[{}]`:                     errKind,
		`.kind[0]`:                      errKind,
		`.metadata.labels | .[keys[] | startswith("x")]`:                       errKind,
		`.spec[] | select(startswith("x"))`:                                    errKind,
		`.spec.ports[] | select(.name | startswith(1))`:                        errKind,
		`.spec.ports[] | select(.port | test("x"))`:                            errKind,
		`.spec.ports[] | select(.name | contains(1))`:                          errKind,
		`.spec.ports[] | select(.name | has("x"))`:                             errKind,
		`.spec.ports[] | select(has(0))`:                                       errKind,
		`.spec.ports | select(has("x")) | .[0]`:                                errKind,
		`.spec | select(.paused | length == 0) | .ports`:                       errKind,
		`.spec | select(.paused | keys) | .ports`:                              errKind,
		`.spec | select(.paused | to_entries) | .ports`:                        errKind,
		`.spec | select([.ports[].x[]]) | .ports`:                              errKind,
		`.spec | select(any(.ports[]; .name.x)) | .ports`:                      errKind,
		`.spec | select(.paused.x // 1) | .ports`:                              errKind,
		`.spec | select({} < .paused.x) | .ports`:                              errKind,
		`.spec | select(.paused.x < {}) | .ports`:                              errKind,
		`.spec | select("a" == "a" and .paused.x) | .ports`:                    errKind,
		`.spec | select(.paused.x or 1) | .ports`:                              errKind,
		`.spec | first(.ports.x)`:                                              errKind,
		`.spec | if .ports.x then . end | .ports`:                              errKind,
		`.spec[.ports.x]`:                                                      errKind,
		`if .kind == "Other" then .spec else null end`:                         errMade,
		`.spec, first(.metadata, 1) | if .replicas then . else 1 end`:          errMade,
		`if .spec then [.spec] else .spec end | .[0]`:                          errMade,
		`if .spec then [.spec] else .spec end | .[]`:                           errMade,
		`.spec | select([1]` + strings.Repeat(" | [.[], .[]]", 20) + ` | any)`: ErrTooLong,
		`(.. | .. | .. | .. | ..)? | .x?`:                                      ErrTooLong,
		`.spec | select([range] | not)`:                                        nil,
	} {
		p, refusal := Parse(expression)
		if refusal != nil {
			if want != nil {
				t.Errorf("%s: %v", expression, refusal)
			}
			continue
		}
		fields, err := p.Fields(object(t, deployment+"\nmore: {"+strings.Repeat("a: {", 40)+strings.Repeat("}", 41)), all())
		if want == nil || !errors.Is(err, want) || len(fields) > 0 {
			t.Errorf("%s: it leads to %q, with error %v, want %v", expression, fields, err, want)
		}
	}
}

// TestSearchesEnd: the worst of expressions ends within its steps, whatever it does in each.
func TestSearchesEnd(t *testing.T) {
	values := make([]any, 2000)
	for i := range values {
		values[i] = map[string]any{"text": strings.Repeat("ab", 5000), "list": []any{int64(1), int64(i)}}
	}
	wide := map[string]any{"list": values}
	for _, expression := range []string{
		`.list[] | select(.text | test("(a|b|ab)*c")) | .x`,
		`.list | .[] | select(.text | contains("bb"))`,
		`.list | select([.[]] == [.[]] and [.[]] == [.[]] and ([.[]] | contains([{}, {}]) | not)) | .x`,
		`.list | select(. == . and (. | contains(.))) | .x`,
		`.list | select(any(.[]; . == (.[] | .list))) | .x`,
		`(.list[].text, .list[].list) | select(. < (.., "x")) | .x`,
		`.list | select(keys == (.. | keys?)) | .[0]`,
		`.list | select([.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | [.[], .[]] | .[0]) | .[1]`,
		`.list[] | select(.text | ascii_downcase | ascii_upcase | length == 3 or startswith("b"))`,
	} {
		p, err := Parse(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		began := time.Now()
		_, failed := p.Fields(wide, all())
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: %v after %v", expression, failed, took)
		}
	}
}

// TestStepsAreShared: what one expression takes, another one does not have.
func TestStepsAreShared(t *testing.T) {
	p, refusal := Parse(`.spec.ports[] | select(.name == "http")`)
	if refusal != nil {
		t.Fatal(refusal)
	}
	steps, o := 30, object(t, deployment)
	if fields, err := p.Fields(o, &steps); len(fields) != 1 || err != nil || steps <= 0 || steps >= 30 {
		t.Fatalf("%q, %v; left are %d steps", fields, err, steps)
	}
	if fields, err := p.Fields(o, &steps); len(fields) > 0 || err == nil || steps != 0 {
		t.Errorf("%q, %v; left are %d steps", fields, err, steps)
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, refusal := Parse(`.spec.template.spec.containers[] | select(.name == "istio-proxy") | .resources`); refusal != nil {
			b.Fatal(refusal)
		}
	}
}

func BenchmarkFields(b *testing.B) {
	data, err := yaml.YAMLToJSON([]byte(deployment))
	if err != nil {
		b.Fatal(err)
	}
	var o map[string]any
	if err := json.Unmarshal(data, &o); err != nil {
		b.Fatal(err)
	}
	p, refusal := Parse(`.spec.template.spec.containers[] | select(.name == "istio-proxy") | .resources`)
	if refusal != nil {
		b.Fatal(refusal)
	}
	for b.Loop() {
		if fields, err := p.Fields(o, all()); len(fields) != 1 || err != nil {
			b.Fatal(fields, err)
		}
	}
}
