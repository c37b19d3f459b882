// Package repos holds the first content of repositories that Pushboat itself creates.
// It is data: nothing in it runs.
package repos

import (
	"embed"
	"io/fs"
)

//go:embed all:demo all:admin
var files embed.FS

// Demo is the small application that `make demo` pushes: a namespace, two Deployments
// with their Services, a ConfigMap, an Ingress and a HorizontalPodAutoscaler, with the
// pushboat.yaml that names them.
func Demo() (fs.FS, error) {
	return fs.Sub(files, "demo")
}

// Admin is the first content of admin.git, the server's own rules, without the
// operators of the server.
func Admin() (fs.FS, error) {
	return fs.Sub(files, "admin")
}
