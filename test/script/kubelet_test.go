package script

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

const kubeletUsage = "kubelet says FILE | asked PATTERN | ends"

// kubelet answers for the containers of all nodes of the cluster, which run nothing: the
// API server asks it for their logs. All scripts of a run share one kubelet.
type kubelet struct {
	server *httptest.Server

	mu    sync.Mutex
	texts map[string]string        // output of containers, by namespace
	over  map[string]chan struct{} // closed when the output of the namespace's containers ends
	asked []string                 // requested paths with their queries
}

var startKubelet = sync.OnceValues(func() (*kubelet, error) {
	k := &kubelet{texts: map[string]string{}, over: map[string]chan struct{}{}}
	k.server = httptest.NewTLSServer(http.HandlerFunc(k.serve))
	return k, nil
})

// cmdKubelet makes the containers of the script's namespace print something.
func cmdKubelet(ts *testscript.TestScript, neg bool, args []string) {
	s := on(ts)
	k, err := startKubelet()
	ts.Check(err)
	switch {
	case neg || len(args) == 0:
		ts.Fatalf("usage: %s", kubeletUsage)
	case args[0] == "says" && len(args) == 2:
		text, err := os.ReadFile(ts.MkAbs(args[1]))
		ts.Check(err)
		ts.Check(k.takeOver(s.cluster))
		k.say(s.ns, string(text))
	case args[0] == "asked" && len(args) == 2:
		if !k.awaitAsked(s.ns, args[1]) {
			ts.Fatalf("no node got a request with %s", args[1])
		}
	case args[0] == "ends" && len(args) == 1:
		k.end(s.ns)
	default:
		ts.Fatalf("usage: %s", kubeletUsage)
	}
}

// takeOver writes the address of this kubelet into the status of every node.
func (k *kubelet) takeOver(c *cluster) error {
	host, port, err := net.SplitHostPort(k.server.Listener.Addr().String())
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{
		"addresses":       []any{map[string]any{"type": "InternalIP", "address": host}},
		"daemonEndpoints": map[string]any{"kubeletEndpoint": map[string]any{"Port": number}},
	}})
	if err != nil {
		return err
	}
	nodes := c.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "nodes"})
	list, err := nodes.List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, node := range list.Items {
		if _, err := nodes.Patch(context.Background(), node.GetName(), types.MergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
			return err
		}
	}
	return nil
}

func (k *kubelet) say(namespace, text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.texts[namespace], k.over[namespace] = text, make(chan struct{})
}

func (k *kubelet) end(namespace string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	close(k.over[namespace])
}

// awaitAsked waits for a request for logs of a namespace that contains the text.
func (k *kubelet) awaitAsked(namespace, text string) bool {
	for range 1200 {
		k.mu.Lock()
		for _, path := range k.asked {
			if strings.HasPrefix(path, "/containerLogs/"+namespace+"/") && strings.Contains(path, text) {
				k.mu.Unlock()
				return true
			}
		}
		k.mu.Unlock()
		<-time.After(100 * time.Millisecond)
	}
	return false
}

// serve answers /containerLogs/NAMESPACE/POD/CONTAINER as the kubelet does.
func (k *kubelet) serve(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) != 4 || parts[0] != "containerLogs" {
		http.NotFound(w, r)
		return
	}
	k.mu.Lock()
	k.asked = append(k.asked, r.URL.RequestURI())
	text, over := k.texts[parts[1]], k.over[parts[1]]
	k.mu.Unlock()
	lines := strings.SplitAfter(strings.NewReplacer("CONTAINER", parts[3], "POD", parts[2]).Replace(text), "\n")
	lines = lines[:max(len(lines)-1, 0)]
	if tail, err := strconv.Atoi(r.URL.Query().Get("tailLines")); err == nil {
		lines = lines[max(len(lines)-tail, 0):]
	}
	if r.URL.Query().Get("previous") == "true" {
		lines = []string{"of the run before\n"}
	}
	fmt.Fprint(w, strings.Join(lines, ""))
	if r.URL.Query().Get("follow") == "true" {
		w.(http.Flusher).Flush()
		select {
		case <-over:
			fmt.Fprintln(w, "the end")
		case <-r.Context().Done():
		}
	}
}
