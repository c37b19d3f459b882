package helm

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// capabilitiesWord is how templates get at what is known of the cluster.
var capabilitiesWord = []byte("Capabilities")

// asks reports whether what a chart renders to may depend on the cluster: it is for
// certain versions alone, or there is the word in a template, or in what may become one
// by tpl: a value or a file. It is better to look once too often than to miss a change.
func asks(c *chart.Chart, values any) bool {
	text, err := json.Marshal(values)
	return err != nil || bytes.Contains(text, capabilitiesWord) || chartAsks(c)
}

func chartAsks(c *chart.Chart) bool {
	if c.Metadata.KubeVersion != "" || mentions(c.Templates) || mentions(c.Files) {
		return true
	}
	return slices.ContainsFunc(c.Dependencies(), chartAsks)
}

// mentions reports whether a file has the word in it that is not there for people.
func mentions(files []*common.File) bool {
	for _, file := range files {
		if path.Ext(file.Name) != ".md" && bytes.Contains(file.Data, capabilitiesWord) {
			return true
		}
	}
	return false
}
