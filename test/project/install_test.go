package project

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/install"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/settings"
)

var update = flag.Bool("update", false, "make the manifests and tables of config/install anew")

const (
	chartFolder = "config/install/chart"
	manifests   = "config/install/install.yaml"
	accounts    = "config/install/accounts.yaml"

	// maxManifests is the largest size of manifests that a client-side apply accepts.
	maxManifests = 100_000
)

// hold compares a generated file with its sources. With -update it generates the file.
func hold(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(filepath.Join(root, name), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, name); got != want {
		t.Errorf("%s differs from its sources; run: make manifests", name)
	}
}

// TestInstallationPrintsItsManifests compares install.yaml with the chart.
func TestInstallationPrintsItsManifests(t *testing.T) {
	var out bytes.Buffer
	if err := install.Print(t.Context(), install.Given{}, "", &out); err != nil {
		t.Fatal(err)
	}
	hold(t, manifests, out.String())
	if out.Len() >= maxManifests {
		t.Errorf("%s has %d bytes, more than %d", manifests, out.Len(), maxManifests)
	}
}

// accountsHead is the beginning of accounts.yaml.
const accountsHead = `# The rights of a server that deploys every repository as a ServiceAccount of its grant, and
# so writes nothing by itself: those of the chart with rights.accounts, for a cluster where
# the server does not run. "pushboat cluster add NAME --account NAMESPACE/NAME" makes them,
# and "make manifests" this file. Fit two things to your cluster, and apply it as an admin:
#
#   - the kinds that apps may have, in the ClusterRole pushboat-deploy-read, for the server
#     watches them, and in the Role pushboat of pushboat-system;
#   - the accounts: a Role pushboat-accounts and its RoleBinding in the namespace of each.
#
#     kubectl apply --server-side -f accounts.yaml
#
# docs/security.md lists what each right is for.
`

// withAccounts are values of a server that deploys as an account.
const withAccounts = "{rights: {accounts: [team-a/deployer]}}"

// TestInstallationPrintsItsAccounts compares accounts.yaml with the chart.
func TestInstallationPrintsItsAccounts(t *testing.T) {
	kinds := []string{"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
	var out strings.Builder
	out.WriteString(accountsHead)
	for _, document := range strings.Split(printed(t, withAccounts), "---\n")[1:] {
		objects := objectsOf(t, accounts, document)
		for id := range objects {
			if slices.Contains(kinds, id.Kind) {
				out.WriteString("---\n" + document)
			}
		}
	}
	hold(t, accounts, out.String())
}

// printed are the manifests of an installation with values in YAML.
func printed(t *testing.T, values string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(values), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := install.Print(t.Context(), install.Given{File: file}, "", &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestInstallationAsKustomization checks that the kustomization has the same objects.
func TestInstallationAsKustomization(t *testing.T) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(root, "config/install"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	got, want := objectsOf(t, "the kustomization", string(text)), objectsOf(t, manifests, read(t, manifests))
	if len(want) < 10 {
		t.Errorf("%s has %d objects: this test compares too little", manifests, len(want))
	}
	for id, object := range want {
		if !bytes.Equal(got[id], object) {
			t.Errorf("%s: the kustomization has\n%s\nwant\n%s", id, got[id], object)
		}
	}
	if len(got) != len(want) {
		t.Errorf("the kustomization has %d objects, want %d", len(got), len(want))
	}
}

// objectsOf parses manifests. It returns each object as JSON.
func objectsOf(t *testing.T, file, text string) map[manifest.ID][]byte {
	t.Helper()
	objects, problems := manifest.Parse(file, []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	found := map[manifest.ID][]byte{}
	for _, o := range objects {
		var err error
		if found[o.ID()], err = json.Marshal(o.Object); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// TestInstallationIsLinted checks the chart with Helm's linter.
func TestInstallationIsLinted(t *testing.T) {
	result := lint.RunAll(filepath.Join(root, chartFolder), nil, "pushboat-system")
	for _, message := range result.Messages {
		if message.Severity >= support.WarningSev {
			t.Error(message)
		}
	}
	if len(result.Messages) == 0 { // the linter always recommends an icon
		t.Error("Helm's linter reports nothing: this test compares nothing")
	}
}

// value is a value of the chart.
type value struct{ name, standard, text string }

// TestInstallationHasATableOfItsValues compares the table in the chart's README with the
// values and their schema, and the values with the schema.
func TestInstallationHasATableOfItsValues(t *testing.T) {
	var standard map[string]any
	var schema property
	if err := yaml.UnmarshalStrict([]byte(read(t, chartFolder+"/values.yaml")), &standard); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(read(t, chartFolder+"/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	delete(schema.Properties, "global")
	values := schema.values(t, "", standard)
	if len(values) < 30 {
		t.Errorf("the chart has %d values: this test compares too little", len(values))
	}
	var table strings.Builder
	table.WriteString("\n| value | default | |\n|---|---|---|\n")
	for _, v := range values {
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", v.name, v.standard, strings.ReplaceAll(v.text, "|", `\|`))
	}
	const mark = "by: make manifests -->\n"
	head, _, found := strings.Cut(read(t, chartFolder+"/README.md"), mark)
	if !found {
		t.Fatalf("the README has no line that ends with %q", mark)
	}
	hold(t, chartFolder+"/README.md", head+mark+table.String())
}

// property is a part of a JSON schema.
type property struct {
	Description string
	Properties  map[string]property
}

// values lists the values that a schema describes, with their defaults. A value without a
// description or a default fails the test.
func (p property) values(t *testing.T, at string, standard map[string]any) []value {
	t.Helper()
	var found []value
	for _, name := range slices.Sorted(maps.Keys(standard)) {
		below, known := p.Properties[name]
		switch fields, isMapping := standard[name].(map[string]any); {
		case !known:
			t.Errorf("values.schema.json does not have %s%s", at, name)
		case isMapping && len(below.Properties) > 0:
			found = append(found, below.values(t, at+name+".", fields)...)
		case below.Description == "":
			t.Errorf("values.schema.json does not describe %s%s", at, name)
		default:
			found = append(found, value{at + name, written(t, standard[name]), below.Description})
		}
	}
	for name := range p.Properties {
		if _, has := standard[name]; !has {
			t.Errorf("values.yaml does not have %s%s", at, name)
		}
	}
	return found
}

// written writes a default for the table.
func written(t *testing.T, v any) string {
	t.Helper()
	if text, ok := v.(string); ok {
		if text == "" {
			return ""
		}
		return "`" + text + "`"
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return "`" + string(text) + "`"
}

// TestInstallationRunsTheImage checks that the pod runs the Dockerfile's program, as the
// Dockerfile's user.
func TestInstallationRunsTheImage(t *testing.T) {
	pod := podOf(t)
	containers, _, _ := unstructured.NestedSlice(pod, "containers")
	command, _, _ := unstructured.NestedStringSlice(containers[0].(map[string]any), "command")
	if entry := entrypoint(t); len(command) != 2 || command[0] != entry[0] || command[1] != entry[1] {
		t.Errorf("the pod runs %q, the image has %q", command, entry)
	}
	user := ""
	for _, i := range dockerfile(t) {
		if i.word == "USER" {
			user = i.rest
		}
	}
	uid, _, _ := unstructured.NestedFieldNoCopy(pod, "securityContext", "runAsUser")
	gid, _, _ := unstructured.NestedFieldNoCopy(pod, "securityContext", "runAsGroup")
	if got := fmt.Sprintf("%v:%v", uid, gid); got != user {
		t.Errorf("the pod runs as %s, the image as %s", got, user)
	}
}

// TestInstallationHasSettings checks that the server accepts the settings of the chart, and
// that its data is on the pod's volume.
func TestInstallationHasSettings(t *testing.T) {
	objects, _ := manifest.Parse(manifests, []byte(read(t, manifests)))
	text := ""
	for _, o := range objects {
		if o.GetKind() == "ConfigMap" {
			text, _, _ = unstructured.NestedString(o.Object, "data", "pushboat.yaml")
		}
	}
	path := filepath.Join(t.TempDir(), "pushboat.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := settings.Sources{File: path}.Read()
	if err != nil {
		t.Fatal(err)
	}
	if config.Data != "/data/pushboat" || config.Keys.File != "/etc/pushboat/keys/operators" {
		t.Errorf("the data is in %s, the keys are in %s", config.Data, config.Keys.File)
	}
	// Links to a Service of the name pushboat would be variables PUSHBOAT_..., which the
	// server takes for settings.
	if links, _ := podOf(t)["enableServiceLinks"].(bool); links || podOf(t)["enableServiceLinks"] == nil {
		t.Error("the pod has links to Services")
	}
}

// podOf returns the spec of the server's pod.
func podOf(t *testing.T) map[string]any {
	t.Helper()
	objects, problems := manifest.Parse(manifests, []byte(read(t, manifests)))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, o := range objects {
		if o.GetKind() == "StatefulSet" {
			spec, _, _ := unstructured.NestedMap(o.Object, "spec", "template", "spec")
			return spec
		}
	}
	t.Fatalf("%s has no StatefulSet", manifests)
	return nil
}

// everyRight are values with which the chart gives the server every right that it may have
// for itself.
const everyRight = "{standby: {enabled: true}, storage: {accessMode: ReadWriteMany}, settings: {events: {kubernetes: problems}}}"

// TestRightsAreExplained finds rights of the server itself for which docs/install.md gives
// no reason.
func TestRightsAreExplained(t *testing.T) {
	reasons := map[string]bool{}
	for _, row := range tableRows(t, read(t, "docs/install.md"), "### Rights") {
		reasons[strings.Trim(row[0], "`")+" "+row[1]] = row[2] != ""
	}
	rights := rightsOf(t, printed(t, everyRight), "ClusterRole pushboat", "Role pushboat")
	for right := range rights {
		if !reasons[right] {
			t.Errorf("docs/install.md gives no reason for: %s", right)
		}
	}
	if len(rights) != len(reasons) {
		t.Errorf("docs/install.md has %d rights, the manifests %d", len(reasons), len(rights))
	}
}

// TestRightsOfAccountsAreExplained does the same for a server that deploys as accounts, and
// docs/security.md.
func TestRightsOfAccountsAreExplained(t *testing.T) {
	reasons := map[string]bool{}
	for _, row := range tableRows(t, read(t, "docs/security.md"), "### Deploying as accounts") {
		on, _, _ := strings.Cut(row[1], " in ")
		if !strings.HasPrefix(on, "`") {
			continue // the kinds of apps
		}
		on, _, _ = strings.Cut(on, ", those")
		for resource := range strings.SplitSeq(on, ", ") {
			reasons[strings.Trim(resource, "`")+" "+row[0]] = row[2] != ""
		}
	}
	values := "{rights: {accounts: [team-a/deployer]}, settings: {events: {kubernetes: all}}}"
	rights := rightsOf(t, printed(t, values), "ClusterRole pushboat", "Role pushboat", "Role pushboat-accounts")
	for right := range rights {
		if _, verbs, _ := strings.Cut(right, " "); verbs != "create, patch" && !reasons[right] { // that is dry-runs of the kinds of apps
			t.Errorf("docs/security.md gives no reason for: %s", right)
		}
	}
	for reason := range reasons {
		if !rights[reason] {
			t.Errorf("docs/security.md has a right that the manifests do not give: %s", reason)
		}
	}
}

// TestEventsTakeARight: the right to write Events is given where the settings want them
// written, and nowhere else.
func TestEventsTakeARight(t *testing.T) {
	for values, want := range map[string]bool{
		"{}": false,
		"{settings: {events: {kubernetes: none}}}":                                              false,
		"{settings: {events: {}}}":                                                              false,
		"{settings: {events: {kubernetes: problems}}}":                                          true,
		"{settings: {events: {kubernetes: all}}, rights: {accounts: [team-a/deployer]}}":        true,
		"{settings: {events: {kubernetes: all}}, rights: {deploy: none, namespaces: [team-a]}}": true,
	} {
		if got := rightsOf(t, printed(t, values), "ClusterRole pushboat")["events create, patch"]; got != want {
			t.Errorf("%s: the right to write Events: %v, want %v", values, got, want)
		}
	}
}

// rightsOf are the rights that some roles of manifests give: the resource, and the verbs.
func rightsOf(t *testing.T, text string, roles ...string) map[string]bool {
	t.Helper()
	rights := map[string]bool{}
	objects, _ := manifest.Parse(manifests, []byte(text))
	for _, o := range objects {
		if !slices.Contains(roles, o.GetKind()+" "+o.GetName()) {
			continue
		}
		rules, _, _ := unstructured.NestedSlice(o.Object, "rules")
		for _, rule := range rules {
			fields, _ := rule.(map[string]any)
			resources, _, _ := unstructured.NestedStringSlice(fields, "resources")
			verbs, _, _ := unstructured.NestedStringSlice(fields, "verbs")
			for _, resource := range resources {
				rights[resource+" "+strings.Join(verbs, ", ")] = true
			}
		}
	}
	return rights
}
