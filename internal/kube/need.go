package kube

import (
	"context"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// needs are the rights that a server has to have on every cluster, whoever its apps are
// deployed as: those of config/install/accounts.yaml that are not about the kinds of apps.
var needs = []manifest.Right{
	{Verbs: "get,list,watch", Resource: "namespaces"},
	{Verbs: "get,list,watch", Resource: "pods"},
	{Verbs: "get", Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"},
	{Verbs: "get,list,watch,create,patch,delete", Resource: "secrets", Namespace: SystemNamespace},
}

// Lacks lists those of the rights that every server needs which this one has not, in words.
// deploys reports whether it may change everything itself.
func (c *Cluster) Lacks(ctx context.Context) (lacks []string, deploys bool, err error) {
	for _, need := range needs {
		var missing []string
		for verb := range strings.SplitSeq(need.Verbs, ",") {
			one := need
			one.Verbs = verb
			allowed, err := c.may(ctx, one)
			if err != nil {
				return nil, false, err
			}
			if !allowed {
				missing = append(missing, verb)
			}
		}
		if len(missing) > 0 {
			lacks = append(lacks, words(need, missing))
		}
	}
	deploys, err = c.may(ctx, manifest.Right{Verbs: "*", Group: "*", Resource: "*"})
	return lacks, deploys, err
}

// words says which verbs of a right are missing: "list, watch pods".
func words(right manifest.Right, verbs []string) string {
	text := strings.Join(verbs, ", ") + " " + right.Resource
	if right.Group != "" {
		text += "." + right.Group
	}
	if right.Namespace != "" {
		text += " in the namespace " + right.Namespace
	}
	return text
}
