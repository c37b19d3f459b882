package deploy

import (
	"cmp"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// exposed refuses Secrets whose values a push would put into the repository in the
// clear, for everybody who can read it, for ever. Values that the branch already has
// are in its history, and refusing them again removes nothing. Only a push brings
// values into a repository. Where the grant says whether it may have them, nothing else
// does.
func (e *Engine) exposed(p *Proposal) manifest.Problems {
	granted := grant.PlainAsAsked
	if g := e.grantOf(p.Repo); g != nil {
		granted = g.PlainSecrets
	}
	refused := granted == grant.PlainRefused
	if p.Push == "" || granted == grant.PlainAllowed || !refused && (p.Options.PlainSecrets || e.PlainSecrets) {
		return nil
	}
	var problems manifest.Problems
	for _, t := range p.targets {
		if t.origin == fromBefore || t.Spec.PlainSecrets && !refused || len(t.plain) == 0 {
			continue
		}
		before := e.wantedOf(t.Spec.Name).secretDigests(p.Repo)
		for _, secret := range t.plain {
			if before[manifest.Digest(secret.Object.Unstructured)] {
				continue
			}
			problem := secret.Problem
			if refused {
				problem.Remedy = manifest.Remedy{}
				problem.Message += "; " + e.grantOf(p.Repo).Naming(p.Repo, p.ReadsRules) + " lets nobody store it as it is"
			}
			id := secret.Object.ID()
			id.Namespace = cmp.Or(id.Namespace, t.Spec.Namespace)
			problem.App, problem.Object = t.Spec.Name, id.String()
			problems = append(problems, problem)
		}
	}
	return problems
}

// secretDigests are the digests of the Secrets that a repository already has in
// an app; none if it is an app of another one.
func (t *target) secretDigests(repo name.Repo) map[string]bool {
	if t == nil || t.Gone || t.Repo != repo {
		return nil
	}
	digests := map[string]bool{}
	for _, o := range t.SpecialOnes() {
		if o.GetKind() == "Secret" {
			digests[manifest.Digest(o.Unstructured)] = true
		}
	}
	return digests
}
