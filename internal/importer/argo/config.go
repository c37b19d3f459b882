package argo

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// config is what argocd-cm says that matters here.
type config struct {
	ignore     []appfile.Ignore
	exclusions []exclusion
}

// exclusion is an entry of resource.exclusions.
type exclusion struct {
	Groups   []string `json:"apiGroups"`
	Kinds    []string `json:"kinds"`
	Clusters []string `json:"clusters"`
}

// excludes reports whether objects of a kind are left out.
func (c config) excludes(id manifest.ID, patterns *patterns) bool {
	fits := func(list []string, text string) bool {
		return len(list) == 0 || slices.ContainsFunc(list, func(p string) bool { return p == "*" || p == text || patterns.like(p, text) })
	}
	return slices.ContainsFunc(c.exclusions, func(e exclusion) bool {
		return len(e.Clusters) == 0 && fits(e.Groups, id.Group) && fits(e.Kinds, id.Kind)
	})
}

// size is how many patterns there are.
func (c config) size() int {
	size := 0
	for _, e := range c.exclusions {
		size += len(e.Groups) + len(e.Kinds)
	}
	return size
}

const (
	healthPrefix = "resource.customizations.health."
	ignorePrefix = "resource.customizations.ignoreDifferences."
)

// known are the rules in CEL for health in Lua that is well known; "": the server knows the kind.
var known = map[string]string{
	"argoproj.io_Application": "", "argoproj.io_ApplicationSet": "", "argoproj.io_Rollout": "", "cert-manager.io_Certificate": "", "cert-manager.io_Issuer": "", "cert-manager.io_ClusterIssuer": "",
	"networking.k8s.io_Ingress": "current: \"true\"", "PersistentVolumeClaim": "current: \"true\"",
	"external-secrets.io_ExternalSecret": "", "external-secrets.io_SecretStore": "", "external-secrets.io_ClusterSecretStore": "",
	"bitnami.com_SealedSecret": "current: status.isTrue('Synced')",
}

// readConfig reads the ConfigMap argocd-cm.
func (t *Tree) readConfig(o *manifest.Object) {
	r := meaning.Read(o, t.world.Place)
	data := r.Top().Map("data")
	for _, key := range data.Names() {
		text := data.Text(key)
		switch {
		case strings.HasPrefix(key, healthPrefix):
			t.readHealth(data, key, strings.TrimPrefix(key, healthPrefix))
		case strings.HasPrefix(key, ignorePrefix):
			t.readGlobalIgnore(data, key, text)
		case key == "resource.customizations":
			data.Refuse(key, "its old form is not read", "write a key for each kind, such as "+ignorePrefix+"apps_Deployment")
		case key == "resource.exclusions":
			if err := meaning.Unmarshal([]byte(text), &t.config.exclusions); err != nil {
				data.Problem(key, key+": "+oneLine(err), "write a list with apiGroups and kinds")
			}
		case key == "resource.inclusions":
			data.Refuse(key, "the objects of all kinds are deployed", "take it out, and list the kinds in an AppProject")
		default:
			data.Without(key, "it is a setting of Argo CD itself")
		}
	}
	t.problems = append(t.problems, r.Problems...)
	t.others = append(t.others, r.Notes...)
}

// readHealth refuses health in Lua, with the rule to write in its place.
func (t *Tree) readHealth(data *meaning.Map, key, of string) {
	group, kind, found := strings.Cut(of, "_")
	if !found {
		group, kind = "", of
	}
	rule, well := known[of]
	switch {
	case well && rule == "":
		data.Without(key, "the server knows the health of "+kind)
	case well:
		data.Refuse(key, "health in Lua is not run", fmt.Sprintf("write it in CEL, under health in %s or in the server's rules: {group: %q, kind: %s, %s}", appfile.Name, group, kind, rule))
	default:
		data.Refuse(key, "health in Lua is not run", fmt.Sprintf("write it in CEL, under health in %s or in the server's rules: {group: %q, kind: %s, current: \"status.phase == 'Ready'\"}", appfile.Name, group, kind))
	}
}

// readGlobalIgnore reads fields that are ignored in all apps.
func (t *Tree) readGlobalIgnore(data *meaning.Map, key, text string) {
	var entry struct {
		Pointers []string `json:"jsonPointers"`
		JQ       []string `json:"jqPathExpressions"`
		Managers []string `json:"managedFieldsManagers"`
	}
	if err := yaml.UnmarshalStrict([]byte(text), &entry); err != nil {
		data.Problem(key, key+": "+oneLine(err), "write jsonPointers: [/spec/replicas]")
		return
	}
	group, kind, found := strings.Cut(strings.TrimPrefix(key, ignorePrefix), "_")
	if !found {
		group, kind = "", group
	}
	if kind == "all" {
		kind = appfile.EveryKind
	}
	if len(entry.Managers) > 0 {
		data.Note(key, key+": managedFieldsManagers has no effect: "+managersWhy)
	}
	ignore := appfile.Ignore{Group: group, Kind: kind}
	for _, pointer := range entry.Pointers {
		if message := checkPointer(pointer); message != "" {
			data.Problem(key, key+": "+message, "")
		}
		ignore.Pointers = withOne(ignore.Pointers, pointer)
	}
	for _, expression := range entry.JQ {
		switch refusal := addExpression(&ignore, expression); {
		case refusal == nil:
		case refusal.NoField:
			data.Note(key, key+noField(refusal))
		default:
			data.Problem(key, key+": "+refusal.Message, refusal.Hint)
		}
	}
	if len(ignore.Pointers)+len(ignore.JQ) > 0 {
		t.config.ignore = append(t.config.ignore, ignore)
	}
}
