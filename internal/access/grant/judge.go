package grant

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Refusal says why a grant does not let something be deployed.
type Refusal struct {
	Message string // reads on from whose grant it is: "does not give the namespace x"
	Hint    string // the next thing to try

	namespace string // that it is about; "" for none
}

// The order in which an object is judged: by its kind and its name first, which is the same
// whatever the cluster has, and only then by the labels of its namespace.

// AsksLabels reports whether the labels of an object's namespace decide about it. No other
// judgement asks anything of the cluster.
func (g *Grant) AsksLabels(id manifest.ID) bool {
	return id.Namespace != "" && len(g.Namespaces.Selectors) > 0 && !g.Namespaces.HasName(id.Namespace) && g.judgeKind(id) == nil
}

// Judge says why the grant does not let an object be deployed, or deleted; nil: it does.
// The object has the namespace that it is in on the cluster, "" for one of a kind without
// namespaces. labels are those of that namespace on the cluster, if AsksLabels says so; nil
// if there is no such namespace.
func (g *Grant) Judge(id manifest.ID, labels map[string]string) *Refusal {
	if refusal := g.judgeKind(id); refusal != nil {
		return refusal
	}
	switch n := g.Namespaces; {
	case id.Namespace == "" && id.GroupKind() == manifest.NamespaceKind:
		return g.judgeNamespace(id.Name)
	case id.Namespace == "":
		return nil
	case n.HasName(id.Namespace) || n.HasLabels(id.Namespace, labels):
		return nil
	}
	return g.withoutNamespace(id.Namespace)
}

func (g *Grant) withoutNamespace(name string) *Refusal {
	return &Refusal{Message: "does not give the namespace " + name, Hint: g.hintNamespace(name), namespace: name}
}

// judgeKind judges an object by its kind alone.
func (g *Grant) judgeKind(id manifest.ID) *Refusal {
	kind := id.GroupKind()
	named := id.Kind
	if id.Group != "" {
		named += "." + id.Group
	}
	switch {
	case g.Origin == Missing:
		return &Refusal{}
	case matchAny(g.Kinds.Deny, kind):
		return &Refusal{Message: "denies the kind " + named, Hint: "remove the object\nor ask an admin to take it out of kinds: {deny: [...]}"}
	case g.Kinds.Allow != nil && !matchAny(g.Kinds.Allow, kind):
		return &Refusal{Message: "does not allow the kind " + named, Hint: "remove the object\nor ask an admin to give it: kinds: {allow: [..., " + named + "]}"}
	case id.Namespace == "" && kind != manifest.NamespaceKind && !matchAny(g.ClusterScoped, kind):
		return &Refusal{
			Message: "does not give the kind " + named + ", whose objects are in no namespace",
			Hint:    "remove the object\nor ask an admin to give it: clusterScoped: [" + joinKinds(append(slices.Clip(g.ClusterScoped), Kind(named))) + "]",
		}
	}
	return nil
}

// judgeNamespace judges a Namespace. Labels never give one: whoever may write it could give
// it the labels.
func (g *Grant) judgeNamespace(name string) *Refusal {
	switch {
	case g.Namespaces.HasName(name):
		return nil
	case len(g.Namespaces.Selectors) > 0 && !strings.HasPrefix(name, systemPrefix):
		return &Refusal{
			Message: "does not give the Namespace " + name + " by its name, and by labels it gives only objects in a namespace",
			Hint:    "leave the Namespace, or createNamespace, out, and have an admin make it\nor ask an admin to give it by name: " + g.askFor(name),
		}
	}
	return g.withoutNamespace(name)
}

// hintNamespace is the hint for whoever needs a namespace.
func (g *Grant) hintNamespace(name string) string {
	if len(g.Namespaces.Patterns) > 0 {
		return "use one of its namespaces: " + joinPatterns(g.Namespaces.Patterns) + "\nor ask an admin to give it: " + g.askFor(name)
	}
	return "use another namespace\nor ask an admin to give it by name: " + g.askFor(name)
}

// askFor is the namespaces of the grant as they would be written with one more.
func (g *Grant) askFor(namespace string) string {
	var words []string
	if g.Namespaces.All() {
		words = append(words, "'*'")
	}
	for _, p := range g.Namespaces.Patterns {
		words = append(words, quoted(string(p)))
	}
	for _, s := range g.Namespaces.Selectors {
		words = append(words, s.yaml())
	}
	return "namespaces: [" + strings.Join(append(words, quoted(namespace)), ", ") + "]"
}

// yaml is a selector as repositories.yaml has it.
func (s Selector) yaml() string {
	return "{matchLabels: {" + strings.ReplaceAll(strings.ReplaceAll(s.String(), ",", ", "), "=", ": ") + "}}"
}

// quoted writes a word of YAML, in quotes where it needs them.
func quoted(word string) string {
	if strings.ContainsAny(word, "*?") {
		return "'" + word + "'"
	}
	return word
}

func joinKinds(kinds []Kind) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = quoted(string(k))
	}
	return strings.Join(words, ", ")
}

// joinPatterns lists patterns for people.
func joinPatterns(patterns []glob.Pattern) string { return name.Join(patterns, ", ") }

// JudgeCluster says why the grant does not let anything be deployed on a cluster, whether
// or not the server knows one of that name; nil: it does.
func (g *Grant) JudgeCluster(cluster string) *Refusal {
	switch {
	case g.Origin == Missing:
		return g.judgeKind(manifest.ID{})
	case glob.Fit(g.Clusters, cluster):
		return nil
	}
	return &Refusal{
		Message: "does not give the cluster " + cluster,
		Hint:    fmt.Sprintf("use one of its clusters: %s\nor ask an admin to add it to clusters", joinPatterns(g.Clusters)),
	}
}

// Tell says a refusal of the grant as a message, and the next thing to try. inPlace is for
// those who may read the rules, and names the grant by its place.
func (r Refusal) Tell(g *Grant, repo name.Repo, inPlace bool) (message, hint string) {
	switch g.Origin {
	case Missing:
		return "no grant is for repository " + string(repo) + ": it may deploy nothing",
			"ask an admin to give it one in repositories.yaml: - {repositories: [" + string(repo) + "], namespaces: [NAME]}"
	case Open:
		return "the grant of all repositories " + r.Message, "use another namespace\nor ask an admin for a grant that names it: " +
			"grants: [{repositories: [" + string(repo) + "], namespaces: ['*', " + r.namespace + "], clusterScoped: ['*']}, {clusterScoped: ['*']}]"
	}
	return g.Naming(repo, inPlace) + " " + r.Message, r.Hint
}

// Naming names the grant: by its place for those who may read the rules, and otherwise as
// that of the repository.
func (g *Grant) Naming(repo name.Repo, inPlace bool) string {
	if inPlace && g.At.File != "" {
		return "the grant at " + g.At.String()
	}
	return "the grant of repository " + string(repo)
}

// Placed is a text that was told about the grant of a repository, for somebody who may read
// the rules: it names the grant by its place.
func (g *Grant) Placed(text string, repo name.Repo) string {
	return strings.ReplaceAll(text, g.Naming(repo, false)+" ", g.Naming(repo, true)+" ")
}
