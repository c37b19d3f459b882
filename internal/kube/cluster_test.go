package kube

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

func TestTune(t *testing.T) {
	cfg := tune(&rest.Config{Host: "https://127.0.0.1:1", QPS: 5, Timeout: time.Second}, &meter{}, quiet())
	if cfg.QPS != -1 || cfg.RateLimiter != nil || cfg.Timeout != 0 {
		t.Errorf("limits are left: %v %v %v", cfg.QPS, cfg.RateLimiter, cfg.Timeout)
	}
	if !strings.HasPrefix(cfg.UserAgent, "pushboat/") {
		t.Errorf("user agent %q", cfg.UserAgent)
	}
	if kept := tune(&rest.Config{UserAgent: "pushboat/1.2"}, &meter{}, quiet()); kept.UserAgent != "pushboat/1.2" {
		t.Errorf("user agent %q", kept.UserAgent)
	}
}

func TestKinds(t *testing.T) {
	c := open(t)
	deployments := must[Kind](t)(c.Kind(t.Context(), schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}))
	if deployments.Resource.Resource != "deployments" || !deployments.Namespaced || !deployments.Can("watch") || deployments.Can("sail") {
		t.Errorf("deployments: %+v", deployments)
	}
	if nodes := must[Kind](t)(c.KindOf(t.Context(), schema.GroupKind{Kind: "Node"})); nodes.Namespaced || nodes.GVK.Version != "v1" {
		t.Errorf("nodes: %+v", nodes)
	}
	scalers := must[Kind](t)(c.KindOf(t.Context(), schema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}))
	if scalers.GVK.Version != "v2" {
		t.Errorf("the preferred version of autoscalers: %v", scalers.GVK)
	}
}

func TestUnknownKind(t *testing.T) {
	c := open(t)
	for gvk, want := range map[schema.GroupVersionKind]string{
		{Group: "apps", Version: "v1", Kind: "Deploymnet"}:                          "did you mean Deployment of apps/v1?",
		{Group: "apps", Version: "v1beta1", Kind: "Deployment"}:                     "this cluster serves Deployment as apps/v1",
		{Version: "v1", Kind: "Deployment"}:                                         "did you mean Deployment of apps/v1?",
		{Version: "v1", Kind: "configmap"}:                                          "did you mean ConfigMap of v1?",
		{Group: "cert-manager.io", Version: "v1", Kind: "ClusterIssuer"}:            "install its CustomResourceDefinition, or push it along",
		{Group: "extensions", Version: "v1beta1", Kind: "Ingress"}:                  "did you mean Ingress of networking.k8s.io/v1?",
		{Group: "autoscaling", Version: "v2beta2", Kind: "HorizontalPodAutoscaler"}: "this cluster serves HorizontalPodAutoscaler as autoscaling/v2, autoscaling/v1",
	} {
		_, err := c.Kind(t.Context(), gvk)
		var unknown *UnknownKindError
		if !errors.As(err, &unknown) {
			t.Errorf("%v: %v", gvk, err)
			continue
		}
		if unknown.Hint() != want {
			t.Errorf("%v: hint %q, want %q", gvk, unknown.Hint(), want)
		}
	}
}

// TestKindOfBrokenGroup registers an API that no server answers. Kinds of other groups stay
// known, and a kind of the broken group can be told from one that does not exist.
func TestKindOfBrokenGroup(t *testing.T) {
	c := open(t)
	service := object(t, `
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.broken.example}
spec: {group: broken.example, version: v1, groupPriorityMinimum: 1000, versionPriority: 10, insecureSkipTLSVerify: true, service: {name: none, namespace: default}}
`)
	kind := kindOf(t, c, service)
	must[*unstructured.Unstructured](t)(c.Apply(t.Context(), kind, service.Unstructured, ApplyOptions{}))
	t.Cleanup(func() { _ = c.Delete(context.Background(), kind, "", service.GetName(), DeleteOptions{}) })
	var err error
	eventually(t, func() bool {
		c.Invalidate()
		_, err = c.Kind(t.Context(), schema.GroupVersionKind{Group: "broken.example", Version: "v1", Kind: "Boat"})
		unknown := (*UnknownKindError)(nil)
		return errors.As(err, &unknown) && unknown.Broken != nil
	})
	if unknown := (*UnknownKindError)(nil); !errors.As(err, &unknown) || unknown.Broken == nil || !strings.Contains(unknown.Hint(), "v1.broken.example") {
		t.Errorf("a kind of the broken group: %v", err)
	}
	must[Kind](t)(c.Kind(t.Context(), schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}))
}

// TestRediscovery looks for a kind that does not exist yet, and finds the kind once it
// does. Discovery is asked only every few seconds.
func TestRediscovery(t *testing.T) {
	counter := &counting{}
	cfg := testConfig(t)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { counter.next = next; return counter })
	c := must[*Cluster](t)(Open("default", cfg, quiet()))
	gvk := schema.GroupVersionKind{Group: "late" + run + ".example", Version: "v1", Kind: "Boat"}
	began := time.Now()
	for range 20 {
		if _, err := c.Kind(t.Context(), gvk); err == nil {
			t.Fatal("a missing kind was found")
		}
	}
	took := time.Since(began) // on a slow machine, more than discovery counts
	if counter.requests > 4*int(1+took/rediscoverAfter) {
		t.Errorf("%d requests for 20 misses within %s", counter.requests, took)
	}
	crd := boats(t, "late"+run)
	definitions := kindOf(t, c, crd)
	must[*unstructured.Unstructured](t)(c.Apply(t.Context(), definitions, crd.Unstructured, ApplyOptions{}))
	t.Cleanup(func() { _ = c.Delete(context.Background(), definitions, "", crd.GetName(), DeleteOptions{}) })
	kind := kindWhenServed(t, c, gvk)
	if !kind.Namespaced || kind.Resource.Resource != "boats" {
		t.Errorf("boats: %+v", kind)
	}
}

// counting counts requests.
type counting struct {
	next     http.RoundTripper
	requests int
}

func (c *counting) RoundTrip(req *http.Request) (*http.Response, error) {
	c.requests++
	return c.next.RoundTrip(req)
}

func TestRequests(t *testing.T) {
	c := open(t)
	ns := newNamespace(t, c, "requests")
	o := object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: "+ns+", labels: {app: a}}\ndata: {k: v}")
	kind := kindOf(t, c, o)

	if _, err := c.Get(t.Context(), kind, ns, "a"); !IsNotFound(err) {
		t.Fatalf("get nothing: %v", err)
	}
	rehearsed := must[*unstructured.Unstructured](t)(c.Apply(t.Context(), kind, o.Unstructured, ApplyOptions{DryRun: true}))
	if data, _, _ := unstructured.NestedString(rehearsed.Object, "data", "k"); data != "v" {
		t.Errorf("dry run gives %s", toYAML(t, rehearsed))
	}
	if _, err := c.Get(t.Context(), kind, ns, "a"); !IsNotFound(err) {
		t.Fatalf("a dry run stored something: %v", err)
	}
	applied := must[*unstructured.Unstructured](t)(c.Apply(t.Context(), kind, o.Unstructured, ApplyOptions{}))
	if fields := applied.GetManagedFields(); len(fields) != 1 || fields[0].Manager != FieldManager || fields[0].Operation != "Apply" {
		t.Errorf("owned by %+v", fields)
	}
	if _, err := c.Create(t.Context(), kind, o.Unstructured, true); err == nil {
		t.Error("created twice")
	}
	if err := c.Delete(t.Context(), kind, ns, "a", DeleteOptions{UID: types.UID("other")}); !apierrors.IsConflict(err) {
		t.Errorf("delete another object: %v", err)
	}
	if err := c.Delete(t.Context(), kind, ns, "a", DeleteOptions{DryRun: true}); err != nil {
		t.Error(err)
	}
	if err := c.Delete(t.Context(), kind, ns, "a", DeleteOptions{UID: applied.GetUID()}); err != nil {
		t.Error(err)
	}
	if err := c.Delete(t.Context(), kind, ns, "a", DeleteOptions{}); !IsNotFound(err) {
		t.Errorf("delete nothing: %v", err)
	}
}

// TestUnreachable asks clusters that cannot answer, each for a different reason.
func TestUnreachable(t *testing.T) {
	closed := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	_ = closed.Close()
	gateway := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "nobody there", http.StatusBadGateway) })
	hangUp := serve(t, func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
	for name, host := range map[string]string{
		"nobody listens": "http://" + closed.Addr().String(),
		"gateway":        gateway,
		"hangs up":       hangUp,
		"no such host":   "https://cluster.invalid",
		"speaks no TLS":  strings.Replace(gateway, "http://", "https://", 1),
	} {
		t.Run(name, func(t *testing.T) {
			c := must[*Cluster](t)(Open("east", &rest.Config{Host: host}, quiet()))
			o := object(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}")
			_, err := c.Apply(t.Context(), secrets, o.Unstructured, ApplyOptions{DryRun: true})
			if !IsUnreachable(err) || !IsTransient(err) {
				t.Fatalf("%v", err)
			}
			problems := c.Explain(t.Context(), o, err)
			if len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), "cluster east does not answer: ") {
				t.Errorf("explained as %v", problems)
			}
			if strings.Contains(problems.Error(), "http://") || strings.Contains(problems.Error(), "https://") {
				t.Errorf("the URL says nothing to a pusher: %v", problems)
			}
			if name == "hangs up" {
				return // client-go tries discovery for ten seconds
			}
			if _, err := c.Kind(t.Context(), o.GroupVersionKind()); !IsUnreachable(err) {
				t.Errorf("kind: %v", err)
			}
		})
	}
}

func TestReachable(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := open(t)
	_, err := c.Get(ctx, secrets, "default", "a")
	if err == nil || IsUnreachable(err) {
		t.Errorf("a caller that gave up: %v", err)
	}
	for _, err := range []error{nil, errors.New("other"), &UnknownKindError{}} {
		if IsUnreachable(err) || IsTransient(err) {
			t.Errorf("%v counts as unreachable", err)
		}
	}
}

// TestImpatient asks a server that accepts requests and never answers them.
func TestImpatient(t *testing.T) {
	release := make(chan struct{})
	slow := serve(t, func(w http.ResponseWriter, _ *http.Request) { <-release })
	defer close(release)
	client := http.Client{Transport: impatient{http.DefaultTransport, 20 * time.Millisecond}}
	_, err := client.Get(slow)
	if !errors.Is(err, errNoResponse) || !IsUnreachable(err) {
		t.Errorf("%v", err)
	}
}

// TestResponsesMayTakeLonger: patience is for the beginning of a response.
func TestResponsesMayTakeLonger(t *testing.T) {
	const patience = 2 * time.Second // a slow machine has to begin within it
	begun := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-time.After(patience + patience/4)
		_, _ = w.Write([]byte("done"))
	})
	client := http.Client{Transport: impatient{http.DefaultTransport, patience}}
	resp := must[*http.Response](t)(client.Get(begun))
	defer resp.Body.Close()
	body := make([]byte, 4)
	if _, err := resp.Body.Read(body); string(body) != "done" {
		t.Errorf("read %q, %v", body, err)
	}
}
