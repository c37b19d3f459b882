// Package grant has what repositories may deploy: to which clusters, into which
// namespaces, objects of which kinds. A Grant is read by package rules; it judges an
// object as a function of data, and asks nobody.
package grant

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Grant is what some repositories may do to clusters. It never changes.
type Grant struct {
	Origin        Origin
	Repos         []glob.Pattern // nil: all
	Clusters      []glob.Pattern // nil: all
	Namespaces    Namespaces
	ClusterScoped []Kind // the kinds of objects without a namespace, beside Namespaces; nil: none
	Kinds         Kinds
	Account       string // the ServiceAccount as which they are deployed, "NAMESPACE/NAME"; "": the server itself
	PlainSecrets  Plain
	MaxObjects    int             // of all apps of a repository; 0: any number
	Rate          Rate            // of pushes to a repository
	Keys          Names           // that decrypt
	Credentials   Names           // of registries of charts, by their addresses
	NamesAt       manifest.Source // of Keys or Credentials; zero if neither is written
	At            manifest.Source // zero unless it is Written
	ClustersAt    manifest.Source // of Clusters; zero if they are not written
}

// Origin is where a grant comes from.
type Origin int

// The origins.
const (
	Written Origin = iota // in repositories.yaml
	Open                  // of all repositories, while repositories.yaml has no grants
	Missing               // of a repository that no grant of repositories.yaml is for: it gives nothing
)

// Plain says whether a repository may have Secrets whose values are not encrypted.
type Plain int

// The answers.
const (
	PlainAsAsked Plain = iota // as the server's setting, pushboat.yaml and the pusher say
	PlainAllowed
	PlainRefused // whoever asks for it
)

// Rate is how many pushes a repository takes in a span of time; zero: any number.
type Rate struct {
	Pushes int
	Per    time.Duration
}

// String says a rate: "30 pushes in 1h".
func (r Rate) String() string {
	if r.Pushes == 1 {
		return "1 push in " + r.per()
	}
	return fmt.Sprintf("%d pushes in %s", r.Pushes, r.per())
}

// YAML is a rate as repositories.yaml has it, "30/1h"; "" for any number.
func (r Rate) YAML() string {
	if r.Pushes == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%s", r.Pushes, r.per())
}

// per is the span without what is zero at its end: 1h, not 1h0m0s.
func (r Rate) per() string {
	per := r.Per.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(per, zero) {
			per = per[:len(per)-2]
		}
	}
	return per
}

// Kind names kinds of objects: Secret, Deployment.apps, *.example.org, *. Without a group
// it is of any group.
type Kind string

// Match reports whether it names a kind.
func (k Kind) Match(gk schema.GroupKind) bool {
	kind, group, inGroup := strings.Cut(string(k), ".")
	return (kind == "*" || kind == gk.Kind) && (!inGroup || group == gk.Group)
}

// matchAny reports whether one of several names a kind.
func matchAny(kinds []Kind, gk schema.GroupKind) bool {
	return slices.ContainsFunc(kinds, func(k Kind) bool { return k.Match(gk) })
}

// Kinds are the kinds of objects that a grant lets through.
type Kinds struct {
	Allow []Kind // nil: all
	Deny  []Kind // also of those that Allow names
}

// Selector selects namespaces by labels that they all have.
type Selector map[string]string

// Namespaces are those whose names fit a pattern, or whose labels a selector selects. The
// zero Namespaces are all but those of the system.
type Namespaces struct {
	Patterns  []glob.Pattern
	Selectors []Selector
}

// systemPrefix begins the names of the namespaces of Kubernetes itself.
const systemPrefix = "kube-"

// All reports whether all namespaces are meant.
func (n Namespaces) All() bool { return n.Patterns == nil && n.Selectors == nil }

// HasName reports whether a namespace is one of them by its name. A wildcard in the first
// letters of a pattern fits no namespace of the system, as * of a shell fits no file that
// begins with a dot: such a namespace is given only by name.
func (n Namespaces) HasName(namespace string) bool {
	system := strings.HasPrefix(namespace, systemPrefix)
	if n.All() {
		return !system
	}
	return slices.ContainsFunc(n.Patterns, func(p glob.Pattern) bool {
		return p.Match(namespace) && (!system || strings.HasPrefix(string(p), systemPrefix))
	})
}

// HasLabels reports whether a namespace of the cluster is one of them by its labels. No
// selector selects one of the system.
func (n Namespaces) HasLabels(namespace string, labels map[string]string) bool {
	return !strings.HasPrefix(namespace, systemPrefix) && slices.ContainsFunc(n.Selectors, func(s Selector) bool { return s.selects(labels) })
}

func (s Selector) selects(labels map[string]string) bool {
	for key, value := range s {
		if has, ok := labels[key]; !ok || has != value {
			return false
		}
	}
	return len(s) > 0
}

// String writes a selector as kubectl takes it.
func (s Selector) String() string {
	words := make([]string, 0, len(s))
	for _, key := range slices.Sorted(maps.Keys(s)) {
		words = append(words, key+"="+s[key])
	}
	return strings.Join(words, ",")
}

// Equal reports whether two grants give the same, wherever they stand and whomever they are
// for.
func (g *Grant) Equal(other *Grant) bool {
	a, b := *g, *other
	a.At, b.At = manifest.Source{}, manifest.Source{}
	a.ClustersAt, b.ClustersAt = manifest.Source{}, manifest.Source{}
	a.NamesAt, b.NamesAt = manifest.Source{}, manifest.Source{}
	a.Repos, b.Repos = nil, nil
	return reflect.DeepEqual(a, b)
}

// Rated is how many pushes a repository may still be sent; the zero Rated has seen none.
type Rated struct {
	left float64
	at   time.Time // when left was right; zero: nobody has pushed
	rate Rate      // by which left is
}

// Take counts a push at a time, if the rate lets it pass. wait is how long the next one has
// to wait; 0: it was counted.
func (r *Rated) Take(rate Rate, now time.Time) (wait time.Duration) {
	if rate.Pushes == 0 {
		return 0
	}
	full, each := float64(rate.Pushes), float64(rate.Per)/float64(rate.Pushes)
	if r.at.IsZero() || r.rate != rate {
		r.left, r.at, r.rate = full, now, rate
	}
	r.left = min(full, r.left+max(0, float64(now.Sub(r.at)))/each)
	r.at = now
	if r.left < 1 {
		return time.Duration((1-r.left)*each) + 1
	}
	r.left--
	return 0
}

// Find returns the first of the grants that is for a repository. Where there are no grants
// at all it is the open one, and where none is for the repository, one that gives nothing.
func Find(grants []*Grant, repo string) *Grant {
	if grants == nil {
		return open
	}
	for _, g := range grants {
		if glob.Fit(g.Repos, repo) {
			return g
		}
	}
	return missing
}

// FindFor is Find for all repositories that a pattern names, as far as that can be told.
func FindFor(grants []*Grant, repos glob.Pattern) *Grant {
	if grants == nil {
		return open
	}
	for _, g := range grants {
		if glob.Contain(g.Repos, []glob.Pattern{repos}) {
			return g
		}
	}
	return missing
}

// open and missing are the only ones of their origins.
var (
	open    = &Grant{Origin: Open, ClusterScoped: []Kind{"*"}}
	missing = &Grant{Origin: Missing, Keys: Names{Given: []Name{}}, Credentials: Names{Given: []Name{}}}
)
