package main

import (
	"fmt"
	"maps"
	"strings"
)

// The objects are the same as in the measurement of the peers: Deployments without pods
// (the nodes are simulated, and pods would measure the controllers), Services, ConfigMaps
// and ServiceAccounts, the same number of each.
const kindsOfObject = 4

const (
	deploymentText = `apiVersion: apps/v1
kind: Deployment
metadata: {name: %s}
spec:
  replicas: 0
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4
          ports: [{containerPort: 8080}]
          env: [{name: LEVEL, value: info}, {name: MODE, value: production}]
          resources: {requests: {cpu: 10m, memory: 16Mi}}
`
	serviceText = `apiVersion: v1
kind: Service
metadata: {name: %s}
spec:
  selector: {app: %[1]s}
  ports: [{port: 80, targetPort: 8080}]
`
	configText = `apiVersion: v1
kind: ConfigMap
metadata: {name: %s}
data: {greeting: hello, level: info, origin: "%[1]s"}
`
	accountText = `apiVersion: v1
kind: ServiceAccount
metadata: {name: %s}
`
)

// objectFiles returns the manifests of n objects, one file each, below dir.
func objectFiles(dir, prefix string, n int) map[string]string {
	files := map[string]string{}
	for i := range n / kindsOfObject {
		name := fmt.Sprintf("%s-%03d", prefix, i)
		for kind, text := range map[string]string{
			"deployment": deploymentText, "service": serviceText, "config": configText, "account": accountText,
		} {
			files[fmt.Sprintf("%s/%s-%s.yaml", dir, name, kind)] = fmt.Sprintf(text, name)
		}
	}
	return files
}

// fleetFiles returns the files of n apps with four objects each, in one repository and one
// namespace. The apps' names begin with a prefix.
func fleetFiles(n int, namespace, prefix string) map[string]string {
	files := map[string]string{"pushboat.yaml": fmt.Sprintf(`apps:
  - path: apps/*
    namespace: %s
`, namespace)}
	for i := range n {
		name := fmt.Sprintf("%s%04d", prefix, i)
		maps.Copy(files, objectFiles("apps/"+name, name, kindsOfObject))
	}
	return files
}

// manifestsOf returns all files except pushboat.yaml.
func manifestsOf(files map[string]string) []string {
	var texts []string
	for path, text := range files {
		if !strings.HasPrefix(path, "pushboat.yaml") {
			texts = append(texts, text)
		}
	}
	return texts
}
