package health

import "strings"

// serviceHealth waits only for the address of a load balancer. Every other Service
// works as soon as it exists.
func serviceHealth(o object) Health {
	if o.string("spec", "type") != "LoadBalancer" {
		return healthy("")
	}
	if address := addresses(o); address != "" {
		return healthy("at " + address)
	}
	return progressing("waiting for the load balancer's address")
}

// ingressHealth never waits: many Ingress controllers do not publish an address at all.
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

// rangeHealth is the health of a ServiceCIDR: it is in use once its condition says so,
// and loses that when it is being deleted.
func rangeHealth(o object) Health {
	if c := o.condition("Ready"); c.isFalse() {
		return progressing(join("not ready", c.text()))
	}
	return healthy("")
}
