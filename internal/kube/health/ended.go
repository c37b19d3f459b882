package health

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// End is how an object ended that runs to an end, as a Job does. Such an object has
// done its work, and a controller often deletes it some time later.
type End string

// The ends. An object that has not ended, or never does, has none.
const (
	Succeeded End = "succeeded"
	Exhausted End = "failed" // it will not be retried
)

// EndOf returns the end of a live object: by the app's rules, by the known kinds, else
// by the conventions for custom resources. An object that is being deleted has not
// ended by itself.
func (r *Rules) EndOf(u *unstructured.Unstructured) End {
	if u == nil || u.GetDeletionTimestamp() != nil || unseen(u) {
		return ""
	}
	o, gk := object{u.Object}, u.GroupVersionKind().GroupKind()
	if j := r.judge(gk); j != nil && j.ended != nil {
		return j.end(u)
	}
	if end, ok := ends[gk]; ok {
		return end(o)
	}
	if _, builtIn := table[gk]; builtIn || plain[gk] {
		return ""
	}
	return completed(o)
}

// end evaluates the rule's own expression. One that cannot be evaluated means no.
func (j *judge) end(u *unstructured.Unstructured) End {
	fields := fieldsOf(u)
	if is, err := j.ended.isTrue(fields); err != nil || !is {
		return ""
	}
	if failed, err := j.failed.isTrue(fields); err == nil && failed {
		return Exhausted
	}
	return Succeeded
}

// ends are the kinds whose objects end, beyond those covered by the conventions.
// Built-in kinds that are not here never end.
var ends = map[schema.GroupKind]func(object) End{
	{Group: "", Kind: "Pod"}: podEnd,
	{Group: "batch", Kind: "Job"}: func(o object) End {
		return endBy(o.condition("Complete").isTrue(), o.condition("Failed").isTrue())
	},
	// Signing requests are deleted an hour after they were issued or denied.
	{Group: "certificates.k8s.io", Kind: "CertificateSigningRequest"}: func(o object) End {
		_, refused := refusal(o)
		return endBy(o.string("status", "certificate") != "", refused)
	},
	{Group: "certificates.k8s.io", Kind: "PodCertificateRequest"}: func(o object) End {
		_, refused := refusal(o)
		return endBy(o.condition("Issued").isTrue(), refused)
	},
	{Group: "argoproj.io", Kind: "Workflow"}:    phaseEnd,
	{Group: "argoproj.io", Kind: "AnalysisRun"}: phaseEnd,
	{Group: "argoproj.io", Kind: "Experiment"}:  phaseEnd,
	{Group: "tekton.dev", Kind: "TaskRun"}:      succeededEnd,
	{Group: "tekton.dev", Kind: "PipelineRun"}:  succeededEnd,
	{Group: "tekton.dev", Kind: "CustomRun"}:    succeededEnd,
	{Group: "postgresql.cnpg.io", Kind: "Backup"}: func(o object) End {
		return endBy(o.string("status", "phase") == "completed", o.string("status", "phase") == "failed")
	},
}

func endBy(succeeded, failed bool) End {
	switch {
	case failed:
		return Exhausted
	case succeeded:
		return Succeeded
	}
	return ""
}

// podEnd is for a pod that is deployed by itself. One that was evicted, or lost with
// its node, did not end, and must be recreated.
func podEnd(o object) End {
	failed := o.string("status", "phase") == "Failed" && o.string("spec", "restartPolicy") != "Always" && o.string("status", "reason") == ""
	return endBy(o.string("status", "phase") == "Succeeded", failed)
}

func phaseEnd(o object) End {
	switch o.string("status", "phase") {
	case "Succeeded", "Successful":
		return Succeeded
	case "Failed", "Error":
		return Exhausted
	}
	return ""
}

func succeededEnd(o object) End {
	c := o.condition("Succeeded")
	return endBy(c.isTrue(), c.isFalse())
}

// completed is the convention that custom resources share with Jobs: an object that has
// ended notes the time, or has the condition Complete.
func completed(o object) End {
	done := o.condition("Complete").isTrue() || o.condition("Completed").isTrue() || o.condition("Succeeded").isTrue()
	for _, field := range []string{"completionTime", "completionTimestamp"} {
		done = done || o.string("status", field) != ""
	}
	phase := phaseEnd(o)
	failed := o.condition("Failed").isTrue() || done && (phase == Exhausted || o.condition("Succeeded").isFalse() || o.condition("Complete").isFalse())
	return endBy(done, failed)
}
