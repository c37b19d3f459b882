package flux

import (
	"strings"
	"testing"
)

// TestValuesFilesOfCharts: files in a chart of a registry take the place of its own values.
func TestValuesFilesOfCharts(t *testing.T) {
	of := func(fields string) string {
		return strings.Replace(helmRelease(""), "chartRef: {kind: OCIRepository, name: template}",
			"chart: {spec: {chart: web, version: 1.2.3, "+fields+", sourceRef: {kind: HelmRepository, name: charts}}}", 1)
	}
	apps, problems := read(t, of("valuesFiles: [values.yaml, ./values-prod.yaml], valuesFile: last.yaml"))
	if len(problems) > 0 || len(apps) != 1 {
		t.Fatal(problems)
	}
	helm := apps[0].App.Helm
	var files []string
	for _, values := range helm.Values {
		files = append(files, values.File)
	}
	if got := strings.Join(files, " "); !strings.HasPrefix(got, "chart:values.yaml chart:values-prod.yaml chart:last.yaml") || !helm.ReplaceValues {
		t.Errorf("%s, in place of the chart's own: %v", got, helm.ReplaceValues)
	}
	for fields, want := range map[string]string{
		"valuesFiles: [../a.yaml]":                              `valuesFiles: "../a.yaml" leads out of the chart`,
		"valuesFiles: [a.yaml], ignoreMissingValuesFiles: true": "whether a chart of a registry has a file is known when it is fetched",
	} {
		if _, problems := read(t, of(fields)); !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v", fields, problems)
		}
	}
}
