package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// WithGrant adds the roles that grant all that the problems lack to the last of these: one
// paste mends all of them.
func WithGrant(problems manifest.Problems) manifest.Problems {
	problems.Sort()
	last, lacking := -1, []manifest.Right(nil)
	for i, p := range problems {
		if p.Lacks != (manifest.Right{}) {
			last, lacking = i, append(lacking, p.Lacks)
		}
	}
	if last < 0 {
		return problems
	}
	problems = slices.Clone(problems)
	problems[last].Message += "\n" + Grant(lacking)
	return problems
}

// toAllowIt begins what Grant spells out.
const toAllowIt = "to allow it, a cluster admin pastes this into kubectl apply -f - :"

// Grant spells out the roles and bindings that grant rights, to paste: a single document,
// which may be indented as a whole. It is "" for no rights. Roles are named after their
// account and content, so that one never replaces another that was pasted before.
func Grant(rights []manifest.Right) string {
	if len(rights) == 0 {
		return ""
	}
	var text strings.Builder
	text.WriteString(toAllowIt + "\n")
	text.WriteString("apiVersion: v1\nkind: List\nitems:\n")
	roles := rolesOf(rights)
	for _, at := range slices.SortedFunc(maps.Keys(roles), place.compare) {
		writeRole(&text, at, roles[at])
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// place is where a role holds, and for whom; namespace "" is the whole cluster.
type place struct{ user, namespace string }

func (p place) compare(other place) int {
	return cmp.Or(strings.Compare(p.user, other.user), strings.Compare(p.namespace, other.namespace))
}

// rule is a rule of a role, but for its resources. Lists are joined by commas.
type rule struct{ group, verbs, names string }

// rules are the resources of each rule.
type rules map[rule]map[string]bool

func (r rules) add(key rule, resource string) {
	if r[key] == nil {
		r[key] = map[string]bool{}
	}
	r[key][resource] = true
}

// rolesOf merges rights to as few rules as possible.
func rolesOf(rights []manifest.Right) map[place]rules {
	type object struct {
		place
		group, resource string
	}
	names := map[object]map[string]map[string]bool{} // by verbs
	for _, r := range rights {
		o := object{place{r.User, r.Namespace}, r.Group, r.Resource}
		if names[o] == nil {
			names[o] = map[string]map[string]bool{}
		}
		for verbs, name := range parts(r) {
			if names[o][verbs] == nil {
				names[o][verbs] = map[string]bool{}
			}
			names[o][verbs][name] = true
		}
	}
	roles := map[place]rules{}
	for o, byVerbs := range names {
		if roles[o.place] == nil {
			roles[o.place] = rules{}
		}
		for verbs, named := range byVerbs {
			key := rule{group: o.group, verbs: verbs, names: strings.Join(slices.Sorted(maps.Keys(named)), ",")}
			if named[""] { // all of them
				key.names = ""
			}
			roles[o.place].add(key, o.resource)
		}
	}
	return roles
}

// parts are the verbs of a right, with the name of the object to which they can be
// restricted; "" if they cannot. In a namespace, an account that may create objects may
// change all of their kind: it is the next push that adds one. Pods have other names
// tomorrow. In the whole cluster, an account gets no more than the objects that it wants.
func parts(r manifest.Right) map[string]string {
	creates := slices.Contains(strings.Split(r.Verbs, ","), "create")
	switch {
	case creates && r.Namespace == "":
		others := slices.DeleteFunc(strings.Split(r.Verbs, ","), func(verb string) bool { return verb == "create" })
		return map[string]string{"create": "", strings.Join(others, ","): r.Name}
	case creates, r.Resource == "pods", strings.HasPrefix(r.Resource, "pods/"):
		return map[string]string{r.Verbs: ""}
	}
	return map[string]string{r.Verbs: r.Name}
}

// writeRole writes a role and its binding, as two items of a list.
func writeRole(text *strings.Builder, at place, rules rules) {
	var body strings.Builder
	for _, key := range slices.SortedFunc(maps.Keys(rules), rule.compare) {
		fmt.Fprintf(&body, "  - {apiGroups: [%s], resources: %s, verbs: %s", scalar(key.group), list(slices.Sorted(maps.Keys(rules[key]))), list(strings.Split(key.verbs, ",")))
		if key.names != "" {
			fmt.Fprintf(&body, ", resourceNames: %s", list(strings.Split(key.names, ",")))
		}
		body.WriteString("}\n")
	}
	who, subject := "pushboat", fmt.Sprintf("{kind: User, apiGroup: rbac.authorization.k8s.io, name: %s}", scalar(at.user))
	if namespace, name, ok := (manifest.Right{User: at.user}).Account(); ok {
		who, subject = name, fmt.Sprintf("{kind: ServiceAccount, namespace: %s, name: %s}", scalar(namespace), scalar(name))
	}
	sum := sha256.Sum256([]byte(at.user + "\n" + body.String()))
	name := scalar(who + "-" + hex.EncodeToString(sum[:4]))
	kind, metadata := "ClusterRole", "{name: "+name+"}"
	if at.namespace != "" {
		kind, metadata = "Role", fmt.Sprintf("{namespace: %s, name: %s}", scalar(at.namespace), name)
	}
	fmt.Fprintf(text, "- apiVersion: rbac.authorization.k8s.io/v1\n  kind: %s\n  metadata: %s\n  rules:\n%s", kind, metadata, body.String())
	fmt.Fprintf(text, "- apiVersion: rbac.authorization.k8s.io/v1\n  kind: %sBinding\n  metadata: %s\n", kind, metadata)
	fmt.Fprintf(text, "  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %s}\n", kind, name)
	fmt.Fprintf(text, "  subjects: [%s]\n", subject)
}

func (r rule) compare(other rule) int {
	return cmp.Or(strings.Compare(r.group, other.group), strings.Compare(r.verbs, other.verbs), strings.Compare(r.names, other.names))
}

func list(words []string) string {
	written := make([]string, len(words))
	for i, word := range words {
		written[i] = scalar(word)
	}
	return "[" + strings.Join(written, ", ") + "]"
}

// plainScalar matches words that are the same text in YAML without quotes.
var plainScalar = regexp.MustCompile(`^[a-z][a-z0-9./-]*[a-z0-9]$`)

// scalar writes a text as YAML.
func scalar(text string) string {
	if plainScalar.MatchString(text) && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off"}, text) {
		return text
	}
	quoted, _ := json.Marshal(text) // a text can be encoded
	return string(quoted)
}
