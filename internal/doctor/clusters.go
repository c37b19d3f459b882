package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

// Cluster is what is asked of a cluster. Package kube has it.
type Cluster interface {
	Name() string
	// Greet asks the API server for nothing but an answer.
	Greet(ctx context.Context) (kube.Greeting, error)
	// Self returns the user as whom the cluster knows the server.
	Self(ctx context.Context) (user string, err error)
	// Needs returns an error that says which right is lacking, or why that is not known.
	Needs(ctx context.Context, right manifest.Right) error
}

// examineCluster is about one cluster. The later questions make no sense where it does not
// answer.
func (d *Doctor) examineCluster(ctx context.Context, c Cluster, now time.Time) []Finding {
	greeting, err := c.Greet(ctx)
	about := func(f Finding) Finding { f.About = c.Name(); return f }
	if err != nil {
		return []Finding{about(Finding{
			Check: "cluster", Level: Problem, Says: err.Error(),
			Hint: "see whether its API server runs, and whether its kubeconfig is still right; its apps wait for it",
		})}
	}
	lacking, failed := d.ask(ctx, c)
	findings := []Finding{about(judgeClock(greeting)), about(judgeRights(lacking, failed))}
	for _, f := range judgeCertificates(greeting, now) {
		findings = append(findings, about(f))
	}
	return findings
}

// Bounds of the difference between the clocks.
const (
	smallSkew = 5 * time.Second
	largeSkew = time.Minute
)

func judgeClock(g kube.Greeting) Finding {
	ahead := g.Skew
	f := Finding{Check: "clock", Level: OK, Says: "agrees with the API server's"}
	switch {
	case ahead.Abs() < smallSkew:
		return f
	case ahead > 0:
		f.Says = fmt.Sprintf("is %s ahead of the API server's", manifest.Roughly(ahead))
	default:
		f.Says = fmt.Sprintf("is %s behind the API server's", manifest.Roughly(-ahead))
	}
	f.Level, f.Hint = Warning, "see which of the two is wrong, and have it set by NTP: keys and certificates expire by it"
	if ahead.Abs() >= largeSkew {
		f.Level = Problem
	}
	return f
}

// The rights that a server needs whatever it deploys (docs/security.md): verbs by resource.
var standing = []manifest.Right{
	{Verbs: "get,list,watch", Resource: "namespaces"},
	{Verbs: "get,list,watch", Resource: "pods"},
	{Verbs: "get", Resource: "serviceaccounts"},
	{Verbs: "get", Group: "storage.k8s.io", Resource: "storageclasses"},
	{Verbs: "get", Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"},
	{Verbs: "get", Group: "apiregistration.k8s.io", Resource: "apiservices"},
	{Verbs: "get,list,watch,create,patch,delete", Resource: "secrets", Namespace: kube.SystemNamespace},
}

// needed are the rights, each of one verb, that the server needs: the standing ones, and to
// act as each account that the rules name.
func needed(accounts []string) []manifest.Right {
	var rights []manifest.Right
	for _, right := range standing {
		for verb := range strings.SplitSeq(right.Verbs, ",") {
			one := right
			one.Verbs = verb
			rights = append(rights, one)
		}
	}
	for _, account := range accounts {
		namespace, name, _ := strings.Cut(account, "/")
		rights = append(rights, manifest.Right{Verbs: "impersonate", Resource: "serviceaccounts", Namespace: namespace, Name: name})
	}
	return rights
}

// maxAsked bounds the questions that one cluster is asked at a time.
const maxAsked = 8

// ask returns the rights that the server lacks on a cluster.
func (d *Doctor) ask(ctx context.Context, c Cluster) (lacking []manifest.Right, err error) {
	user, err := c.Self(ctx)
	if err != nil {
		return nil, err
	}
	rights := needed(d.Rules().Accounts())
	answers := make([]error, len(rights))
	slots := make(chan struct{}, maxAsked)
	var asking sync.WaitGroup
	for i, right := range rights {
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			answers[i] = c.Needs(ctx, right)
		})
	}
	asking.Wait()
	for _, answer := range answers {
		if lacks := manifest.LackedBy(answer); lacks != (manifest.Right{}) {
			lacks.User = user
			lacking = append(lacking, lacks)
			continue
		}
		err = errors.Join(err, answer)
	}
	return lacking, err
}

// maxLacking bounds the rights that are named.
const maxLacking = 5

func judgeRights(lacking []manifest.Right, err error) Finding {
	f := Finding{Check: "rights", Level: OK, Says: "the server may do what docs/security.md lists"}
	switch {
	case len(lacking) > 0:
		var texts []string
		for _, right := range lacking {
			texts = append(texts, right.Refusal())
		}
		texts = slices.Compact(texts)
		if more := len(texts) - maxLacking; more > 0 {
			texts = append(texts[:maxLacking], fmt.Sprintf("and %d more", more))
		}
		f.Level, f.Says, f.Hint = Problem, strings.Join(texts, "; "), report.Grant(lacking)
	case err != nil:
		f.Level, f.Says, f.Hint = Warning, "the server's rights are not known: "+err.Error(), "ask again, or ask the cluster's admin"
	}
	return f
}

func judgeCertificates(g kube.Greeting, now time.Time) []Finding {
	var findings []Finding
	for _, one := range []struct {
		of, hint string
		expires  time.Time
	}{
		{"the client certificate of its kubeconfig", "make a new kubeconfig, or name a token file in it that is renewed", g.ClientCertificate},
		{"the API server's certificate", "have the cluster's admin renew it", g.ServerCertificate},
	} {
		if one.expires.IsZero() {
			continue
		}
		f := Finding{Check: "certificates", Level: OK, Says: one.of + " is good until " + day(one.expires)}
		switch left := one.expires.Sub(now); {
		case left <= 0:
			f.Level, f.Says = Problem, one.of+" expired on "+day(one.expires)
		case left < soon:
			f.Level = Warning
		}
		if f.Level != OK {
			f.Hint = one.hint
		}
		findings = append(findings, f)
	}
	return findings
}
