package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// Kubelet answers for the containers of all nodes of a cluster, which run nothing: the
// API server asks it for their logs. Its methods may be called from several goroutines.
type Kubelet struct {
	server *httptest.Server

	mu    sync.Mutex
	texts map[string]string        // output of containers, by namespace
	over  map[string]chan struct{} // closed when the output of the namespace's containers ends
	asked []string                 // requested paths with their queries
}

// StartKubelet starts a kubelet. Nobody asks it before TakeOver.
func StartKubelet() *Kubelet {
	k := &Kubelet{texts: map[string]string{}, over: map[string]chan struct{}{}}
	k.server = httptest.NewTLSServer(http.HandlerFunc(k.serve))
	return k
}

// Stop ends the kubelet, and the logs that are followed.
func (k *Kubelet) Stop() {
	k.server.CloseClientConnections()
	k.server.Close()
}

// TakeOver writes the address of this kubelet into the status of every node.
func (k *Kubelet) TakeOver(c dynamic.Interface) error {
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
	nodes := c.Resource(schema.GroupVersionResource{Version: "v1", Resource: "nodes"})
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

// Say makes the containers of a namespace print a text, of which POD and CONTAINER are their
// names.
func (k *Kubelet) Say(namespace, text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.texts[namespace], k.over[namespace] = text, make(chan struct{})
}

// End ends the output of the containers of a namespace.
func (k *Kubelet) End(namespace string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	close(k.over[namespace])
}

// AwaitAsked waits for a request for logs of a namespace that contains the text.
func (k *Kubelet) AwaitAsked(namespace, text string) bool {
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
func (k *Kubelet) serve(w http.ResponseWriter, r *http.Request) {
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
	if _, err := io.WriteString(w, strings.Join(lines, "")); err != nil {
		return
	}
	if r.URL.Query().Get("follow") == "true" {
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-over:
			fmt.Fprintln(w, "the end")
		case <-r.Context().Done():
		}
	}
}
