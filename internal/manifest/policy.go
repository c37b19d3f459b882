package manifest

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Policies are the yes-or-no requests of other tools' annotations on an object. Peers
// says which annotation sets which.
type Policies uint16

// The policies.
const (
	KeepOnPrune  Policies = 1 << iota // stays when the revision no longer has it
	KeepOnDelete                      // stays when its whole app is removed
	ConfirmPrune                      // is deleted only by a push that confirms it
	PruneLast                         // is deleted when all else is healthy
	Force                             // is deleted and made again if it cannot be changed in place
	Replace                           // is written as a whole: fields of others go
	Merge                             // fields that hand tools add stay
	IfNotPresent                      // is made if it is not there, and then left alone
	Frozen                            // stays as it is on the cluster, there or not
)

// Has reports whether all policies of other are set.
func (p Policies) Has(other Policies) bool { return p&other == other }

// Policy is what the metadata of an object asks for its handling.
type Policy struct {
	Policies
	Wave  int32 // sync wave: lower ones come first
	Phase Phase // when it runs as a hook; 0 for an object that is no hook
	After HookDeletion

	firstOnly, laterOnly Phase // phases that not every deploy has
}

// Applies reports whether the object is applied with the others of its revision: it is
// not skipped, not left alone, and no hook that runs later.
func (p Policy) Applies() bool {
	return !p.Has(Frozen) && !p.Phase.Has(Skip) && (p.Phase == 0 || p.Phase.Has(PreSync))
}

// IsSkipped reports whether the object is never applied: it asks for that, or is a
// hook of a phase that no deploy has.
func (p Policy) IsSkipped() bool {
	return p.Phase.Has(Skip) || p.Phase != 0 && !p.Phase.Runs() && !p.Phase.Has(Test)
}

// RunsIn reports whether the object is a hook of a phase of a deploy, which is
// the first one or not.
func (p Policy) RunsIn(phase Phase, isFirst bool) bool {
	lacks := p.firstOnly
	if isFirst {
		lacks = p.laterOnly
	}
	return p.Phase.Has(phase) && !lacks.Has(phase)
}

// Misread is a value of a known annotation that means nothing.
type Misread struct {
	Key, Value string
	Hint       string
}

// PolicyOf reads the policy of a written or running object. It is called for each event
// of a watch, and copies nothing. It leaves out meaningless values, and returns them
// beside the policy.
func PolicyOf(u *unstructured.Unstructured) (Policy, []Misread) {
	metadata, _ := u.Object["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	return readPolicy(annotations, labels)
}

// PolicyOfMetadata is PolicyOf for an object whose metadata alone is known.
func PolicyOfMetadata(annotations, labels map[string]string) Policy {
	policy, _ := readPolicy(annotations, labels)
	return policy
}

func readPolicy[V any](annotations, labels map[string]V) (Policy, []Misread) {
	r := policyReader{}
	for _, key := range peerKeys {
		if text, ok := any(annotations[key.name]).(string); ok && text != "" {
			r.read(key, text)
		}
		if text, ok := any(labels[key.name]).(string); ok && key.label && text != "" {
			r.read(key, text)
		}
	}
	r.policy.firstOnly, r.policy.laterOnly = r.at[first]&^(r.at[later]|r.at[each]), r.at[later]&^(r.at[first]|r.at[each])
	if r.policy.Phase != 0 && r.policy.After == 0 {
		r.policy.After = BeforeHookCreation
	}
	return r.policy, r.misread
}

// Policy reads the policy of an object of a revision, and reports meaningless values: a
// misspelt Prune=false would cost the object that it was meant to protect.
func (o *Object) Policy() (Policy, Problems) {
	policy, misread := PolicyOf(o.Unstructured)
	var problems Problems
	for _, m := range misread {
		problems = append(problems, Problem{
			Source: o.At("metadata.annotations[" + m.Key + "]"), Object: o.ID().String(),
			Message: m.Key + " has no value " + show(m.Value), Hint: m.Hint,
		})
	}
	return policy, problems
}

// policyReader collects the policies in the annotations of one object.
type policyReader struct {
	policy  Policy
	at      [later + 1]Phase // by occasion
	misread []Misread
}

func (r *policyReader) read(key peerKey, text string) {
	if key.name == waveAnnotation || key.name == helmWeight {
		r.wave(key.name, text)
		return
	}
	if !key.list {
		r.value(key, strings.TrimSpace(text))
		return
	}
	for value := range strings.SplitSeq(text, ",") {
		if value = strings.TrimSpace(value); value != "" {
			r.value(key, value)
		}
	}
}

func (r *policyReader) wave(key, text string) {
	wave, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil {
		r.misread = append(r.misread, Misread{key, text, `write a whole number in quotes, such as "5" or "-1"`})
		return
	}
	r.policy.Wave = int32(wave)
}

func (r *policyReader) value(key peerKey, value string) {
	for i := range key.rules {
		if rule := &key.rules[i]; rule.matches(value) {
			r.policy.Policies |= rule.sets
			r.policy.Phase |= rule.phase
			r.at[rule.when] |= rule.phase
			r.policy.After |= rule.after
			return
		}
	}
	var known []string
	for _, rule := range key.rules {
		known = append(known, rule.Value)
	}
	r.misread = append(r.misread, Misread{key.name, value, didYouMean(value, known)})
}
