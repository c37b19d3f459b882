package grant

import (
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/manifest"
)

// object returns the ID for a text KIND[.GROUP] [NAMESPACE/]NAME.
func object(text string) manifest.ID {
	kind, place, _ := strings.Cut(text, " ")
	id := manifest.ID{}
	id.Kind, id.Group, _ = strings.Cut(kind, ".")
	if namespace, name, ok := strings.Cut(place, "/"); ok {
		id.Namespace, id.Name = namespace, name
	} else {
		id.Name = place
	}
	return id
}

func TestJudge(t *testing.T) {
	team := &Grant{Namespaces: Namespaces{Patterns: []glob.Pattern{"team", "team-*"}}}
	labelled := &Grant{Namespaces: Namespaces{Patterns: []glob.Pattern{"own"}, Selectors: []Selector{{"team": "a", "tier": "web"}}}}
	system := &Grant{Namespaces: Namespaces{Patterns: []glob.Pattern{"*", "kube-system"}}}
	kinds := &Grant{Kinds: Kinds{Allow: []Kind{"ConfigMap", "Deployment.apps", "*.example.org"}, Deny: []Kind{"Bad.example.org"}}}
	wide := &Grant{ClusterScoped: []Kind{"ClusterRole", "Issuer.cert-manager.io"}}
	ours := map[string]string{"team": "a", "tier": "web", "more": "x"}
	for _, test := range []struct {
		grant  *Grant
		object string
		labels map[string]string
		want   string // a part of the refusal, and of the hint after |; "" for no refusal
	}{
		{open, "ConfigMap shop/a", nil, ""},
		{open, "ClusterRole.rbac.authorization.k8s.io a", nil, ""},
		{open, "Namespace shop", nil, ""},
		{open, "ConfigMap kube-system/a", nil, "the grant of all repositories does not give the namespace kube-system|grants: [{repositories: [shop], namespaces: ['*', kube-system], clusterScoped: ['*']}, {clusterScoped: ['*']}]"},
		{open, "Namespace kube-own", nil, "does not give the namespace kube-own"},
		{missing, "ConfigMap shop/a", nil, "no grant is for repository shop: it may deploy nothing|- {repositories: [shop], namespaces: [NAME]}"},

		{team, "ConfigMap team/a", nil, ""},
		{team, "ConfigMap team-x/a", nil, ""},
		{team, "Namespace team-x", nil, ""},
		{team, "ConfigMap other/a", nil, "does not give the namespace other|use one of its namespaces: team, team-*\nor ask an admin to give it: namespaces: [team, 'team-*', other]"},
		{team, "Namespace other", nil, "does not give the namespace other|namespaces: [team, 'team-*', other]"},
		{team, "ClusterRole.rbac.authorization.k8s.io a", nil, "does not give the kind ClusterRole.rbac.authorization.k8s.io, whose objects are in no namespace|clusterScoped: [ClusterRole.rbac.authorization.k8s.io]"},
		{&Grant{}, "ConfigMap any/a", nil, ""},
		{&Grant{}, "ConfigMap kube-public/a", nil, "does not give the namespace kube-public|use another namespace\nor ask an admin to give it by name: namespaces: ['*', kube-public]"},
		{system, "ConfigMap kube-system/a", nil, ""},
		{system, "ConfigMap kube-public/a", nil, "does not give the namespace kube-public"},
		{&Grant{Namespaces: Namespaces{Patterns: []glob.Pattern{"k*"}}}, "ConfigMap kube-public/a", nil, "does not give"},
		{&Grant{Namespaces: Namespaces{Patterns: []glob.Pattern{"kube-*"}}}, "ConfigMap kube-public/a", nil, ""},

		{labelled, "ConfigMap any/a", ours, ""},
		{labelled, "ConfigMap any/a", map[string]string{"team": "a"}, "does not give the namespace any|namespaces: [own, {matchLabels: {team: a, tier: web}}, any]"},
		{labelled, "ConfigMap any/a", nil, "does not give the namespace any"},
		{labelled, "ConfigMap own/a", nil, ""},
		{labelled, "ConfigMap kube-system/a", ours, "does not give the namespace kube-system"},
		{labelled, "Namespace own", nil, ""},
		{labelled, "Namespace any", ours, "does not give the Namespace any by its name, and by labels it gives only objects in a namespace|leave the Namespace, or createNamespace, out"},
		{labelled, "Namespace kube-any", ours, "does not give the namespace kube-any"},
		{&Grant{Namespaces: Namespaces{Patterns: []glob.Pattern{}, Selectors: []Selector{{}}}}, "ConfigMap any/a", ours, "does not give"},

		{kinds, "ConfigMap shop/a", nil, ""},
		{kinds, "Deployment.apps shop/a", nil, ""},
		{kinds, "Deployment.evil.org shop/a", nil, "does not allow the kind Deployment.evil.org|kinds: {allow: [..., Deployment.evil.org]}"},
		{kinds, "Good.example.org shop/a", nil, ""},
		{kinds, "Bad.example.org shop/a", nil, "denies the kind Bad.example.org|take it out of kinds: {deny: [...]}"},
		{kinds, "Secret shop/a", nil, "does not allow the kind Secret"},
		{kinds, "Namespace shop", nil, "does not allow the kind Namespace"},

		{wide, "ClusterRole.rbac.authorization.k8s.io a", nil, ""},
		{wide, "Issuer.cert-manager.io a", nil, ""},
		{wide, "Issuer.other.io a", nil, "does not give the kind Issuer.other.io|clusterScoped: [ClusterRole, Issuer.cert-manager.io, Issuer.other.io]"},
	} {
		refusal := test.grant.Judge(object(test.object), test.labels)
		message, hint := "", ""
		if refusal != nil {
			message, hint = refusal.Tell(test.grant, "shop", false)
		}
		want, wantHint, _ := strings.Cut(test.want, "|")
		if !strings.Contains(message, want) || !strings.Contains(hint, wantHint) || (want == "") != (refusal == nil) {
			t.Errorf("%s: %q, %q, want %q", test.object, message, hint, test.want)
		}
	}
}

// TestLabelsAreAskedForLast: if kinds and names decide, the cluster gets no request.
func TestLabelsAreAskedForLast(t *testing.T) {
	g := &Grant{Namespaces: Namespaces{Patterns: []glob.Pattern{"own"}, Selectors: []Selector{{"a": "b"}}}, Kinds: Kinds{Deny: []Kind{"Secret"}}}
	for text, want := range map[string]bool{
		"ConfigMap any/a": true, "ConfigMap own/a": false, "Secret any/a": false, "Namespace any": false, "ClusterRole a": false,
	} {
		if got := g.AsksLabels(object(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if open.AsksLabels(object("ConfigMap any/a")) || missing.AsksLabels(object("ConfigMap any/a")) {
		t.Error("a grant without selectors")
	}
}

func TestJudgeCluster(t *testing.T) {
	g := &Grant{Clusters: []glob.Pattern{"eu", "us-*"}, At: manifest.Source{File: "repositories.yaml", Line: 7}}
	for cluster, fits := range map[string]bool{"eu": true, "us-1": true, "eu-1": false, "default": false} {
		if got := g.JudgeCluster(cluster); (got == nil) != fits {
			t.Errorf("%s: %v", cluster, got)
		}
	}
	for _, of := range []*Grant{open, {}} {
		if of.JudgeCluster("any") != nil {
			t.Errorf("%+v", of)
		}
	}
	if missing.JudgeCluster("default") == nil {
		t.Error("a missing grant gives a cluster")
	}
	refusal := g.JudgeCluster("asia")
	for inPlace, want := range map[bool]string{
		true: "the grant at repositories.yaml:7 does not give the cluster asia", false: "the grant of repository shop does not give the cluster asia",
	} {
		if message, hint := refusal.Tell(g, "shop", inPlace); message != want || !strings.Contains(hint, "eu, us-*") {
			t.Errorf("%q, %q", message, hint)
		}
	}
}

func TestFind(t *testing.T) {
	first, second := &Grant{Repos: []glob.Pattern{"a/**"}}, &Grant{Repos: []glob.Pattern{"a/b", "c"}}
	grants := []*Grant{first, second}
	for repo, want := range map[string]*Grant{"a/b": first, "c": second, "d": missing} {
		if got := Find(grants, repo); got != want {
			t.Errorf("%s: %+v", repo, got)
		}
	}
	if Find(nil, "d") != open || FindFor(nil, "d/**") != open || FindFor(grants, "a/*") != first || FindFor(grants, "**") != missing {
		t.Error("patterns")
	}
}

func TestEqual(t *testing.T) {
	a := &Grant{Repos: []glob.Pattern{"a"}, At: manifest.Source{Line: 1}, Clusters: []glob.Pattern{"eu"}}
	if b := (&Grant{Repos: []glob.Pattern{"b"}, At: manifest.Source{Line: 2}, Clusters: []glob.Pattern{"eu"}}); !a.Equal(b) {
		t.Error("of other repositories")
	}
	if a.Equal(&Grant{}) || open.Equal(missing) {
		t.Error("others")
	}
}

// TestTake: a rate lets its pushes pass at once, and then one after the other.
func TestTake(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	rate, counted := Rate{Pushes: 3, Per: time.Minute}, Rated{}
	for range 3 {
		if wait := counted.Take(rate, now); wait != 0 {
			t.Fatalf("has to wait %s", wait)
		}
	}
	for _, step := range []struct {
		after time.Duration
		rate  Rate
		want  time.Duration // the wait, to the second
	}{
		{0, rate, 20 * time.Second},
		{5 * time.Second, rate, 15 * time.Second},
		{-time.Hour, rate, 15 * time.Second}, // the clock was set back
		{20 * time.Second, rate, 0},
		{0, rate, 15 * time.Second},
		{time.Hour, rate, 0}, // no more than three are saved up
		{0, rate, 0},
		{0, rate, 0},
		{0, rate, 20 * time.Second},
		{0, Rate{Pushes: 1, Per: time.Hour}, 0}, // another rate counts anew
		{0, Rate{Pushes: 1, Per: time.Hour}, time.Hour},
		{0, Rate{}, 0},
	} {
		now = now.Add(step.after)
		if got := counted.Take(step.rate, now).Truncate(time.Second); got != step.want {
			t.Errorf("at %s: has to wait %s, want %s", now, got, step.want)
		}
	}
}
