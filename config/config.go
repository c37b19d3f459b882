// Package config holds the chart that installs Pushboat on Kubernetes, so that the
// program can install itself. It is data: nothing in it runs.
package config

import "embed"

// Chart is the folder of the chart in Files.
const Chart = "install/chart"

//go:embed all:install/chart
var files embed.FS

// Files are the files of the chart, below Chart.
func Files() embed.FS { return files }
