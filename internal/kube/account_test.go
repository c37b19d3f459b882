package kube

import (
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/pushboat/pushboat/internal/manifest"
)

// newAccount creates a ServiceAccount in a namespace of its own. A Role there gives it the
// rules.
func newAccount(t *testing.T, c *Cluster, name, rules string) Account {
	t.Helper()
	account := Account{Namespace: newNamespace(t, c, name), Name: "deployer"}
	in := "metadata: {name: deployer, namespace: " + account.Namespace + "}\n"
	for _, text := range []string{
		"apiVersion: v1\nkind: ServiceAccount\n" + in,
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n" + in + "rules: " + rules,
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n" + in +
			"roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer}\nsubjects: [{kind: ServiceAccount, name: deployer, namespace: " + account.Namespace + "}]",
	} {
		o := object(t, text)
		must[*unstructured.Unstructured](t)(c.Apply(t.Context(), kindOf(t, c, o), o.Unstructured, ApplyOptions{}))
	}
	return account
}

// TestAnAccountDecides: requests about objects are made as the account, and requests for
// the server's own purposes are not.
func TestAnAccountDecides(t *testing.T) {
	c := open(t)
	account := newAccount(t, c, "decides", `[{apiGroups: [""], resources: [configmaps], verbs: [get, create, patch]}, {apiGroups: [""], resources: [services], verbs: [get, patch]}]`)
	as := c.As(account)
	in := "metadata: {name: a, namespace: " + account.Namespace + "}\n"
	config := object(t, "apiVersion: v1\nkind: ConfigMap\n"+in)
	eventually(t, func() bool { // the authorizer hears of a Role by a watch
		_, err := as.TryOut(t.Context(), configMaps, config.Unstructured)
		return err == nil
	})
	if exists := must[bool](t)(as.TryOut(t.Context(), configMaps, config.Unstructured)); exists {
		t.Error("a dry-run has stored the object")
	}
	must[*unstructured.Unstructured](t)(as.Apply(t.Context(), configMaps, config.Unstructured, ApplyOptions{}))
	if exists := must[bool](t)(as.TryOut(t.Context(), configMaps, config.Unstructured)); !exists {
		t.Error("the dry-run reports an existing object as missing")
	}
	if c.As(Account{}) != c || as.As(Account{}) != c {
		t.Error("without an account, requests are not made as the server itself")
	}

	for name, test := range map[string]struct{ object, want string }{
		"nothing granted":          {"apiVersion: v1\nkind: Secret\n" + in, "may not patch secrets in the namespace "},
		"to change, not to create": {"apiVersion: v1\nkind: Service\n" + in + "spec: {ports: [{port: 80}]}", "may not create services in the namespace "},
		"in the whole cluster":     {"apiVersion: v1\nkind: Namespace\nmetadata: {name: decides-more}", "may not patch namespaces in the whole cluster"},
	} {
		t.Run(name, func(t *testing.T) {
			o := object(t, test.object)
			kind := kindOf(t, c, o)
			_, err := as.TryOut(t.Context(), kind, o.Unstructured)
			problems := as.Explain(t.Context(), o, err)
			if len(problems) != 1 || !strings.Contains(problems[0].Message, "the ServiceAccount "+account.String()+" "+test.want) || problems[0].Source.Line != 1 {
				t.Fatalf("%v: %v", err, problems)
			}
			want := manifest.Right{User: account.User(), Verbs: manifest.KeepVerbs, Resource: kind.Resource.Resource, Namespace: o.GetNamespace(), Name: o.GetName()}
			if problems[0].Lacks != want {
				t.Errorf("the missing right is %+v", problems[0].Lacks)
			}
		})
	}

	parent := NewParent("decides", "decides")
	if err := as.EnsureSystemNamespace(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := as.ReadParent(t.Context(), parent.App, parent.Repository); err != nil {
		t.Errorf("the inventory is read as the account: %v", err)
	}
	if there, err := as.HasNamespace(t.Context(), account.Namespace); !there || err != nil {
		t.Errorf("%v, %v", there, err)
	}
	if _, err := as.Logs(t.Context(), account.Namespace, "web", "", 1); !strings.Contains(err.Error(), "may not get pods/log") {
		t.Error(err)
	}
}

// TestMissingAccount: the server checks that an account exists, since the API server lets
// even a missing account act.
func TestMissingAccount(t *testing.T) {
	c := open(t)
	ns := newNamespace(t, c, "missing")
	for account, want := range map[Account]string{
		{ns, "deployer"}:        "kubectl create serviceaccount -n " + ns + " deployer",
		{"not-yet", "deployer"}: "kubectl create namespace not-yet && kubectl create serviceaccount -n not-yet deployer",
	} {
		missing, ok := errors.AsType[*MissingAccountError](c.As(account).CheckAccount(t.Context()))
		if !ok || missing.Hint() != want || !strings.Contains(missing.Error(), account.String()) {
			t.Errorf("%s: %v", account, missing)
		}
	}
	if err := c.As(newAccount(t, c, "there", "[]")).CheckAccount(t.Context()); err != nil {
		t.Error(err)
	}
}

// openWithToken opens the cluster with the token of an account, as a server that runs as
// this account.
func openWithToken(t *testing.T, account Account) *Cluster {
	t.Helper()
	request := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": map[string]any{"name": account.Name}}}
	answer := must[*unstructured.Unstructured](t)(open(t).Dynamic().Resource(accountKind.Resource).Namespace(account.Namespace).
		Create(t.Context(), request, metav1.CreateOptions{}, "token"))
	cfg := rest.AnonymousClientConfig(testConfig(t))
	cfg.BearerToken, _, _ = unstructured.NestedString(answer.Object, "status", "token")
	return must[*Cluster](t)(Open("default", cfg, quiet()))
}

// TestServerMayNotActAs: the refusal names the right that the server lacks.
func TestServerMayNotActAs(t *testing.T) {
	account := Account{"team", "deployer"}
	o := object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: team}")
	limited := newAccount(t, open(t), "limited", "[]")
	server := openWithToken(t, limited).As(account)
	_, err := server.TryOut(t.Context(), configMaps, o.Unstructured)
	problems := server.Explain(t.Context(), o, err)
	want := manifest.Right{User: limited.User(), Verbs: "impersonate", Resource: "serviceaccounts", Namespace: "team", Name: "deployer"}
	if len(problems) != 1 || problems[0].Lacks != want || problems[0].Object != "" {
		t.Errorf("%v: %+v", err, problems)
	}
}

func TestRefusedRight(t *testing.T) {
	account := Account{"a", "d"}
	refusal := func(message string, details *metav1.StatusDetails) error {
		return &apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonForbidden, Code: http.StatusForbidden, Message: message, Details: details}}
	}
	const text = `secrets "k" is forbidden: User "system:serviceaccount:a:d" cannot patch resource "secrets" in API group "" in the namespace "b"`
	details := &metav1.StatusDetails{Kind: "secrets", Name: "k"}
	for name, test := range map[string]struct {
		err  error
		want manifest.Right
	}{
		"a right":             {refusal(text, details), manifest.Right{User: "system:serviceaccount:a:d", Verbs: "patch", Resource: "secrets", Namespace: "b", Name: "k"}},
		"of another account":  {refusal(strings.Replace(text, "a:d", "a:e", 1), details), manifest.Right{}},
		"of another resource": {refusal(text, &metav1.StatusDetails{Kind: "pods", Name: "k"}), manifest.Right{}},
		"of another group":    {refusal(text, &metav1.StatusDetails{Kind: "secrets", Group: "x.org"}), manifest.Right{}},
		"no details":          {refusal(text, nil), manifest.Right{}},
		"text of a webhook":   {refusal(`admission webhook "x" denied the request: `+text, details), manifest.Right{}},
		"a quota":             {refusal(`secrets "k" is forbidden: exceeded quota: few`, details), manifest.Right{}},
		"another reason":      {apierrors.NewBadRequest(text), manifest.Right{}},
		"no answer":           {errors.New(text), manifest.Right{}},
		"to act as it":        {refusal(`serviceaccounts "d" is forbidden: User "pb" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "a"`, &metav1.StatusDetails{Kind: "serviceaccounts", Name: "d"}), manifest.Right{User: "pb", Verbs: "impersonate", Resource: "serviceaccounts", Namespace: "a", Name: "d"}},
		"to do this as it":    {refusal(`configmaps "c" is forbidden: User "pb" cannot impersonate-on:serviceaccount:get resource "configmaps" in API group "" in the namespace "b"`, &metav1.StatusDetails{Kind: "configmaps", Name: "c"}), manifest.Right{User: "pb", Verbs: "impersonate", Resource: "serviceaccounts", Namespace: "a", Name: "d"}},
		"a subresource":       {refusal(`pods "w" is forbidden: User "system:serviceaccount:a:d" cannot get resource "pods/log" in API group "" in the namespace "b"`, &metav1.StatusDetails{Kind: "pods", Name: "w"}), manifest.Right{User: "system:serviceaccount:a:d", Verbs: "get", Resource: "pods/log", Namespace: "b", Name: "w"}},
	} {
		if got, ok := refusedRight(account, test.err); got != test.want && ok || ok != (test.want != manifest.Right{}) {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}

// TestAccountsCostNothing: a hundred accounts share the server's connections, and have no
// goroutines.
func TestAccountsCostNothing(t *testing.T) {
	c := open(t)
	must[string](t)(c.Check(t.Context()))
	before := runtime.NumGoroutine()
	views := make([]*Cluster, 100)
	for i := range views {
		views[i] = c.As(Account{"team", strings.Repeat("a", i+1)})
		if _, err := views[i].Get(t.Context(), configMaps, "team", "a"); !apierrors.IsForbidden(err) {
			t.Fatal(err)
		}
	}
	eventually(t, func() bool { return runtime.NumGoroutine() <= before }) // that of the last request ends after it
}

func BenchmarkAccount(b *testing.B) {
	c := open(b)
	b.ReportAllocs()
	for b.Loop() {
		c.As(Account{"team", "deployer"})
	}
}
