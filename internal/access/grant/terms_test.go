package grant

import (
	"slices"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access/glob"
)

func TestTerms(t *testing.T) {
	for name, test := range map[string]struct {
		grant *Grant
		want  []Term
	}{
		"of all repositories": {open, []Term{
			{"clusters", "all"},
			{"namespaces", "all but kube-*"},
			{"without a namespace", "objects of all kinds"},
			{"kinds", "all"},
			{"deployed as", "the server itself"},
			{"decryption keys", "all"},
			{"chart credentials", "all"},
		}},
		"none": {missing, []Term{{"nothing", "no grant is for the repository: it may deploy nothing"}}},
		"all fields": {&Grant{
			Clusters:      []glob.Pattern{"eu-*", "us"},
			Namespaces:    Namespaces{Patterns: []glob.Pattern{"team"}, Selectors: []Selector{{"team": "a", "tier": "web"}}},
			ClusterScoped: []Kind{"PriorityClass"},
			Kinds:         Kinds{Allow: []Kind{"ConfigMap", "*.apps"}, Deny: []Kind{"DaemonSet"}},
			Account:       "team/deployer", Keys: Names{Given: []Name{"a.age", "b.*"}}, Credentials: Names{Given: []Name{}}, PlainSecrets: PlainRefused, MaxObjects: 5, Rate: Rate{Pushes: 30, Per: time.Hour},
		}, []Term{
			{"clusters", "eu-*, us"},
			{"namespaces", "team, with the labels team=a,tier=web"},
			{"without a namespace", "Namespaces of these names, PriorityClass"},
			{"kinds", "only ConfigMap, *.apps but DaemonSet"},
			{"deployed as", "the ServiceAccount team/deployer"},
			{"decryption keys", "a.age, b.*"},
			{"chart credentials", "none"},
			{"plain Secrets", "refused, whoever asks for it"},
			{"objects", "at most 5"},
			{"pushes", "at most 30 pushes in 1h"},
		}},
		"only denied": {&Grant{Keys: Names{Taken: []Name{"secret.age"}}, Kinds: Kinds{Deny: []Kind{"Secret"}}, PlainSecrets: PlainAllowed}, []Term{
			{"clusters", "all"},
			{"namespaces", "all but kube-*"},
			{"without a namespace", "Namespaces of these names"},
			{"kinds", "all but Secret"},
			{"deployed as", "the server itself"},
			{"decryption keys", "all that no other grant names"},
			{"chart credentials", "all"},
			{"plain Secrets", "allowed"},
		}},
	} {
		if got := test.grant.Terms(); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
