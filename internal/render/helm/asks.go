package helm

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// capabilitiesWord is the name by which templates ask about the cluster.
var capabilitiesWord = []byte("Capabilities")

// asks reports whether the output of a chart may depend on the cluster: the chart is
// for certain versions only, or the word is in a template, or in text that tpl may turn
// into one: a value or a file. A needless look is better than a missed change.
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

// mentions reports whether the word is in a file that is not documentation.
func mentions(files []*common.File) bool {
	for _, file := range files {
		if path.Ext(file.Name) != ".md" && bytes.Contains(file.Data, capabilitiesWord) {
			return true
		}
	}
	return false
}
