package health

import (
	"fmt"
	"strings"
)

// terminatingMessage says what delays the deletion of an object.
func terminatingMessage(o object, finalizers []string) string {
	if o.string("kind") == "Namespace" {
		for _, kind := range []string{"NamespaceContentRemaining", "NamespaceFinalizersRemaining", "NamespaceDeletionContentFailure"} {
			if c := o.condition(kind); c.isTrue() {
				return "is being deleted: " + c.text()
			}
		}
	}
	if len(finalizers) > 0 {
		return "is being deleted, waits for " + strings.Join(finalizers, ", ")
	}
	return "is being deleted"
}

func namespaceHealth(o object) Health {
	if o.string("status", "phase") == "Terminating" {
		return Health{Terminating, terminatingMessage(o, nil)}
	}
	return healthy("")
}

// autoscalerHealth never fails for lack of metrics: an autoscaler that cannot read them
// leaves the replicas alone, and says so.
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

func nodeHealth(o object) Health {
	c := o.condition("Ready")
	switch {
	case !c.isTrue():
		return progressing(join("not ready", c.text()))
	case o.bool("spec", "unschedulable"):
		return healthy("ready, cordoned")
	}
	return healthy("ready")
}

// budgetHealth is the health of a PodDisruptionBudget. Missing pods are the workload's
// problem; the budget works once its pods have been counted.
func budgetHealth(o object) Health {
	if !observed(o) {
		return progressing(notSeen)
	}
	if c := o.condition("DisruptionAllowed"); c.isFalse() && c.reason == "SyncFailed" {
		return progressing("cannot be counted: " + c.text())
	}
	n := o.int("status", "disruptionsAllowed")
	switch {
	case o.int("status", "expectedPods") == 0:
		return healthy("selects no pods")
	case n == 1:
		return healthy("1 disruption allowed")
	}
	return healthy(fmt.Sprintf("%d disruptions allowed", n))
}

// flowHealth is the health of a FlowSchema: without its priority level it has no
// effect, and it takes effect by itself when the level comes.
func flowHealth(o object) Health {
	if c := o.condition("Dangling"); c.isTrue() {
		return progressing(join("its priority level is not there", c.message))
	}
	return healthy("")
}

// policyHealth is the health of a ValidatingAdmissionPolicy. It is in force whatever
// the type check of its expressions says.
func policyHealth(o object) Health {
	warnings := o.list("status", "typeChecking", "expressionWarnings")
	if len(warnings) == 0 {
		return healthy("")
	}
	first, _ := warnings[0].(map[string]any)
	warning, _, _ := strings.Cut(strings.TrimSpace(object{first}.string("warning")), "\n")
	return healthy(join("in force, with type errors", warning))
}

// deviceClaimHealth is the health of a ResourceClaim. Devices are allocated when a pod
// needs them, so there is nothing to wait for.
func deviceClaimHealth(o object) Health {
	if o.object("status", "allocation").fields == nil {
		return healthy("not in use")
	}
	return healthy("allocated")
}

// podGroupHealth is the health of a PodGroup, which waits only if the scheduler cannot
// place its pods together.
func podGroupHealth(o object) Health {
	if c := o.condition("PodGroupInitiallyScheduled"); c.isFalse() {
		return progressing("cannot be scheduled: " + c.text())
	}
	return healthy("")
}

// storageVersionHealth is the health of a StorageVersion, which the API servers
// maintain for themselves.
func storageVersionHealth(o object) Health {
	if c := o.condition("AllEncodingVersionsEqual"); c.isFalse() {
		return progressing(join("the API servers differ", c.text()))
	}
	return healthy("")
}

// refusal returns the reason why a request failed, and whether it did.
func refusal(o object) (Health, bool) {
	if c := o.condition("Denied"); c.isTrue() {
		return failed(join("denied", c.text())), true
	}
	if c := o.condition("Failed"); c.isTrue() {
		return failed(c.text()), true
	}
	return Health{}, false
}

// requestHealth is the health of a request that is done when a condition says so,
// unless it is denied or fails.
func requestHealth(condition, done string) func(object) Health {
	return func(o object) Health {
		if h, bad := refusal(o); bad {
			return h
		}
		if o.condition(condition).isTrue() {
			return healthy(done)
		}
		return progressing("not " + done + " yet")
	}
}

// signingHealth is the health of a CertificateSigningRequest: a signer issues
// it once somebody approves.
func signingHealth(o object) Health {
	if h, bad := refusal(o); bad {
		return h
	}
	switch {
	case o.string("status", "certificate") != "":
		return healthy("issued")
	case o.condition("Approved").isTrue():
		return progressing("approved, not issued yet")
	}
	return progressing("waiting for approval")
}
