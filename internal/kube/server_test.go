package kube

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

// serve runs a web server in place of an API server.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// boats is a definition of the kind Boat in the group NAME.example.
func boats(t testing.TB, name string) *manifest.Object {
	t.Helper()
	return object(t, `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.`+name+`.example}
spec:
  group: `+name+`.example
  names: {kind: Boat, plural: boats}
  scope: Namespaced
  versions:
    - name: v1alpha1
      served: false
      storage: false
      schema: {openAPIV3Schema: {type: object}}
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [length]
              x-kubernetes-validations:
                - {rule: "self.crew <= self.length", message: the crew does not fit}
              properties:
                length: {type: integer, minimum: 1, maximum: 100}
                crew: {type: integer, default: 1}
                flag: {type: string, pattern: "^[A-Z]{2}$"}
                kind: {type: string, enum: [Tug, Ferry]}
                ropes:
                  type: array
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [name]
                  items:
                    type: object
                    required: [name]
                    properties: {name: {type: string}, meters: {type: integer}}
                cargo: {type: object, x-kubernetes-preserve-unknown-fields: true}
                hull:
                  type: string
                  x-kubernetes-validations: [{rule: self == oldSelf, message: hull is immutable}]
`)
}
