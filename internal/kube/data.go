package kube

import (
	"context"
	"encoding/base64"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// ReadData reads the data of a ConfigMap or Secret, by its keys; nil if there is no
// such object. It makes one request.
func (c *Cluster) ReadData(ctx context.Context, kind, namespace, name string) (map[string][]byte, error) {
	resource := configMaps
	if kind == "Secret" {
		resource = secrets
	}
	object, err := c.Get(ctx, resource, namespace, name)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read %s %s/%s: %w", kind, namespace, name, err)
	}
	data := map[string][]byte{}
	for _, field := range []string{"data", "binaryData"} {
		entries, _ := object.Object[field].(map[string]any)
		for key, value := range entries {
			text, _ := value.(string)
			data[key] = []byte(text)
			if kind == "Secret" || field == "binaryData" {
				if data[key], err = base64.StdEncoding.DecodeString(text); err != nil {
					return nil, fmt.Errorf("read %s %s/%s: the key %s is not base64", kind, namespace, name, key)
				}
			}
		}
	}
	return data, nil
}
