package manifest

import "testing"

func TestLineOf(t *testing.T) {
	const text = `# a comment
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app.kubernetes.io/name: web
    app: web
spec:
  template:
    spec:
      containers:
      - name: web
        image: x
        ports:
        - containerPort: 80
        - containerPort: 81
          protocol: UDP
      - image: y
        name: side
      tolerations: [{key: a,
        value: b}]
data: {}
`
	o := mustParse(t, "deploy/web.yaml", text)[0]
	for path, want := range map[string]int{
		"":                     2,
		"kind":                 3,
		"metadata.name":        5,
		".metadata.name":       5,
		"metadata.labels[app]": 8,
		"metadata.labels.app":  8,
		"metadata.labels[app.kubernetes.io/name]":           7,
		"metadata.labels.app.kubernetes.io/name":            7,
		"metadata.labels[other]":                            6,
		"metadata.labels.apple":                             6,
		"spec":                                              9,
		"spec.replicas":                                     9,
		"spec.template.spec.containers":                     12,
		"spec.template.spec.containers[0]":                  13,
		"spec.template.spec.containers[0].image":            14,
		"spec.template.spec.containers[0].imagePulPolicy":   13,
		"spec.template.spec.containers[1].name":             20,
		"spec.template.spec.containers[2].name":             12,
		`.spec.template.spec.containers[name="side"].image`: 19,
		`spec.template.spec.containers[side].image`:         19,
		`spec.template.spec.containers[name="none"].image`:  12,
		`spec.template.spec.containers[web].ports[1]`:       17,
		`.spec.template.spec.containers[name="web"].ports[containerPort=81,protocol="UDP"].protocol`: 18,
		`.spec.template.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].x`:        16,
		"spec.template.spec.tolerations[a].value":                                                    22,
		"data.key":     23,
		"data[":        23,
		"nothing.here": 2,
		"[]..[":        2,
	} {
		if got := o.LineOf(path); got != want {
			t.Errorf("LineOf(%q) = %d, want %d", path, got, want)
		}
	}
	if got := o.At("kind").String(); got != "deploy/web.yaml:3" {
		t.Errorf("At(kind) = %s", got)
	}
}

func TestLineOfAnObjectThatWasNotWritten(t *testing.T) {
	o := &Object{Source: Source{File: "f", Line: 7}}
	if got := o.LineOf("spec.x"); got != 7 {
		t.Errorf("line %d, want that of the object, 7", got)
	}
}
