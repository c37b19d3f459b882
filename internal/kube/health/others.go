package health

import (
	"fmt"
	"strings"
)

func terminatingMessage(o object, finalizers []string) string {
	if o.string("kind") == "Namespace" {
		for _, kind := range []string{"NamespaceContentRemaining", "NamespaceFinalizersRemaining", "NamespaceDeletionContentFailure"} {
			if c := o.condition(kind); c.isTrue() {
				return c.text()
			}
		}
	}
	if len(finalizers) > 0 {
		return "waiting for " + strings.Join(finalizers, ", ")
	}
	return ""
}

func namespaceHealth(o object) Health {
	if o.string("status", "phase") == "Terminating" {
		return Health{Terminating, terminatingMessage(o, nil)}
	}
	return healthy("")
}

func claimHealth(o object) Health {
	switch phase := o.string("status", "phase"); phase {
	case "Bound":
		return healthy("bound")
	case "Lost":
		return failed("its volume is lost")
	default:
		return progressing("not bound to a volume yet")
	}
}

// serviceHealth knows one wait: the address of a load balancer. Every other
// Service works as soon as it is there.
func serviceHealth(o object) Health {
	if o.string("spec", "type") != "LoadBalancer" {
		return healthy("")
	}
	if address := addresses(o); address != "" {
		return healthy("at " + address)
	}
	return progressing("waiting for the load balancer's address")
}

// ingressHealth never waits: many Ingress controllers do not publish an
// address at all.
func ingressHealth(o object) Health {
	if address := addresses(o); address != "" {
		return healthy("at " + address)
	}
	return healthy("")
}

func addresses(o object) string {
	var found []string
	for _, item := range o.list("status", "loadBalancer", "ingress") {
		fields, _ := item.(map[string]any)
		entry := object{fields}
		if address := entry.string("hostname") + entry.string("ip"); address != "" {
			found = append(found, address)
		}
	}
	return strings.Join(found, ", ")
}

// autoscalerHealth fails nothing for want of metrics: an autoscaler that
// cannot read them leaves the replicas alone, and says so.
func autoscalerHealth(o object) Health {
	if c := o.condition("AbleToScale"); c.isFalse() {
		return progressing("cannot scale: " + c.text())
	}
	if c := o.condition("ScalingActive"); c.isFalse() {
		return healthy("not scaling: " + c.text())
	}
	if n, ok := o.lookupInt("status", "currentReplicas"); ok {
		return healthy(fmt.Sprintf("%d of %d to %d replicas", n,
			o.intOr(1, "spec", "minReplicas"), o.int("spec", "maxReplicas")))
	}
	return healthy("")
}

func definitionHealth(o object) Health {
	if c := o.condition("NamesAccepted"); c.isFalse() {
		return failed("its names are taken: " + c.text())
	}
	if c := o.condition("NonStructuralSchema"); c.isTrue() {
		return failed("its schema is not structural: " + c.text())
	}
	if o.condition("Established").isTrue() {
		return healthy("established")
	}
	return progressing("not established yet")
}

func apiServiceHealth(o object) Health {
	c := o.condition("Available")
	if c.isTrue() {
		return healthy("available")
	}
	return progressing(join("not available yet", c.text()))
}

// podHealth judges a pod that somebody deploys by itself.
func podHealth(o object) Health {
	switch o.string("status", "phase") {
	case "Succeeded":
		return healthy("completed")
	case "Failed":
		return failed(podFailure(o))
	case "Running":
		if o.condition("Ready").isTrue() {
			return healthy("ready")
		}
	}
	if cause, ok := podCause(o); ok {
		if cause.Terminal {
			return failed(cause.String())
		}
		return progressing(cause.String())
	}
	if o.string("status", "phase") == "Running" {
		return progressing("running, not ready yet")
	}
	return progressing("not running yet")
}

func podFailure(o object) string {
	if cause, ok := podCause(o); ok {
		return cause.String()
	}
	return "its containers failed"
}
