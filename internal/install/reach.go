package install

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
)

// sshPort is the port that an ssh URL need not name.
const sshPort = 22

// forwardedPort is the local port that is suggested for port-forward.
const forwardedPort = 2222

// reach is the way to the server.
type reach struct {
	host    string // "" if it is not known yet
	port    int64
	forward bool   // through kubectl port-forward, on this machine
	service int64  // port of the Service
	kubectl string // the program, with its flags for the cluster
}

// services is the kind of the SSH door's object.
var services = schema.GroupVersionKind{Version: "v1", Kind: "Service"}

// writeReach says how to reach the server.
func writeReach(ctx context.Context, cluster *kube.Cluster, from kube.Kubeconfig, out io.Writer) error {
	kind, err := cluster.Kind(ctx, services)
	if err != nil {
		return err
	}
	service, err := cluster.Get(ctx, kind, kube.SystemNamespace, App)
	if err != nil {
		return err
	}
	pods, err := live.ListPods(ctx, cluster, kube.SystemNamespace)
	if err != nil {
		return err
	}
	r := reachOf(service, pods)
	r.kubectl = kubectl(from)
	fmt.Fprint(out, r.text())
	return nil
}

// reachOf returns the way to a Service.
func reachOf(service *unstructured.Unstructured, pods []*unstructured.Unstructured) reach {
	kind, _, _ := unstructured.NestedString(service.Object, "spec", "type")
	port := firstPort(service)
	r := reach{port: port["port"], service: port["port"]}
	switch kind {
	case "LoadBalancer":
		r.host = balancer(service)
	case "NodePort":
		r.port, r.host = port["nodePort"], nodeOf(pods)
	default:
		r.forward, r.host, r.port = true, "localhost", forwardedPort
	}
	return r
}

// firstPort returns the Service's port with its numbers.
func firstPort(service *unstructured.Unstructured) map[string]int64 {
	numbers := map[string]int64{}
	ports, _, _ := unstructured.NestedSlice(service.Object, "spec", "ports")
	if len(ports) == 0 {
		return numbers
	}
	fields, _ := ports[0].(map[string]any)
	for _, name := range []string{"port", "nodePort"} {
		numbers[name], _ = fields[name].(int64)
	}
	return numbers
}

// balancer returns the address of the load balancer; "" if it has none yet.
func balancer(service *unstructured.Unstructured) string {
	entries, _, _ := unstructured.NestedSlice(service.Object, "status", "loadBalancer", "ingress")
	for _, entry := range entries {
		fields, _ := entry.(map[string]any)
		for _, key := range []string{"hostname", "ip"} {
			if address, _ := fields[key].(string); address != "" {
				return address
			}
		}
	}
	return ""
}

// nodeOf returns the address of the server's node, the only one that answers at its
// port.
func nodeOf(pods []*unstructured.Unstructured) string {
	for _, pod := range pods {
		if pod.GetLabels()["app.kubernetes.io/name"] != App {
			continue
		}
		if address, _, _ := unstructured.NestedString(pod.Object, "status", "hostIP"); address != "" {
			return address
		}
	}
	return ""
}

// url returns the address of a repository.
func (r reach) url() string {
	host := r.host
	if host == "" {
		host = "ADDRESS"
	}
	if r.port != sshPort {
		return "ssh://git@" + net.JoinHostPort(host, strconv.FormatInt(r.port, 10)) + "/NAME.git"
	}
	if net.ParseIP(host) != nil && net.ParseIP(host).To4() == nil {
		host = "[" + host + "]"
	}
	return "ssh://git@" + host + "/NAME.git"
}

// text says how to reach the server, and what to do first.
func (r reach) text() string {
	namespace := r.kubectl + " -n " + kube.SystemNamespace
	text := "The server serves. "
	switch {
	case r.forward:
		text += fmt.Sprintf("From here, it is reached while this runs:\n\n    %s port-forward service/%s %d:%d\n",
			namespace, App, forwardedPort, r.service)
	case r.host == "":
		text += fmt.Sprintf("Its address is not known yet; ask for it with:\n\n    %s get service %s\n", namespace, App)
	default:
		text += "It is at " + net.JoinHostPort(r.host, strconv.FormatInt(r.port, 10)) + ".\n"
	}
	return text + fmt.Sprintf(`
The fingerprint of its host key, to compare at the first connection:

    %s logs statefulset/%s | grep 'host key'

In a repository with manifests:

    git remote add deploy %s
    git push deploy HEAD:main
`, namespace, App, r.url())
}

// kubectl returns the kubectl command with the flags for the cluster of the
// installation.
func kubectl(from kube.Kubeconfig) string {
	text := "kubectl"
	if from.File != "" {
		text += " --kubeconfig " + from.File
	}
	if from.Context != "" {
		text += " --context " + from.Context
	}
	return text
}
