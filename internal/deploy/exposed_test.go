package deploy

import (
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/render/secrets"
)

const login = "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData: {password: open}\n"

// plainly has a target come from Secrets whose values are not encrypted.
func plainly(t *testing.T, texts ...string) func(*target) {
	return func(of *target) {
		of.Spec.Namespace = "team"
		for _, text := range texts {
			o := parsed(t, text)[0]
			of.plain = append(of.plain, secrets.Plain{Object: o, Problem: manifest.Problem{Source: o.Source, Message: "is not encrypted"}})
		}
	}
}

func TestSecretsInTheClearAreRefused(t *testing.T) {
	had := func(repo name.Repo, change func(*target)) func(*office, *Proposal) {
		return func(o *office, _ *Proposal) {
			o.has("web", repo, wanted("web", func(of *target) { of.Objects, of.Repo = parsed(t, login), repo }, change))
		}
	}
	as := func(*target) {}
	for name, test := range map[string]struct {
		set  func(o *office, p *Proposal)
		want []string
	}{
		"by a push":                     {func(*office, *Proposal) {}, []string{"web.yaml:1: Secret team/login: is not encrypted"}},
		"by anything but a push":        {func(_ *office, p *Proposal) { p.Push = "" }, nil},
		"with -o plain-secrets":         {func(_ *office, p *Proposal) { p.Options.PlainSecrets = true }, nil},
		"where the server allows it":    {func(o *office, _ *Proposal) { o.PlainSecrets = true }, nil},
		"where pushboat.yaml allows it": {func(_ *office, p *Proposal) { p.targets[0].Spec.PlainSecrets = true }, nil},
		"in an app that is kept":        {func(_ *office, p *Proposal) { p.targets[0].origin = fromBefore }, nil},
		"that the branch has already":   {had("shop", as), nil},
		"that another repository has":   {had("blog", as), []string{"is not encrypted"}},
		"that the branch had once":      {had("shop", func(of *target) { of.Gone = true }), []string{"is not encrypted"}},
		"that the branch has otherwise": {had("shop", func(of *target) { of.Objects = parsed(t, login+"type: other\n") }), []string{"is not encrypted"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			p := o.proposed("shop", wanted("web", plainly(t, login)))
			test.set(o, p)
			problems := o.exposed(p)
			wantProblems(t, name, problems, test.want...)
			for _, problem := range problems {
				if problem.App != "web" {
					t.Errorf("the problem is reported for app %q", problem.App)
				}
			}
		})
	}
}

func TestOnlySecretsCountAsExposed(t *testing.T) {
	of := wanted("web", func(of *target) { of.Objects = append(parsed(t, deployment), parsed(t, login)...) })
	if digests := of.secretDigests("shop"); len(digests) != 1 || !digests[manifest.Digest(of.Objects[1].Unstructured)] {
		t.Errorf("got %v", digests)
	}
}

// TestSkippedPushesDoNotExposeSecrets: a skipped push is refused too, since its revision
// would bring the Secrets into the repository.
func TestSkippedPushesDoNotExposeSecrets(t *testing.T) {
	o := newOffice(t)
	p := o.skippedBy(wanted("web", plainly(t, login)))
	p.Problems = manifest.Problems{{Message: "cannot be rendered"}}
	p.plan(t.Context())
	wantProblems(t, "skipped", p.Problems, "is not encrypted")
}
